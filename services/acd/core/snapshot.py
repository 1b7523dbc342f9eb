"""The log part of a state as plain data and back: what AcdSnapshot carries."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from services.acd.core.rows import EPOCH_ROW, Agent, Contact, Entry, Offer, PastEntry
from services.acd.core.state import State

FORMAT = 1

_AGENTS = TypeAdapter(list[Agent])
_ENTRIES = TypeAdapter(list[Entry])
_OFFERS = TypeAdapter(list[Offer])
_CONTACTS = TypeAdapter(list[Contact])
_PAST = TypeAdapter(list[PastEntry])


def to_dict(state: State) -> dict[str, Any]:
    """Everything the log made, as JSON-ready data; what is learnt from others is left out."""
    return {
        "format": FORMAT,
        "epoch": state.epoch,
        "agents": _AGENTS.dump_python(list(state.agents.values()), mode="json"),
        "entries": _ENTRIES.dump_python(list(state.entries.values()), mode="json"),
        "offers": _OFFERS.dump_python(list(state.offers.values()), mode="json"),
        "contacts": _CONTACTS.dump_python(list(state.contacts.values()), mode="json"),
        "past": _PAST.dump_python(list(state.past.values()), mode="json"),
    }


def from_dict(domain: str, saved: dict[str, Any], inputs: dict[str, int]) -> State:
    """The state saved; ``inputs`` are the offsets to read on from. Raises pydantic's ValidationError when it is damaged."""
    state = State(domain)
    for agent in _AGENTS.validate_python(saved["agents"]):
        state.write(state.agents, agent.id, agent)
    for entry in _ENTRIES.validate_python(saved["entries"]):
        state.write(state.entries, entry.id, entry)
    for offer in _OFFERS.validate_python(saved["offers"]):
        state.write(state.offers, offer.id, offer)
    for contact in _CONTACTS.validate_python(saved["contacts"]):
        state.write(state.contacts, contact.id, contact)
    for past in _PAST.validate_python(saved["past"]):
        state.write(state.past, past.id, past)
    state.write(state.counters, EPOCH_ROW, int(saved["epoch"]))
    for place, offset in inputs.items():
        state.write(state.offsets, place, offset)
    return state
