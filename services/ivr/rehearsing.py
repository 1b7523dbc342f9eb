"""Flow documents and their test cases read from a folder and tried: what ``ipcc flow`` does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from pydantic import ValidationError

from ipcc.errors import Invalid
from services.ivr.catalogue import FlowStore
from services.ivr.core.flow import Flow
from services.ivr.core.rehearsal import Cases, rehearse


@dataclass(frozen=True)
class Tried:
    """One case and what came of it; ``ms`` it took."""

    name: str
    ms: float
    problems: tuple[str, ...]


@dataclass(frozen=True)
class FlowReport:
    """All cases of one flow, and its nodes none of them came to; those of sub-flows count where they are written."""

    flow: Flow
    tried: tuple[Tried, ...]
    nodes: int
    unvisited: tuple[str, ...]

    @property
    def coverage(self) -> float:
        """Nodes visited, in percent."""
        return 100 * (self.nodes - len(self.unvisited)) / self.nodes


def open_folder(folder: Path, prompts_file: Path) -> FlowStore:
    """Every flow of the folder, checked. Raises Invalid naming file, node and reason."""
    return FlowStore.read(folder, prompts_file)


def try_all(store: FlowStore, folder: Path, only: str = "") -> Iterator[FlowReport]:
    """The cases of every flow, or of one. Raises NotFound for an unknown flow, Invalid for cases that cannot be read."""
    for flow in [store.published(only)] if only else store.all():
        yield _try(flow, list(store.parts()[flow.id].nodes), folder / "tests" / f"{flow.id}.json")


def _try(flow: Flow, own: list[str], path: Path) -> FlowReport:
    return try_cases(flow, own, read_cases(path) if path.exists() else None)


def try_cases(flow: Flow, own: list[str], cases: Cases | None) -> FlowReport:
    """Walk the cases; ``own`` are the nodes the document itself has."""
    visited: set[str] = set()
    tried: list[Tried] = []
    for case in cases.cases if cases else ():
        began = perf_counter()
        done = rehearse(flow, case)
        tried.append(Tried(case.name, (perf_counter() - began) * 1000, tuple(done.problems)))
        visited |= set(done.path)
    return FlowReport(flow, tuple(tried), len(own), tuple(name for name in own if name not in visited))


def read_cases(path: Path) -> Cases:
    """Raises Invalid naming the file and the place."""
    try:
        return Cases.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (ValidationError, ValueError, OSError) as error:
        raise Invalid("flow.cases", f"{path}: {error}") from error
