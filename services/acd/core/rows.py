"""The rows of a routing domain's state: what is remembered about an agent, a waiting contact, an offer, a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ipcc.contracts.acd import AgentState, EntryOutcome

OrderKey = tuple[int, datetime, str]
EPOCH_ROW = "epoch"


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent who was ever signed in here. ``until``: when the state ends by itself; ``idle_since``: his place among the idle."""

    id: str
    state: AgentState = AgentState.OUT
    since: datetime | None = None
    reason: str = ""
    then_reason: str = ""
    phone_id: str = ""
    offer_id: str = ""
    call_id: str = ""
    until: datetime | None = None
    idle_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A contact's stay in one queue.

    ``queued_at`` is when we took it in; ``tries`` counts its offers per agent; ``offer_id`` is the one that is out now.
    """

    id: str
    call_id: str
    leg_id: str
    node_id: str
    queue_id: str
    entered_at: datetime
    queued_at: datetime
    priority: int = 5
    skills: Mapping[str, int] = field(default_factory=dict)
    language: str = ""
    caller_number: str = ""
    caller_name: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    offer_id: str = ""
    tries: Mapping[str, int] = field(default_factory=dict)

    @property
    def order(self) -> OrderKey:
        """Its place: smaller is served first (invariant I3)."""
        return (self.priority, self.entered_at, self.id)


@dataclass(frozen=True, slots=True)
class Offer:
    """One attempt to give an entry to an agent; its id is also the uuid of the agent's leg."""

    id: str
    entry_id: str
    call_id: str
    queue_id: str
    agent_id: str
    phone_id: str
    node_id: str
    epoch: int
    made_at: datetime
    deadline: datetime
    ringing_at: datetime | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """An agent and a caller who were joined, until the wrap-up is over. ``leg_id`` is the caller's leg, ``id`` the entry's."""

    id: str
    offer_id: str
    call_id: str
    queue_id: str
    agent_id: str
    node_id: str
    leg_id: str
    joined_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PastEntry:
    """An entry that ended a short while ago: a repeated command about it is answered, not carried out."""

    id: str
    call_id: str
    queue_id: str
    outcome: EntryOutcome
    ended_at: datetime
    agent_id: str = ""
