"""Recordings and their life, told by record alone. The id of a recording is the id of the agent leg it was started for;
those the safety net and callers' messages leave have names of their own, and their leg is the caller's, whose id is the call's."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime, Field

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


class VoicemailState(StrEnum):
    """Where a voicemail stands."""

    WAITING = "waiting"
    TAKEN = "taken"
    DONE = "done"


class VoicemailOutcome(StrEnum):
    """What came of a voicemail, as the agent says."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    NO_CALL = "no_call"


class VoicemailChanged(RecordingPayload):
    """The last word about a voicemail, a message a caller left for the agents of ``queue_id``; its id is that of its recording.

    ``change`` is left, taken, put_back, done, or again: told once more every hour until it is done, so that whoever starts later
    learns of it. ``changed_at`` is when it came to stand so, ``due_at`` until when somebody should have taken it, ``agent_id``
    who has it or had it last, ``by`` whoever did the change. ``attributes`` are what an agent may see of the caller, never secrets.
    """

    TYPE: ClassVar[str] = "ipcc.recording.voicemail_changed"

    queue_id: str
    state: VoicemailState
    change: str
    changed_at: AwareDatetime
    left_at: AwareDatetime
    due_at: AwareDatetime
    duration_ms: int
    caller_number: str = ""
    attributes: dict[str, str] = Field(default_factory=dict)
    agent_id: str = ""
    by: str = ""
    outcome: str = Field(default="", description="reached, not_reached or no_call, once it is done")


RECORDING_PAYLOADS: tuple[type[Payload], ...] = (RecordingStarted, RecordingStored, RecordingFailed, VoicemailChanged)
