"""Units of the bank as a tree: which unit stands above which. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ipcc.contracts.config import Organisation


def lineage(unit: str, units: Mapping[str, Organisation]) -> Iterator[str]:
    """``unit`` and those above it, the nearest first; nothing for an unknown one. A circle ends where it began."""
    seen: set[str] = set()
    while unit in units and unit not in seen:
        seen.add(unit)
        yield unit
        unit = units[unit].parent or ""


def is_under(unit: str, above: str, units: Mapping[str, Organisation]) -> bool:
    """Whether ``unit`` is ``above`` itself or a unit somewhere under it."""
    return above in lineage(unit, units)
