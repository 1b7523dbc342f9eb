"""Recordings and their life, told by record alone. The id of a recording is the id of the agent leg it was started for;
those the safety net and callers' messages leave have names of their own, and their leg is the caller's, whose id is the call's."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import RECORDING, Topic


class RecordingKind(StrEnum):
    """What is heard in it."""

    AGENT = "agent"  # the caller and an agent, on his leg
    SAFETY = "safety"  # the caller and whom the safety net found, with every service down
    MESSAGE = "message"  # what a caller left behind, in a flow or in the safety net


class RecordingPayload(Payload):
    """Something about one recording."""

    TOPIC: ClassVar[Topic] = RECORDING

    recording_id: str
    call_id: str
    leg_id: str

    def key(self) -> str:
        return self.call_id


class RecordingStarted(RecordingPayload):
    """The switch writes it on ``node_id`` into its spool under ``name``."""

    TYPE: ClassVar[str] = "ipcc.recording.started"

    node_id: str
    name: str
    agent_id: str = ""


class RecordingStored(RecordingPayload):
    """Checked and stored; the spool file is gone."""

    TYPE: ClassVar[str] = "ipcc.recording.stored"

    location: str
    duration_ms: int
    size_bytes: int
    sha256: str
    channels: int
    agent_id: str = ""
    kind: RecordingKind = RecordingKind.AGENT
    queue_id: str = ""


class RecordingFailed(RecordingPayload):
    """An answered leg or a message has no readable recording; ``reason`` is missing, empty, unreadable or too_short."""

    TYPE: ClassVar[str] = "ipcc.recording.failed"

    reason: str
    agent_id: str = ""
    kind: RecordingKind = RecordingKind.AGENT
    queue_id: str = ""


RECORDING_PAYLOADS: tuple[type[Payload], ...] = (RecordingStarted, RecordingStored, RecordingFailed)
