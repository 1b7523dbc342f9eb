"""How an agent stands in every medium, as people and programs see it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ipcc.contracts.acd import AgentState
from ipcc.contracts.config import VOICE, User
from services.acd.core.media import DIGITAL, obstacle_for, use_of
from services.acd.core.rows import Agent
from services.acd.schemas import MediumView


def media_of(user: User, row: Agent) -> list[MediumView]:
    """How he stands in every medium he may be given, or still holds something of."""
    return list(_views(user, row))


def _views(user: User, row: Agent) -> Iterator[MediumView]:
    for medium in (VOICE, *DIGITAL):
        counts = _by_phone(row) if medium == VOICE else _in_writing(row, medium)
        capacity = user.capacity.of(medium)
        if capacity or counts.total():
            yield MediumView(
                medium=medium,
                capacity=capacity,
                offered=counts["offered"],
                serving=counts["serving"],
                wrapping=counts["wrapping"],
                obstacle=obstacle_for(user, row, medium),
            )


def _by_phone(row: Agent) -> Counter[str]:
    where = {
        AgentState.OFFERED: "offered",
        AgentState.RINGING: "offered",
        AgentState.TALKING: "serving",
        AgentState.WRAP_UP: "wrapping",
    }
    return Counter([where[row.state]] if row.state in where else [])


def _in_writing(row: Agent, medium: str) -> Counter[str]:
    use = use_of(row, medium)
    return Counter(offered=use.offered, serving=use.serving, wrapping=use.wrapping)
