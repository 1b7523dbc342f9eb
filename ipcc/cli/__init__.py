"""The ``ipcc`` command: the suite on one machine, calls to try it with, and what is wrong with an installation."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import httpx
from websockets.exceptions import ConnectionClosed

from ipcc.cli import agent, call, demo, doctor, flow, replay, sim, simulate, up
from ipcc.errors import IpccError

COMMANDS = (up, demo, call, agent, flow, sim, simulate, replay, doctor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    parser = argparse.ArgumentParser(prog="ipcc", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2]
        summary = (module.__doc__ or "").splitlines()[0]
        own = commands.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(own)
        own.set_defaults(run=module.run)
    given = parser.parse_args(arguments)
    try:
        return int(given.run(given))
    except IpccError as error:
        sys.stderr.write(f"ipcc {given.command}: {error.message}\n")
        return 2
    except (httpx.HTTPError, ConnectionClosed) as error:
        sys.stderr.write(
            f"ipcc {given.command}: the suite does not answer any more ({error or type(error).__name__})\n"
        )
        return 2
    except (OSError, OverflowError) as error:
        sys.stderr.write(f"ipcc {given.command}: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
