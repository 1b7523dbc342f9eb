"""test, check and list the bank's voice flows, without a switch"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ipcc.errors import Invalid

ROOT = Path(__file__).resolve().parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "what", choices=("test", "check", "list"), help="test: run each flow's own cases; check: only read them"
    )
    parser.add_argument("flow", nargs="?", default="", help="one flow (default: all)")
    parser.add_argument(
        "--flows", type=Path, default=ROOT / "flows", metavar="DIR", help="folder of the flow documents"
    )
    parser.add_argument(
        "--prompts",
        type=Path,
        default=ROOT / "freeswitch/sounds/prompts.yaml",
        metavar="FILE",
        help="list of the prompts there are",
    )
    parser.add_argument(
        "--least", type=float, default=0, metavar="PERCENT", help="test: fail when fewer nodes are visited"
    )
    parser.add_argument("--unvisited", action="store_true", help="test: name the nodes no case came to")


def run(given: argparse.Namespace) -> int:
    """0 when every flow can be published and every case came out as it says."""
    console = Console()
    # loaded by name: the shared package knows no service
    rehearsing = importlib.import_module("services.ivr.rehearsing")
    try:
        store = rehearsing.open_folder(given.flows, given.prompts)
    except Invalid as error:
        _print_problems(console, error)
        return 1
    if given.what == "check":
        console.print(f"{len(store.all())} flows can be published", highlight=False)
        return 0
    if given.what == "list":
        _print_flows(console, store)
        return 0
    reports = list(rehearsing.try_all(store, given.flows, given.flow))
    return _print_reports(console, reports, given)


def _print_problems(console: Console, error: Invalid) -> None:
    problems = error.details.get("problems") or []
    console.print(error.message.partition(": ")[0] if problems else error.message, style="red", markup=False)
    for problem in problems:
        console.print(f"  {problem['node']}: {problem['en']} / {problem['zh']}", markup=False)


def _print_flows(console: Console, store: Any) -> None:
    table = Table("flow", "version", "name", "nodes", "met by callers")
    for flow in store.all():
        names = " / ".join(flow.name.values())
        table.add_row(flow.id, str(flow.version), names, str(len(flow.nodes)), "" if flow.is_part else "yes")
    console.print(table)


def _print_reports(console: Console, reports: list[Any], given: argparse.Namespace) -> int:
    table = Table("flow", "cases", "wrong", "ms", "nodes", "visited")
    wrong = 0
    for report in reports:
        bad = [tried for tried in report.tried if tried.problems]
        short = report.coverage < given.least
        wrong += len(bad) + short
        spent = f"{sum(tried.ms for tried in report.tried):.1f}"
        visited = f"{report.coverage:.0f} %" + (" [red]too few[/]" if short else "")
        table.add_row(report.flow.id, str(len(report.tried)), str(len(bad)), spent, str(report.nodes), visited)
        for tried in bad:
            console.print(f"[red]{report.flow.id}[/]: {tried.name}: {'; '.join(tried.problems)}", highlight=False)
        if given.unvisited and report.unvisited:
            console.print(f"{report.flow.id}, not visited: {' '.join(report.unvisited)}", highlight=False)
    console.print(table)
    return 1 if wrong else 0
