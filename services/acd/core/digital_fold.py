"""Events about contacts in writing to state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ipcc.contracts.digital import AgentMediumChanged, ContactEnded
from services.acd.core.load import BUSY, counted
from services.acd.core.media import use_of
from services.acd.core.rows import Agent, Use
from services.acd.core.state import State


def _medium_changed(state: State, event: AgentMediumChanged, at: datetime) -> None:
    agent = state.agents.get(event.agent_id, Agent(event.agent_id))
    old = use_of(agent, event.medium)
    is_same = (old.serving, old.wrapping) == (event.serving, event.wrapping)
    use = Use(event.offered, event.serving, event.wrapping, old.since if is_same else at, event.reason)
    agent = replace(agent, uses={**agent.uses, event.medium: use})
    state.write(state.agents, agent.id, counted(agent, agent.state in BUSY or agent.in_writing > 0, at))


def _contact_ended(state: State, event: ContactEnded, at: datetime) -> None:
    contact = state.contacts.get(event.entry_id)
    if contact is not None:
        state.write(state.contacts, contact.id, replace(contact, ended_at=at, until=event.until))


def without_pauses(uses: Mapping[str, Use]) -> Mapping[str, Use]:
    """He is ready again: whatever he did not take while he was on the telephone, he is offered such again."""
    if not any(use.pause for use in uses.values()):
        return uses
    return {medium: replace(use, pause="") for medium, use in uses.items()}


FOLDS: dict[type, Callable[[State, Any, datetime], None]] = {
    AgentMediumChanged: _medium_changed,
    ContactEnded: _contact_ended,
}
