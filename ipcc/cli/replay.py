"""decide a recorded tenure of the routing server again: every decision must come out the same"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import perf_counter

from rich.console import Console

from ipcc.cli.suite import module_of
from ipcc.errors import Invalid


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("journal", type=Path, help="a file of acd's inputs (setting inputs_dir)")


def run(given: argparse.Namespace) -> int:
    """Decide it again; 1 when something comes out otherwise."""
    started = perf_counter()
    try:
        found = module_of("acd", "journal").replay(given.journal)
    except OSError as error:
        raise Invalid("replay.file", f"{given.journal}: {error.strerror}") from None
    taken = perf_counter() - started
    console = Console()
    console.print(f"{found.inputs:,} inputs decided again in {taken:.1f} s; {found.events:,} events followed.")
    if found.difference is None:
        console.print("Every decision is the same.")
        return 0
    one = found.difference
    console.print(f"Line {one.line} is decided otherwise: {one.kind} at {one.at.isoformat()}. Now it gives:")
    for event in one.events:
        console.print(f"  {event.TYPE} {event.model_dump_json()}", markup=False, highlight=False, soft_wrap=True)
    return 1
