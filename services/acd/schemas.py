"""Bodies of requests and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from ipcc.contracts.acd import AgentState
from ipcc.contracts.config import Medium


class QueueView(BaseModel):
    """A queue now. ``ready`` are agents who could be offered its next contact."""

    id: str
    name: str
    domain: str
    medium: Medium
    waiting: int
    offered: int
    longest_wait_s: float
    agents: dict[AgentState, int]


class MediumView(BaseModel):
    """How an agent stands in one medium. ``obstacle``: why he has no room for one contact more of it; "" when he has."""

    medium: Medium
    capacity: int
    offered: int
    serving: int
    wrapping: int
    obstacle: str


class AgentView(BaseModel):
    """An agent now. ``until`` is when his state, which is his telephone's, ends by itself; ``media``: those he may be given."""

    id: str
    name: str
    domain: str
    state: AgentState
    since: datetime | None
    reason: str
    then_reason: str
    phone_id: str
    call_id: str
    offer_id: str
    until: datetime | None
    limit_at: datetime | None = Field(description="until when the reason he is not ready for is good")
    overdue: bool = Field(description="that time is over, and he is still not ready")
    skills: dict[str, int]
    media: list[MediumView]


class WrapUpDone(BaseModel):
    """What came of a contact in writing."""

    code: str = Field(default="", max_length=80)


class OfferDeclined(BaseModel):
    """The offer after it."""

    offer_id: str
    entry_id: str
    outcome: str


class ContactAnswer(BaseModel):
    """A contact in writing after it. ``is_over``: the conversation is; ``until``: the time for the work on it."""

    entry_id: str
    agent_id: str = ""
    queue_id: str = ""
    medium: str = ""
    is_over: bool = True
    until: datetime | None = None


class ContactView(BaseModel):
    """A contact an agent serves, or wraps up after. ``until``: when the wrap-up of one in writing ends by itself."""

    id: str
    call_id: str
    queue_id: str
    domain: str
    medium: Medium
    agent_id: str
    joined_at: datetime
    ended_at: datetime | None
    until: datetime | None


class EntryView(BaseModel):
    """A contact that waits. No caller's number: who may see it learns it from the call."""

    id: str
    call_id: str
    queue_id: str
    domain: str
    medium: Medium
    position: int
    priority: int
    entered_at: datetime
    waited_s: float
    offered_to: str
    tries: dict[str, int]


class Step(BaseModel):
    """One thing that happened to a contact."""

    at: datetime
    words: str
    words_zh: str
    type: str
    details: dict[str, Any] = Field(default_factory=dict)


class Stay(BaseModel):
    """One stay in one queue."""

    entry_id: str
    queue_id: str
    steps: list[Step]


class Why(BaseModel):
    """Why a contact went where it went."""

    id: str
    stays: list[Stay]


class ForcedState(BaseModel):
    """The state a supervisor puts an agent in. ``out`` also ends an offer; a conversation goes on."""

    state: Literal["ready", "not_ready", "out"]
    reason: str = Field(default="supervisor", max_length=80)


class ChangedEntry(BaseModel):
    """Where a waiting contact goes and how urgent it is; what is left out stays as it is."""

    queue_id: str | None = Field(default=None, max_length=64)
    priority: int | None = Field(default=None, ge=1, le=10, description="1 is served first")


class PulledEntry(BaseModel):
    """The agent a waiting contact is offered to at once."""

    agent_id: str = Field(max_length=64)


class EntryAnswer(BaseModel):
    """The entry after it. ``position`` 0: it has left its queue, by ``outcome``."""

    entry_id: str
    queue_id: str
    position: int
    outcome: str = ""
    target: str = ""
    offer_id: str = ""


class AgentAnswer(BaseModel):
    """The agent after it."""

    agent_id: str
    state: AgentState
    reason: str
    then_reason: str = ""
    phone_id: str = ""
    until: datetime | None = None
    limit_at: datetime | None = None
    overdue: bool = False
