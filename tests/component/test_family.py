"""The processes of ``ipcc up --processes``: none is left when the one that started them is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.until import until

PARENT = """
import asyncio, os, sys
from pathlib import Path
from ipcc.cli.processes import Child, Family, tied

async def main():
    children = [Child(str(n), tied("http.server", "0", "--bind", "127.0.0.1"), dict(os.environ)) for n in range(2)]
    family = Family(children, Path(sys.argv[1]))
    family.start()
    while not all(child.process for child in children):
        await asyncio.sleep(0.01)
    print(*(child.process.pid for child in children), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await family.stop()

asyncio.run(main())
"""
STUBBORN = """
import signal, sys, threading
from ipcc.tied import tie
signal.signal(signal.SIGTERM, signal.SIG_IGN)
tie(grace_s=0.2)
print("here", flush=True)
threading.Event().wait()
"""


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and whose end nobody has asked for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@asynccontextmanager
async def started(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process with its standard input held, ended at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def first_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(20):
        return (await process.stdout.readline()).decode()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to look for processes")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_no_child_is_left_when_the_parent_is_killed(tmp_path: Path, how: signal.Signals) -> None:
    async with started("-c", PARENT, str(tmp_path)) as parent:
        children = [int(pid) for pid in (await first_line(parent)).split()]
        assert len(children) == 2
        assert all(is_alive(pid) for pid in children)
        os.kill(parent.pid, how)
        await until(lambda: not any(is_alive(pid) for pid in children), timeout=20, what="the children are gone")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to look for processes")
async def test_a_parent_that_ends_in_order_takes_its_children_along(tmp_path: Path) -> None:
    async with started("-c", PARENT, str(tmp_path)) as parent:
        children = [int(pid) for pid in (await first_line(parent)).split()]
        assert parent.stdin is not None
        parent.stdin.write(b"\n")
        async with asyncio.timeout(20):
            assert await parent.wait() == 0
        assert not any(is_alive(pid) for pid in children)


async def test_one_that_does_not_want_to_end_is_ended() -> None:
    async with started("-c", STUBBORN) as process:
        assert await first_line(process) == "here\n"
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(20):
            assert await process.wait() == -signal.SIGKILL
