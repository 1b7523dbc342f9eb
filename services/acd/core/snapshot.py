"""The log part of a state as plain data and back: what AcdSnapshot carries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter

from services.acd.core.rows import EPOCH_ROW, Agent, Contact, Entry, Offer, Pace, PastEntry, Served
from services.acd.core.state import State, Table

FORMAT = 1

_AGENTS = TypeAdapter(list[Agent])
_ENTRIES = TypeAdapter(list[Entry])
_OFFERS = TypeAdapter(list[Offer])
_CONTACTS = TypeAdapter(list[Contact])
_PACES = TypeAdapter(list[Pace])
_PAST = TypeAdapter(list[PastEntry])
_SERVED = TypeAdapter(list[Served])
# tables that snapshots of earlier releases lack
LATER = frozenset({"paces", "served"})


def to_dict(state: State) -> dict[str, Any]:
    """Everything the log made, as JSON-ready data; what is learnt from others is left out."""
    return {
        "format": FORMAT,
        "epoch": state.epoch,
        "counters": dict(state.counters),
        "agents": _AGENTS.dump_python(list(state.agents.values()), mode="json"),
        "entries": _ENTRIES.dump_python(list(state.entries.values()), mode="json"),
        "offers": _OFFERS.dump_python(list(state.offers.values()), mode="json"),
        "contacts": _CONTACTS.dump_python(list(state.contacts.values()), mode="json"),
        "paces": _PACES.dump_python(list(state.paces.values()), mode="json"),
        "past": _PAST.dump_python(list(state.past.values()), mode="json"),
        "served": _SERVED.dump_python(list(state.served.values()), mode="json"),
    }


def cut(saved: dict[str, Any], rows: int) -> list[dict[str, Any]]:
    """``saved`` in pieces of at most ``rows`` rows each; the first has whatever is not a row."""
    pieces: list[dict[str, Any]] = [{key: value for key, value in saved.items() if not isinstance(value, list)}]
    left = rows
    for table, found in ((key, value) for key, value in saved.items() if isinstance(value, list)):
        start = 0
        while start < len(found) or table not in pieces[-1]:
            if left == 0 and start < len(found):
                pieces.append({})
                left = rows
            pieces[-1][table] = found[start : start + left]
            start, left = start + left, left - len(pieces[-1][table])
    return pieces


def paste(pieces: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The whole of what was cut."""
    whole: dict[str, Any] = {}
    for piece in pieces:
        for key, value in piece.items():
            whole[key] = whole[key] + value if isinstance(value, list) and key in whole else value
    return whole


def from_dict(domain: str, saved: dict[str, Any], inputs: dict[str, int]) -> State:
    """The state saved; ``inputs`` are the offsets to read on from. Raises pydantic's ValidationError when it is damaged."""
    state = State(domain)
    tables: tuple[tuple[Table[Any], TypeAdapter[Any], str], ...] = (
        (state.agents, _AGENTS, "agents"),
        (state.entries, _ENTRIES, "entries"),
        (state.offers, _OFFERS, "offers"),
        (state.contacts, _CONTACTS, "contacts"),
        (state.paces, _PACES, "paces"),
        (state.past, _PAST, "past"),
        (state.served, _SERVED, "served"),
    )
    for table, adapter, name in tables:
        for row in adapter.validate_python(saved.get(name, []) if name in LATER else saved[name]):
            state.write(table, row.id, row)
    # snapshots of the first version have the epoch alone
    for name, value in saved.get("counters", {EPOCH_ROW: saved["epoch"]}).items():
        state.write(state.counters, name, int(value))
    for place, offset in inputs.items():
        state.write(state.offsets, place, offset)
    return state
