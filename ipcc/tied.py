"""Runs a module that ends with the process that started it, however that one ends: ``python -m ipcc.tied MODULE [ARGUMENT …]``.

The parent holds the other end of this process's standard input and never writes to it. When the parent is gone, killed or not,
the system closes that end; what is read then is its end. Nothing is left running that nobody watches.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading

# the time to close connections and finish writing, before it is ended for good
GRACE_S = 10.0


def tie(grace_s: float = GRACE_S) -> None:
    """From now on this process is asked to end, and ends, once its standard input does."""
    threading.Thread(target=_watch, args=(grace_s,), name="tied to the parent", daemon=True).start()


def _watch(grace_s: float) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(grace_s)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    tie()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
