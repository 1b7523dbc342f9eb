"""Campaigns and attempts, told by outbound alone; and the notifications the bank orders."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime, Field

from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import OUTBOUND, OUTBOUND_COMMAND, Topic


class AttemptOutcome(StrEnum):
    """How dialling a customer ended. UNKNOWN: we lost sight of it and looked; it is never dialled again blindly."""

    DELIVERED = "delivered"
    ANSWERED_NOT_DELIVERED = "answered_not_delivered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


class OutboundPayload(Payload):
    """Something about one campaign; notices ordered one by one belong to the campaign ``notifications``."""

    TOPIC: ClassVar[Topic] = OUTBOUND

    campaign_id: str = "notifications"
    notification_id: str

    def key(self) -> str:
        return self.campaign_id


class NotificationOrdered(OutboundPayload):
    """The bank wants a customer told something."""

    TYPE: ClassVar[str] = "ipcc.outbound.notification_ordered"

    reference: str = ""


class AttemptStarted(OutboundPayload):
    """Written before it is dialled; the call's id is the attempt's id."""

    TYPE: ClassVar[str] = "ipcc.outbound.attempt_started"

    attempt_id: str
    call_id: str
    node_id: str
    number: int = Field(default=1, description="first attempt is 1")


class AttemptEnded(OutboundPayload):
    """The attempt is over."""

    TYPE: ClassVar[str] = "ipcc.outbound.attempt_ended"

    attempt_id: str
    call_id: str
    outcome: AttemptOutcome
    cause: str = ""
    played_ms: int = 0


class NotificationDone(OutboundPayload):
    """The last word about a notification."""

    TYPE: ClassVar[str] = "ipcc.outbound.notification_done"

    outcome: AttemptOutcome
    attempts: int


class OrderNotification(Payload):
    """Order one notification. Repeating it with the same ``notification_id`` changes nothing."""

    TYPE: ClassVar[str] = "ipcc.outbound.command.order_notification"
    TOPIC: ClassVar[Topic] = OUTBOUND_COMMAND

    notification_id: str
    phone_number: str
    prompts: list[str] = Field(min_length=1)
    language: str = "zh"
    reference: str = ""
    not_after: AwareDatetime | None = None

    def key(self) -> str:
        return "notifications"


OUTBOUND_PAYLOADS: tuple[type[Payload], ...] = (
    NotificationOrdered,
    AttemptStarted,
    AttemptEnded,
    NotificationDone,
    OrderNotification,
)
