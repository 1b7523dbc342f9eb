"""Agents, queue entries and offers, told by acd alone; and the commands acd takes."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from pydantic import AwareDatetime, Field

from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import ACD, ACD_COMMAND, Topic


class AgentState(StrEnum):
    """Where an agent stands; one at a time."""

    OUT = "out"
    NOT_READY = "not_ready"
    READY = "ready"
    OFFERED = "offered"  # reserved; his phone does not ring yet
    RINGING = "ringing"
    TALKING = "talking"
    WRAP_UP = "wrap_up"


class OfferOutcome(StrEnum):
    """How an offer ended. Only ANSWERED takes the entry out of its queue."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    BUSY = "busy"
    UNREGISTERED = "unregistered"
    FAILED = "failed"
    CALLER_GONE = "caller_gone"
    WITHDRAWN = "withdrawn"


class EntryOutcome(StrEnum):
    """How a stay in a queue ended (invariant I6 sums these)."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    OVERFLOWED = "overflowed"
    TRANSFERRED = "transferred"
    UNREACHED = "unreached"  # called back, and not reached
    CANCELLED = "cancelled"  # nobody wants to be called back any more


class InputRef(Payload):
    """The record that caused an event, so that a restart continues exactly behind it."""

    topic: str
    partition: int
    offset: int


class AcdPayload(Payload):
    """Something acd decided in one routing domain."""

    TOPIC: ClassVar[Topic] = ACD

    domain: str = "default"
    cause: InputRef | None = None

    def key(self) -> str:
        return self.domain


class AgentChanged(AcdPayload):
    """The agent's state from now on."""

    TYPE: ClassVar[str] = "ipcc.acd.agent_changed"

    agent_id: str
    state: AgentState
    reason: str = ""
    phone_id: str = ""
    offer_id: str = ""
    call_id: str = ""
    until: AwareDatetime | None = Field(default=None, description="when the state ends by itself, such as wrap-up")
    then_reason: str = Field(
        default="", description="not ready for this reason once the contact and its wrap-up are over"
    )
    limit_at: AwareDatetime | None = Field(
        default=None, description="until when the reason he is not ready for is good"
    )
    overdue: bool = Field(default=False, description="that time is over, and he is still not ready")


class EntryQueued(AcdPayload):
    """A contact stands in a queue. ``entered_at`` is its wait clock and place: it survives restarts and requeues."""

    TYPE: ClassVar[str] = "ipcc.acd.entry_queued"

    entry_id: str
    call_id: str
    leg_id: str
    node_id: str
    queue_id: str
    entered_at: AwareDatetime
    priority: int = 5
    skills: dict[str, int] = Field(default_factory=dict)
    language: str = ""
    caller_number: str = ""
    caller_name: str = ""
    attributes: dict[str, str] = Field(default_factory=dict)
    also: tuple[str, ...] = Field(default=(), description="queues it waits in besides; the first agent to answer wins")
    ageing_s: int = Field(default=0, description="waiting so long is worth one priority; 0 = priorities are strict")
    preferred: tuple[str, ...] = Field(default=(), description="the agents it waits for alone at first")
    precedence: str = Field(default="", description="the rule its priority comes from")
    last_agent: str = Field(default="", description="the one it waits for alone at first: he served its customer last")
    medium: str = Field(default="voice", description="its queue's; one in writing has no leg, node or phone")


class WaitForetold(AcdPayload):
    """How long the contact will wait from now on: between ``low_s`` and ``high_s`` in ``coverage`` of all cases; None is unknown."""

    TYPE: ClassVar[str] = "ipcc.acd.wait_foretold"

    entry_id: str
    call_id: str
    queue_id: str
    position: int
    coverage: float
    low_s: float | None
    high_s: float | None


