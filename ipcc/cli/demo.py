"""play scripted calls through everything, show each journey, then stay up"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ipcc.cli.folder import claimed
from ipcc.cli.journeys import first
from ipcc.cli.plan import Plan, add_options, plan_of
from ipcc.cli.stage import Stage
from ipcc.cli.suite import Suite, running_suite
from ipcc.cli.up import leave_word, print_addresses
from ipcc.cli.verdict import Result, Totals, compare_totals, document
from ipcc.clock import SystemClock
from ipcc.http.server import wait_for_signal
from ipcc.logging import configure_logging
from ipcc.settings import ServiceSettings

AGENTS = ("1001", "1002", "1003", "1004", "1005", "1006")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    add_options(parser)
    parser.set_defaults(var=Path("var/demo"))
    parser.add_argument("--calls", type=int, default=20, metavar="N", help="how many calls (default 20)")
    parser.add_argument(
        "--exit", action="store_true", help="end after the calls; exit code 1 when anything does not add up"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every journey and the totals")


def run(given: argparse.Namespace) -> int:
    """Play, print, and stay up unless told to exit."""
    plan = plan_of(given)
    configure_logging(plan.log_level, "auto")
    # fresh: yesterday's calls would be in today's totals
    with claimed(plan.var, fresh=True):
        return asyncio.run(_run(plan, given.calls, given.json, leaves=given.exit))


async def _run(plan: Plan, calls: int, json_file: Path | None, *, leaves: bool) -> int:
    console = Console(width=None if Console().is_terminal else 200)
    async with running_suite(plan) as suite:
        console.print("[bold]Starting[/] …")
        ok = await _play(console, suite, calls, json_file)
        if leaves:
            return 0 if ok else 1
        leave_word(suite)
        print_addresses(console, suite)
        console.print("The demonstration stays up. Press Ctrl-C to stop.")
        await wait_for_signal()
    return 0 if ok else 1


async def _play(console: Console, suite: Suite, calls: int, json_file: Path | None) -> bool:
    results: list[Result] = []

    def tell(result: Result) -> None:
        results.append(result)
        mark = "[green]ok[/]" if not result.problems else "[red]wrong[/]"
        console.print(f"  {len(results):>3}/{calls} {mark} {result.title}", highlight=False)

    async with suite.client() as client:
        stage = Stage(suite, client, SystemClock())
        await stage.prepare(AGENTS)
        console.print(f"Everything is green; playing {calls} calls:")
        for scene in first(calls):
            await stage.play(scene, tell)
        bus = suite.parts.bus(_bus_settings(suite))
        await bus.start()
        try:
            witnesses = await stage.totals(bus)
        finally:
            await bus.stop()
    problems = compare_totals(witnesses)
    _print(console, results, witnesses, problems)
    written = document(results, witnesses, problems)
    if json_file:
        text = json.dumps(written, indent=2, ensure_ascii=False, default=str) + "\n"
        await asyncio.to_thread(json_file.write_text, text, encoding="utf-8")
    return bool(written["ok"])


def _bus_settings(suite: Suite) -> ServiceSettings:
    return suite.services[0].settings


def _print(console: Console, results: Sequence[Result], witnesses: dict[str, Totals], problems: Sequence[str]) -> None:
    table = Table(title="Journeys", show_lines=False)
    for column in ("call", "what", "path", "bank", "queue", "wait", "offers", "agent", "talk", "recording"):
        table.add_column(column, overflow="fold")
    for result in results:
        table.add_row(*_cells(result), style="" if not result.problems else "red")
    console.print(table)
    for result in results:
        if result.voicemail:
            console.print(f"{result.call_id[:8]} voicemail: {result.voicemail}", highlight=False)
        for problem in result.problems:
            console.print(f"[red]{result.title}[/] ({result.call_id}): {problem}", highlight=False)
    for name, totals in witnesses.items():
        sums = f"{totals.offered} = {totals.answered} + {totals.abandoned} + {totals.overflowed} + {totals.transferred}"
        console.print(
            f"{name:>7}: offered = answered + abandoned + overflowed + transferred + waiting: {sums} + {totals.still_waiting}"
        )
    for problem in problems:
        console.print(f"[red]{problem}[/]")


def _cells(result: Result) -> list[str]:
    recording = result.recording
    return [
        result.call_id[:8],
        result.title,
        " > ".join(result.path),
        ", ".join(result.bank),
        f"{result.queue} {result.stay}".strip(),
        _seconds(result.wait_ms),
        ", ".join(f"{o['agent']} {o['outcome']}" for o in result.offers),
        result.agent,
        _seconds(result.talk_ms),
        _seconds(recording["duration_ms"]) if recording else "",
    ]


def _seconds(ms: int | None) -> str:
    return "" if ms is None else f"{ms / 1000:.1f} s"
