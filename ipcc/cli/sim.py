"""the simulated switch alone, for any event-socket client to talk to"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from rich.console import Console

from ipcc.cli.plan import Plan
from ipcc.cli.suite import simulated_switch
from ipcc.http.server import wait_for_signal
from ipcc.logging import configure_logging


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "--listen", default="127.0.0.1:8021", metavar="HOST:PORT", help="where the event socket listens"
    )
    parser.add_argument("--var", type=Path, default=Path("var"), metavar="DIR", help="folder for recordings")
    parser.add_argument(
        "--password", default="ClueCon", help="event-socket password (default: the switch's own default)"
    )
    parser.add_argument("--register", default="", metavar="1001,1002", help="phones that register at once")


def run(given: argparse.Namespace) -> int:
    """Run until interrupted."""
    configure_logging("INFO", "auto")
    return asyncio.run(_run(given))


async def _run(given: argparse.Namespace) -> int:
    host, colon, port = given.listen.rpartition(":")
    if not colon or not port.isdecimal():
        raise SystemExit(f"ipcc sim: {given.listen} is not HOST:PORT")
    plan = Plan(var=given.var)
    plan.spool_dir.mkdir(parents=True, exist_ok=True)
    async with simulated_switch(plan, host, int(port), given.password) as (switch, address, _):
        for phone in filter(None, given.register.split(",")):
            switch.register(phone)
        Console().print(
            f"simulated switch {address.node_id}: event socket {address.host}:{address.port}. Press Ctrl-C to stop."
        )
        await wait_for_signal()
    return 0