class EntryChanged(AcdPayload):
    """The entry is served by other rules from now on; its wait clock runs on. ``queue_id`` is where it stands now."""

    TYPE: ClassVar[str] = "ipcc.acd.entry_changed"

    entry_id: str
    call_id: str
    queue_id: str
    from_queue_id: str
    priority: int
    ageing_s: int = 0
    step: int = Field(default=0, description="so many relaxations apply")
    preferred: tuple[str, ...] = ()
    reason: str = Field(
        description="relaxed, preferred_wait_over, last_agent_wait_over, last_agent_away, moved or reprioritised"
    )
    by: str = Field(default="", description="who ordered it")


class OfferMade(AcdPayload):
    """One agent is reserved for one entry until ``deadline``. ``why`` explains the choice: rule, candidates, scores."""

    TYPE: ClassVar[str] = "ipcc.acd.offer_made"

    offer_id: str
    entry_id: str
    call_id: str
    queue_id: str
    agent_id: str
    phone_id: str
    node_id: str
    epoch: int
    deadline: AwareDatetime
    caller_number: str = ""
    caller_name: str = ""
    attributes: dict[str, str] = Field(default_factory=dict)
    why: dict[str, Any] = Field(default_factory=dict)
    share_start: int = Field(default=0, description="virtual time of its queue's turn, for queues that have a share")
    share_cost: int = Field(default=0, description="what the turn cost its queue, in the same virtual time")
    medium: str = Field(default="voice", description="one in writing is taken or declined at the desktop")
    capacity: int = Field(default=1, description="so many contacts of the medium the agent may hold")


class OfferRinging(AcdPayload):
    """The agent's phone rings."""

    TYPE: ClassVar[str] = "ipcc.acd.offer_ringing"

    offer_id: str
    entry_id: str
    agent_id: str


class OfferAnswered(AcdPayload):
    """The agent picked up; he is being joined to the caller. Only OfferEnded says whether they heard each other."""

    TYPE: ClassVar[str] = "ipcc.acd.offer_answered"

    offer_id: str
    entry_id: str
    agent_id: str


class OfferEnded(AcdPayload):
    """The offer is over. ``ring_ms`` is how long the phone rang."""

    TYPE: ClassVar[str] = "ipcc.acd.offer_ended"

    offer_id: str
    entry_id: str
    call_id: str
    queue_id: str
    agent_id: str
    outcome: OfferOutcome
    ring_ms: int = 0
    cause_text: str = ""
    medium: str = "voice"


class EntryEnded(AcdPayload):
    """The contact left the queue. ``wait_ms`` from ``entered_at``; ``agent_id`` and ``offer_id`` when it was answered."""

    TYPE: ClassVar[str] = "ipcc.acd.entry_ended"

    entry_id: str
    call_id: str
    queue_id: str
    outcome: EntryOutcome
    wait_ms: int
    agent_id: str = ""
    offer_id: str = ""
    target: str = ""


class ContactHandled(AcdPayload):
    """The agent's part in a contact is over, wrap-up included."""

    TYPE: ClassVar[str] = "ipcc.acd.contact_handled"

    entry_id: str
    call_id: str
    queue_id: str
    agent_id: str
    talk_ms: int
    wrap_up_ms: int
    wrap_up_code: str = ""
    medium: str = "voice"


class AcdSnapshot(AcdPayload):
    """The whole state of a domain after everything before it in the log; ``inputs`` maps ``topic/partition`` to the next offset.

    One too large for a record comes in ``parts`` that follow one another, each with some of the rows; only all of them count.
    """

    TYPE: ClassVar[str] = "ipcc.acd.snapshot"

    state: dict[str, Any]
    inputs: dict[str, int]
    part: int = Field(default=1, ge=1)
    parts: int = Field(default=1, ge=1)


class AcdCommand(Payload):
    """An order to acd; answered on the reply topic."""

    TOPIC: ClassVar[Topic] = ACD_COMMAND

    domain: str = "default"

    def key(self) -> str:
        return self.domain


