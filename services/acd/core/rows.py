"""The rows of a routing domain's state: what is remembered about an agent, a waiting contact, an offer, a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ipcc.contracts.acd import AgentState, EntryOutcome

OrderKey = tuple[int, datetime, str]
# work done so long ago counts half in an agent's load
LOAD_HALF_LIFE_S = 3_600.0
# what a contact takes, in seconds, before a queue has handled any
DEFAULT_HANDLE_S = 240.0
EPOCH_ROW = "epoch"
# the virtual time at which queues that share agents take turns
SHARE_ROW = "share"


# shared by all who hold nothing in writing; never changed
_NO_USES: Mapping[str, Use] = {}
_NO_PAUSES: Mapping[str, float] = {}


def share_row(queue_id: str) -> str:
    """Under what the virtual time of a queue's next turn is kept."""
    return f"share/{queue_id}"


@dataclass(frozen=True, slots=True)
class Use:
    """How an agent stands in one medium of writing. ``since``: the last conversation of it began or ended; ``pause``: why he is
    offered no more of it until he is ready again."""

    offered: int = 0
    serving: int = 0
    wrapping: int = 0
    since: datetime | None = None
    pause: str = ""

    @property
    def held(self) -> int:
        """Offers and contacts, those whose work is not finished included: what counts against his capacity (I2)."""
        return self.offered + self.serving + self.wrapping


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent who was ever signed in here. ``until``: when the state ends by itself; ``idle_since``: his place among the idle.

    ``handled`` contacts and ``busy_s`` seconds of work since he signed in; ``load``: the work of all his days, in seconds, as it
    was at ``load_at``, halving every LOAD_HALF_LIFE_S; ``offered_epoch``: the epoch of his last offer.
    """

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
    busy_since: datetime | None = None
    busy_s: float = 0.0
    handled: int = 0
    load: float = 0.0
    load_at: datetime | None = None
    offered_epoch: int = 0
    limit_at: datetime | None = None
    overdue: bool = False
    paused_on: str = ""
    paused_s: Mapping[str, float] = field(default_factory=lambda: _NO_PAUSES)
    """Seconds per reason of the pauses that ended on the day ``paused_on``; ``limit_at`` and ``overdue`` are of the one he is in."""
    uses: Mapping[str, Use] = field(default_factory=lambda: _NO_USES)
    """How he stands in each medium of writing that he ever had anything of. Whatever else is said here is his telephone's."""

    @property
    def in_writing(self) -> int:
        """How many contacts in writing he holds, of all media."""
        return sum(use.held for use in self.uses.values()) if self.uses else 0


@dataclass(frozen=True, slots=True)
class Callback:
    """The entry's customer is to be called back. ``tries`` are those that counted; ``call_id`` is the call in which he was reached.

    It is not tried from ``closes_at`` on, not offered before ``paused_until``, nor from ``stretch_ends_at`` (of the day) on.
    """

    closes_at: datetime
    paused_until: datetime | None = None
    stretch_ends_at: datetime | None = None
    tries: int = 0
    call_id: str = ""

    @property
    def is_reached(self) -> bool:
        """Whether the customer answered: he is on the line, and waits like a caller."""
        return bool(self.call_id)


@dataclass(frozen=True, slots=True)
class Entry:
    """A contact's stay in one queue.

    ``queued_at`` is when we took it in; ``tries`` counts its offers per agent; ``offer_id`` is one that is out now.
    ``expected``: the waiting time foretold when it came, in seconds;
    ``answered_offer``: the last one that was picked up;
    ``also``: queues it waits in besides; ``preferred``: whom it waits for alone; ``step``: so many relaxations apply.
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
    also: tuple[str, ...] = ()
    ageing_s: int = 0
    preferred: tuple[str, ...] = ()
    last_agent: str = ""
    """The one it prefers because he served its customer last; kept when it waits for him no longer."""
    step: int = 0
    expected: tuple[float, float] | None = None
    answered_offer: str = ""
    callback: Callback | None = None
    medium: str = "voice"

    @property
    def is_to_be_dialled(self) -> bool:
        """Whether its customer is not on the line."""
        return self.callback is not None and not self.callback.is_reached

    @property
    def is_paused(self) -> bool:
        """Whether it is not offered for now, by the rules of calling back."""
        return self.callback is not None and self.callback.paused_until is not None

    @property
    def order(self) -> OrderKey:
        """Its place: smaller is served first (invariant I3)."""
        if self.ageing_s:
            # every ``ageing_s`` of waiting is worth one priority: who entered so much earlier stands level
            return (0, self.entered_at + timedelta(seconds=self.priority * self.ageing_s), self.id)
        return (self.priority, self.entered_at, self.id)

    def urgency(self, now: datetime) -> float:
        """Its priority with its age counted in; smaller is more urgent. Compares contacts of different queues."""
        if not self.ageing_s:
            return float(self.priority)
        return self.priority - (now - self.entered_at).total_seconds() / self.ageing_s


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
    customer_leg: str = ""
    """The leg to a customer who is being called back for it; "" when none is being dialled."""
    medium: str = "voice"

    @property
    def is_by_phone(self) -> bool:
        """Whether legs tell what becomes of it; one in writing is taken at the desktop."""
        return self.medium == "voice"

    @property
    def has_agent_leg(self) -> bool:
        """Whether the agent's phone was dialled: with the customer first, only once he has answered."""
        return self.is_by_phone and (not self.customer_leg or self.answered_at is not None)


@dataclass(frozen=True, slots=True)
class Contact:
    """An agent and a customer who were joined, until the wrap-up is over. ``leg_id`` is the caller's leg, ``id`` the entry's;
    ``until`` is when the wrap-up of one in writing ends by itself (that of a call is the agent's state)."""

    id: str
    offer_id: str
    call_id: str
    queue_id: str
    agent_id: str
    node_id: str
    leg_id: str
    joined_at: datetime
    ended_at: datetime | None = None
    medium: str = "voice"
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """How a queue is worked off, newer contacts counting more: seconds an agent needs for one; share of callers who give up."""

    id: str
    handle_s: float
    lost: float = 0.0


@dataclass(frozen=True, slots=True)
class PastEntry:
    """An entry that ended a short while ago: a repeated command about it is answered, not carried out."""

    id: str
    call_id: str
    queue_id: str
    outcome: EntryOutcome
    ended_at: datetime
    agent_id: str = ""
    target: str = ""
    expected: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """Who served a customer last, since ``at``; ``id`` is a digest of the customer's id or number."""

    id: str
    agent_id: str
    at: datetime
