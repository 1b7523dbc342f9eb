"""place one simulated call to a suite that is up, key digits, and follow its journey"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from ipcc.cli.remote import Running, Simulated, connected, read
from ipcc.errors import Invalid
from ipcc.logging import configure_logging
from ipcc.sim.people import Caller, Keys

LOOK_S = 0.3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "digits", nargs="?", default="", help="what the caller keys, group by group: 1,1,6222000000000017#,246810#"
    )
    parser.add_argument("--to", default="95500", help="the number dialled (default 95500)")
    parser.add_argument("--number", default="13800000099", help="the caller's number")
    parser.add_argument("--name", default="", help="the caller's name, as his telephone sends it")
    parser.add_argument(
        "--pause", type=float, default=3.0, metavar="S", help="seconds before each group of digits (default 3)"
    )
    parser.add_argument(
        "--hang-up-after", type=float, default=120.0, metavar="S", help="seconds until the caller hangs up"
    )
    parser.add_argument("--var", type=Path, default=Path("var"), metavar="DIR", help="folder of the suite that is up")


def run(given: argparse.Namespace) -> int:
    """Place the call and follow it to its end."""
    configure_logging("WARNING", "auto")
    return asyncio.run(_run(given))


async def _run(given: argparse.Namespace) -> int:
    running = read(given.var)
    if not running.is_simulated:
        raise Invalid("call.real_switch", "this suite uses a real switch: call it with a telephone")
    keys = tuple(
        Keys(group, after_s=given.pause * number, gap_s=0.15)
        for number, group in enumerate(given.digits.split(","), 1)
        if group
    )
    caller = Caller(
        given.number,
        given.to,
        name=given.name,
        keys=keys,
        hang_up_after_s=given.hang_up_after,
        variables={"ipcc_trunk": "demo"},
    )
    async with connected(running.address()) as node:
        call_id = await node.api(Simulated("sim_call", json.dumps(asdict(caller))))
    Console().print(f"call {call_id}")
    return await _follow(running, call_id)


async def _follow(running: Running, call_id: str) -> int:
    console, shown = Console(), 0
    async with running.client() as client:
        while True:
            answer = await client.get(f"{running.urls['report']}/v1/calls/{call_id}")
            if answer.is_success:
                found = answer.json()
                lines = _lines(found)
                for line in lines[shown:]:
                    console.print(line, highlight=False)
                shown = len(lines)
                if found["ended_at"] and all(session["ended_at"] for session in found["sessions"]):
                    console.print(f"ended: {found['cause']}, {found['duration_ms'] / 1000:.1f} s")
                    return 0
            await asyncio.sleep(LOOK_S)


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"  flow: {node}" for session in found["sessions"] for node in session["path"]]
    lines += [f"  bank: {b['operation']} {b['outcome']}" for session in found["sessions"] for b in session["bank"]]
    lines += [f"  offered to {o['agent_id']}: {o['outcome']}" for o in found["offers"] if o["outcome"]]
    return lines + [
        f"  queue {s['queue_id']}: {s['outcome']} after {s['wait_ms'] / 1000:.1f} s"
        for s in found["stays"]
        if s["outcome"]
    ]
