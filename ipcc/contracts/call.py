"""Calls and their legs, told by ctiserver alone. Times are the envelope's ``time``: when the switch saw it."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from ipcc.contracts.payload import Payload
from ipcc.contracts.tags import LegRole
from ipcc.contracts.topics import CALL, PHONE, Topic


class Direction(StrEnum):
    """Who started the call: the customer, the bank, or one of the bank's own phones."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class CallPayload(Payload):
    """Something about one call. ``resynced``: not heard when it happened but found by comparing with the switch."""

    TOPIC: ClassVar[Topic] = CALL

    call_id: str
    resynced: bool = False

    def key(self) -> str:
        return self.call_id


class CallArrived(CallPayload):
    """The first leg of a call exists on the switch: a customer dialled us, a phone dialled, or we dialled (``direction``)."""

    TYPE: ClassVar[str] = "ipcc.call.arrived"

    node_id: str
    leg_id: str
    direction: Direction
    role: LegRole = LegRole.CUSTOMER
    caller_number: str = ""
    caller_name: str = ""
    dialled_number: str = ""
    trunk: str = ""
    owner: str = ""


class LegPayload(CallPayload):
    """Something about one leg."""

    leg_id: str
    node_id: str


class LegStarted(LegPayload):
    """A leg exists. ``owner`` is the service that dialled it (empty: it dialled us); ``offer_id`` and ``agent_id`` are its tags."""

    TYPE: ClassVar[str] = "ipcc.call.leg_started"

    role: LegRole
    address: str = Field(default="", description="the phone or number at the far end")
    owner: str = ""
    offer_id: str = ""
    agent_id: str = ""


class LegRinging(LegPayload):
    """The far end rings."""

    TYPE: ClassVar[str] = "ipcc.call.leg_ringing"


class LegAnswered(LegPayload):
    """The leg is connected (media flows both ways)."""

    TYPE: ClassVar[str] = "ipcc.call.leg_answered"

    role: LegRole = LegRole.UNKNOWN
    agent_id: str = ""


class LegsBridged(LegPayload):
    """Two legs hear each other."""

    TYPE: ClassVar[str] = "ipcc.call.legs_bridged"

    other_leg_id: str


class LegsUnbridged(LegPayload):
    """Two legs no longer hear each other."""

    TYPE: ClassVar[str] = "ipcc.call.legs_unbridged"

    other_leg_id: str


class LegHeld(LegPayload):
    """The party at this leg put the other on hold."""

    TYPE: ClassVar[str] = "ipcc.call.leg_held"


class LegResumed(LegPayload):
    """The held connection is back."""

    TYPE: ClassVar[str] = "ipcc.call.leg_resumed"


class LegEnded(LegPayload):
    """The leg is gone. ``cause`` is FreeSWITCH's name of the Q.850 cause; ``talk_ms`` is answered time; ``hung_up_by`` is who ended it."""

    TYPE: ClassVar[str] = "ipcc.call.leg_ended"

    role: LegRole = LegRole.UNKNOWN
    cause: str
    q850: int = 0
    hung_up_by: str = Field(default="", description="far_end, switch or unknown, from sip_hangup_disposition")
    talk_ms: int = 0
    agent_id: str = ""
    offer_id: str = ""


class CallEnded(CallPayload):
    """Every leg is gone: told once per call."""

    TYPE: ClassVar[str] = "ipcc.call.ended"

    cause: str
    duration_ms: int


class PartyHeld(LegPayload):
    """The party at this leg waits with music, apart from everybody: for ``by_leg_id``, who talks to somebody else meanwhile; empty:
    parked, for anybody to pick up."""

    TYPE: ClassVar[str] = "ipcc.call.party_held"

    by_leg_id: str = ""


class PartyRetrieved(LegPayload):
    """The party at this leg waits no more: talked to again, handed on, or in a conference."""

    TYPE: ClassVar[str] = "ipcc.call.party_retrieved"


