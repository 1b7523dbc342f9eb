"""Callback in queue: what acd tells of customers who are to be called back, and the commands it takes for it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field

from ipcc.contracts.acd import AcdCommand, AcdPayload
from ipcc.contracts.payload import Payload


class CallbackOutcome(StrEnum):
    """What came of one try to reach a customer who is called back. A try WITHDRAWN counts for nothing."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REFUSED = "refused"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


# what may be dialled for a customer; empty is unknown
CallbackNumber = Annotated[str, Field(pattern=r"^(\+?[0-9]{3,20})?$")]
AskedBy = Literal["flow", "web", "agent"]


class CallbackRequested(AcdPayload):
    """The entry is called back from now on: its place and clock stay, the caller's leg means nothing to it any more."""

    TYPE: ClassVar[str] = "ipcc.acd.callback_requested"

    entry_id: str
    call_id: str
    queue_id: str
    phone_number: str
    caller_name: str = ""
    requested_by: str = "flow"
    closes_at: AwareDatetime = Field(description="not tried any more from then on")
    paused_until: AwareDatetime | None = Field(default=None, description="not offered before")
    stretch_ends_at: AwareDatetime | None = Field(default=None, description="not offered from then on, for now")


class CallbackPaused(AcdPayload):
    """The hours in which customers may be dialled are over: not offered before ``paused_until``."""

    TYPE: ClassVar[str] = "ipcc.acd.callback_paused"

    entry_id: str
    call_id: str
    queue_id: str
    paused_until: AwareDatetime


class CallbackResumed(AcdPayload):
    """The pause is over: it is offered again like any other, until ``stretch_ends_at``."""

    TYPE: ClassVar[str] = "ipcc.acd.callback_resumed"

    entry_id: str
    call_id: str
    queue_id: str
    stretch_ends_at: AwareDatetime


class CallbackDialled(AcdPayload):
    """The customer is dialled as leg ``leg_id`` for this offer; told before it is done."""

    TYPE: ClassVar[str] = "ipcc.acd.callback_dialled"

    offer_id: str
    entry_id: str
    call_id: str
    queue_id: str
    leg_id: str
    node_id: str
    deadline: AwareDatetime


class CallbackTried(AcdPayload):
    """What came of the try. ``tries`` counts those that count; ``paused_until`` is when the next may begin, ``deadline`` what
    an answered one leaves its offer."""

    TYPE: ClassVar[str] = "ipcc.acd.callback_tried"

    offer_id: str
    entry_id: str
    call_id: str
    queue_id: str
    leg_id: str
    node_id: str
    outcome: CallbackOutcome
    tries: int
    cause_text: str = ""
    paused_until: AwareDatetime | None = None
    deadline: AwareDatetime | None = None


class RequestCallback(AcdCommand):
    """Call back whoever waits as ``entry_id`` (at its caller's number unless another is given), or take in a new entry for it.

    Repeating it changes nothing and gives the same answer.
    """

    TYPE: ClassVar[str] = "ipcc.acd.command.request_callback"

    entry_id: str
    requested_by: AskedBy = "flow"
    phone_number: CallbackNumber = ""
    queue_id: str = Field(default="", description="for a new entry; without it only whoever waits is called back")
    call_id: str = Field(default="", description="the call it comes from, if there is one")
    caller_name: str = ""
    entered_at: AwareDatetime | None = Field(default=None, description="since when he waits; now unless told")
    priority: int = Field(default=5, ge=1, le=10, description="1 is served first")
    skills: dict[str, int] = Field(default_factory=dict)
    language: str = ""
    attributes: dict[str, str] = Field(default_factory=dict)


class CancelCallback(AcdCommand):
    """Nobody wants to be called back any more: the entry, or that of this number, ends."""

    TYPE: ClassVar[str] = "ipcc.acd.command.cancel_callback"

    entry_id: str = ""
    phone_number: CallbackNumber = ""
    by: str = ""


CALLBACK_PAYLOADS: tuple[type[Payload], ...] = (
    CallbackRequested,
    CallbackPaused,
    CallbackResumed,
    CallbackDialled,
    CallbackTried,
    RequestCallback,
    CancelCallback,
)
