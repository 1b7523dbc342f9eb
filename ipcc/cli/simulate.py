"""play synthetic days through the routing core, faster than real time: service level, waits, occupancy, beside Erlang's formulas"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import perf_counter
from typing import Any

import yaml
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from ipcc.cli.suite import module_of
from ipcc.errors import Invalid

FIGURES = {
    "delayed": ("who waits at all", "%"),
    "lost": ("who gives up", "%"),
    "in_time": ("answered in time", "%"),
    "wait_s": ("mean wait of all", "s"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "day", type=Path, help="a YAML file: queues with calls_per_hour, handle_s, patience_s; crews of agents"
    )
    parser.add_argument("--days", type=int, default=10, metavar="N", help="independent days (default 10, at least 2)")


def run(given: argparse.Namespace) -> int:
    """Play the days and print what they have in common."""
    simulation = module_of("acd", "simulation")
    day = _read(given.day, simulation.Day)
    if given.days < 2:
        raise Invalid("simulate.days", "a confidence interval needs at least two days")
    started = perf_counter()
    outcome = simulation.simulate(day, given.days)
    taken = perf_counter() - started
    console = Console()
    for demand in day.queues:
        console.print(_table(demand, outcome, _theory(day, demand, outcome)))
    busy = outcome.occupancy
    console.print(f"Agents are busy {busy.mean:.1%} ± {busy.half:.1%} of their time.")
    played = given.days * (day.hours * 3600 + day.warm_up_s)
    console.print(
        f"{outcome.decisions:,} decisions in {taken:.1f} s, {played / taken:,.0f} times as fast as real time."
    )
    return 0


def _read(path: Path, kind: Any) -> Any:
    try:
        return kind.model_validate(yaml.safe_load(path.read_text()))
    except OSError as error:
        raise Invalid("simulate.file", f"{path}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise Invalid("simulate.file", f"{path}: not YAML: {error}") from None
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise Invalid("simulate.file", f"{path}: {found}") from None


def _theory(day: Any, demand: Any, outcome: Any) -> Any:
    """Erlang's figures, where they apply: one queue, one crew, room for the load or callers who give up."""
    if len(day.queues) > 1 or len(day.crews) > 1:
        return None
    erlang = module_of("acd", "core.erlang")
    arrivals, agents = demand.calls_per_hour / 3600, day.crews[0].count
    if demand.patience_s:
        return erlang.erlang_a(arrivals, demand.handle_s, agents, demand.patience_s)
    target_s = demand.rules.get("service_level_s", 20)
    return erlang.erlang_c(arrivals, demand.handle_s, agents, target_s) if arrivals * demand.handle_s < agents else None


def _table(demand: Any, outcome: Any, theory: Any) -> Table:
    name = "Erlang A" if demand.patience_s else "Erlang C"
    table = Table(title=f"{demand.id}: {outcome.offered[demand.id]:,} callers")
    for column in ("", "simulated, 95 % interval", *((name, "within") if theory is not None else ())):
        table.add_column(column)
    for key, (words, unit) in FIGURES.items():
        found = outcome.queues[demand.id][key]
        cells = [words, f"{_show(found.mean, unit)} ± {_show(found.half, unit)}"]
        if theory is not None:
            value = getattr(theory, key)
            cells += ["" if value is None else _show(value, unit)]
            cells += ["" if value is None else "yes" if found.holds(value) else "no"]
        table.add_row(*cells)
    return table


def _show(value: float, unit: str) -> str:
    return f"{value * 100:.1f} %" if unit == "%" else f"{value:.1f} s"
