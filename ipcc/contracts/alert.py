"""What somebody must look at, told by monitor."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import ALERT, Topic


class Severity(StrEnum):
    """How soon somebody must look."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertRaised(Payload):
    """Something is wrong: ``rule`` names the invariant or limit, ``text`` says what and what to do."""

    TYPE: ClassVar[str] = "ipcc.alert.raised"
    TOPIC: ClassVar[Topic] = ALERT

    alert_id: str
    rule: str
    severity: Severity
    text: str
    subject: str = ""

    def key(self) -> str:
        return self.alert_id


class AlertCleared(Payload):
    """It is right again."""

    TYPE: ClassVar[str] = "ipcc.alert.cleared"
    TOPIC: ClassVar[Topic] = ALERT

    alert_id: str
    rule: str

    def key(self) -> str:
        return self.alert_id


ALERT_PAYLOADS: tuple[type[Payload], ...] = (AlertRaised, AlertCleared)