class PartyTransferred(LegPayload):
    """The party at this leg is sent on to ``address`` by ``by_leg_id``, who is out of the call with it, without having spoken to whom
    he sends him to; told before the switch does it."""

    TYPE: ClassVar[str] = "ipcc.call.party_transferred"

    by_leg_id: str
    address: str = Field(description="the phone or number he is sent to")


class PartySentToFlow(LegPayload):
    """The party at this leg walks through a flow, apart from everybody, while ``by_leg_id`` waits with music; empty: nobody waits,
    he was sent there for good."""

    TYPE: ClassVar[str] = "ipcc.call.party_sent_to_flow"

    session_id: str
    flow_id: str
    by_leg_id: str = ""


class PartyBackFromFlow(LegPayload):
    """He is out of the flow. ``outcome`` is that of FlowReturned; ``overdue``: ivr did not let go of him in time and he was taken
    back; ``results`` are the flow's own, never secrets."""

    TYPE: ClassVar[str] = "ipcc.call.party_back_from_flow"

    session_id: str
    flow_id: str
    by_leg_id: str = ""
    outcome: str
    results: dict[str, str] = Field(default_factory=dict)


class ConsultStarted(LegPayload):
    """The party at this leg dials somebody beside the one who waits for him."""

    TYPE: ClassVar[str] = "ipcc.call.consult_started"

    consult_leg_id: str


class LegMuted(LegPayload):
    """What the party at this leg says is silenced."""

    TYPE: ClassVar[str] = "ipcc.call.leg_muted"


class LegUnmuted(LegPayload):
    """He is heard again."""

    TYPE: ClassVar[str] = "ipcc.call.leg_unmuted"


class LegConferenced(LegPayload):
    """The leg takes part in a conference of its call, until it ends or is bridged."""

    TYPE: ClassVar[str] = "ipcc.call.leg_conferenced"

    room: str


class SupervisionChanged(LegPayload):
    """The supervisor at this leg hears ``target_leg_id`` and whom it talks to. ``mode``: listen (heard by nobody), whisper (heard at
    the target alone), barge (heard by both)."""

    TYPE: ClassVar[str] = "ipcc.call.supervision_changed"

    target_leg_id: str
    mode: str
    agent_id: str = Field(default="", description="the supervisor")


IDENTITY = frozenset({"verified", "customer_id", "card_tail", "segment", "access", "contracted"})
"""What a flow or a system of the bank finds out of the customer: nobody else may write it to a call or a callback."""


class CallDataAttached(CallPayload):
    """Business data joined to the call (never secrets): shown in the screen pop and usable for routing."""

    TYPE: ClassVar[str] = "ipcc.call.data_attached"

    data: dict[str, str]


class PhoneChanged(Payload):
    """The last word about one phone (compacted): ``registered`` false means nobody can be rung there."""

    TYPE: ClassVar[str] = "ipcc.phone.changed"
    TOPIC: ClassVar[Topic] = PHONE

    phone_id: str
    registered: bool
    node_id: str = ""
    reason: str = Field(default="", description="registered, unregistered, expired or resynced")

    def key(self) -> str:
        return self.phone_id


class DesktopChanged(Payload):
    """An agent's desktop is connected to the event stream, or no more. ``reason``: connected, lost (the connection broke or was
    closed)."""

    TYPE: ClassVar[str] = "ipcc.call.desktop_changed"
    TOPIC: ClassVar[Topic] = CALL

    agent_id: str
    desktop_id: str
    connected: bool
    reason: str = ""

    def key(self) -> str:
        return self.agent_id


CALL_PAYLOADS: tuple[type[Payload], ...] = (
    CallArrived,
    LegStarted,
    LegRinging,
    LegAnswered,
    LegsBridged,
    LegsUnbridged,
    LegHeld,
    LegResumed,
    LegEnded,
    CallEnded,
    PartyHeld,
    PartyRetrieved,
    PartyTransferred,
    PartySentToFlow,
    PartyBackFromFlow,
    ConsultStarted,
    LegMuted,
    LegUnmuted,
    LegConferenced,
    SupervisionChanged,
    CallDataAttached,
    PhoneChanged,
    DesktopChanged,
)