class Enqueue(AcdCommand):
    """Put a contact into a queue. Repeating it with the same ``entry_id`` changes nothing and gives the same answer.

    A caller is found by ``leg_id`` on the switch ``node_id``. A contact in writing has neither since version 2: it goes into a queue
    of its medium, and ``call_id`` is the conversation's name at the service that owns it.
    """

    TYPE: ClassVar[str] = "ipcc.acd.command.enqueue"
    VERSION: ClassVar[int] = 2

    entry_id: str
    call_id: str
    leg_id: str = ""
    node_id: str = ""
    queue_id: str
    entered_at: AwareDatetime
    priority: int = Field(default=5, ge=1, le=10, description="1 is served first")
    skills: dict[str, int] = Field(default_factory=dict)
    language: str = ""
    caller_number: str = ""
    caller_name: str = ""
    attributes: dict[str, str] = Field(default_factory=dict)
    also: tuple[str, ...] = Field(default=(), max_length=10, description="further queues; the first to answer wins")
    preferred: tuple[str, ...] = Field(default=(), max_length=20, description="agents it waits for alone at first")


class ChangeEntry(AcdCommand):
    """Move a waiting contact to another queue, or give it another priority; its wait clock runs on."""

    TYPE: ClassVar[str] = "ipcc.acd.command.change_entry"

    entry_id: str
    queue_id: str | None = None
    priority: int | None = Field(default=None, ge=1, le=10)
    by: str = ""


class PullEntry(AcdCommand):
    """Offer a waiting contact to one agent now, whatever its place."""

    TYPE: ClassVar[str] = "ipcc.acd.command.pull_entry"

    entry_id: str
    agent_id: str
    by: str = ""


class LeaveQueue(AcdCommand):
    """Take a contact out of its queue (``outcome`` overflowed or transferred; abandoned when a customer who writes has gone)."""

    TYPE: ClassVar[str] = "ipcc.acd.command.leave_queue"

    entry_id: str
    outcome: EntryOutcome = EntryOutcome.TRANSFERRED
    target: str = ""


class SignIn(AcdCommand):
    """The agent is here, at this phone; he starts not ready (reason ``signed_in``) unless ``ready``."""

    TYPE: ClassVar[str] = "ipcc.acd.command.sign_in"

    agent_id: str
    phone_id: str
    ready: bool = False


class SignOut(AcdCommand):
    """The agent goes; refused while he is offered a contact or talking unless ``force``."""

    TYPE: ClassVar[str] = "ipcc.acd.command.sign_out"

    agent_id: str
    force: bool = False


class SetReady(AcdCommand):
    """The agent takes contacts."""

    TYPE: ClassVar[str] = "ipcc.acd.command.set_ready"

    agent_id: str


class SetNotReady(AcdCommand):
    """The agent takes no contacts, for ``reason``; while talking it holds from the end of wrap-up."""

    TYPE: ClassVar[str] = "ipcc.acd.command.set_not_ready"

    agent_id: str
    reason: str
    by: str = Field(default="", description="who puts him there, if it is not he: bound by none of the reason's limits")


class EndWrapUp(AcdCommand):
    """The agent has finished his after-call work, with a code; or that after the contact in writing named by ``entry_id``."""

    TYPE: ClassVar[str] = "ipcc.acd.command.end_wrap_up"

    agent_id: str
    code: str = ""
    entry_id: str = ""


ACD_PAYLOADS: tuple[type[Payload], ...] = (
    AgentChanged,
    EntryQueued,
    EntryChanged,
    WaitForetold,
    OfferMade,
    OfferRinging,
    OfferAnswered,
    OfferEnded,
    EntryEnded,
    ContactHandled,
    AcdSnapshot,
    Enqueue,
    ChangeEntry,
    PullEntry,
    LeaveQueue,
    SignIn,
    SignOut,
    SetReady,
    SetNotReady,
    EndWrapUp,
)
