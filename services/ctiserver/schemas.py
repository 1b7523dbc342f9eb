"""Request and response bodies of ctiserver."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from ipcc.call.model import Call, FlowStay, Leg
from services.ctiserver.core.dialling import Target
from services.ctiserver.failures import Failure, Tried
from services.ctiserver.supervision import Mode

Word = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.@+-]+$")]


class Body(BaseModel):
    """A request; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class SignInBody(Body):
    """``phone`` left out: the one configured for the agent; ``number``: a number outside instead of a phone."""

    phone: Word | None = None
    number: Annotated[str, Field(min_length=2, max_length=25)] | None = Field(default=None, repr=False)
    ready: bool = False

    @model_validator(mode="after")
    def _is_one_place(self) -> SignInBody:
        if self.phone is not None and self.number is not None:
            raise ValueError("phone and number: give one of them")
        return self


class LineBody(Body):
    """``ready``: he takes contacts as soon as the line stands."""

    ready: bool = False


class SignOutBody(Body):
    """``force``: also while he is offered a contact or talks; for supervisors."""

    force: bool = False


class NotReadyBody(Body):
    """Why he takes no contacts."""

    reason: Word


class WrapUpBody(Body):
    """The result of the contact."""

    code: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.-]*$")] = ""


class DataBody(Body):
    """Business data to join to the call; never secrets."""

    data: dict[str, str]


class TargetBody(Body):
    """Whom to dial or send to."""

    to: Target

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"to": {"kind": "number", "value": "13800000002"}}]}
    )


class DigitsBody(Body):
    """Keys for the other party, as from a telephone. They are neither kept nor logged."""

    digits: SecretStr


class ModeBody(Body):
    """Who hears the supervisor: nobody (listen), the agent (whisper), both (barge)."""

    mode: Mode = Mode.LISTEN


class Shown(BaseModel):
    """An answer read from the model it shows: what is named here and nothing else."""

    model_config = ConfigDict(from_attributes=True)


class LegView(Shown):
    """A leg as it stands."""

    leg_id: str
    call_id: str
    node_id: str
    role: str
    state: str
    address: str
    owner: str
    offer_id: str
    agent_id: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    bridged_to: str | None
    waits_for: str | None
    is_waiting: bool
    in_flow: str
    is_muted: bool
    room: str
    supervises: str | None
    supervision: str
    cause: str

    @field_validator("in_flow", mode="before")
    @classmethod
    def _flow_of(cls, stay: FlowStay | str | None) -> str:
        return stay.flow_id if isinstance(stay, FlowStay) else stay or ""

    @classmethod
    def of(cls, leg: Leg) -> LegView:
        """The view of ``leg``."""
        return cls.model_validate(leg)


class CallHead(Shown):
    """A call without its legs."""

    call_id: str
    node_id: str
    direction: str
    caller_number: str
    caller_name: str
    dialled_number: str
    trunk: str
    owner: str
    arrived_at: datetime
    ended_at: datetime | None
    cause: str
    data: dict[str, str]


class CallView(CallHead):
    """A call as it stands, with its legs."""

    legs: list[LegView]

    @classmethod
    def of(cls, call: Call, legs: list[Leg]) -> CallView:
        """The view of ``call``."""
        return cls(**dict(CallHead.model_validate(call)), legs=[LegView.of(leg) for leg in legs])


class PhoneView(BaseModel):
    """A phone; ``name`` is empty for one that registered without being configured."""

    phone_id: str
    name: str
    registered: bool
    node_id: str
    reason: str


class AgentView(BaseModel):
    """An agent as acd last said, with his phone, offers and legs, and the voicemails of the queues he serves that are not done."""

    agent_id: str
    name: str
    state: str
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None
    phone_id: str = ""
    phone_registered: bool = False
    call_id: str = ""
    offer_id: str = ""
    offers: list[dict[str, Any]] = []
    legs: list[LegView] = []
    voicemails: list[dict[str, Any]] = []


class Answer(BaseModel):
    """What acd answered."""

    agent_id: str
    answer: dict[str, Any]


class DeliveryAnswer(Shown):
    """What became of a message that was sent once."""

    delivered: bool
    status: int = Field(description="of the receiver's answer; 0: there was none that counts")
    reason: str = Field(description="why it was not delivered")

    @classmethod
    def of(cls, tried: Tried) -> DeliveryAnswer:
        """The answer that shows ``tried``."""
        return cls.model_validate(tried)


class FailureView(BaseModel):
    """An event the receiver did not take in all tries."""

    number: int = Field(description="by which it is sent again")
    event_id: str
    type: str
    subject: str = Field(description="the call it is about")
    time: datetime
    failed_at: datetime
    reason: str

    @classmethod
    def of(cls, failure: Failure) -> FailureView:
        """The answer that shows ``failure``."""
        event = failure.event
        return cls(
            number=failure.number,
            event_id=event.id,
            type=event.type,
            subject=event.subject,
            time=event.time,
            failed_at=failure.record.time,
            reason=failure.reason,
        )
