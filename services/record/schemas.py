"""Bodies of record's REST API."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from ipcc.contracts.recording import RecordingKind


class RecordingView(BaseModel):
    """A recording; ``state`` is started, ended, stored or failed, ``fault`` why it failed.

    ``kind`` says what is heard in it, ``queue_id`` whom a message is for.
    """

    model_config = ConfigDict(from_attributes=True)

    recording_id: str
    call_id: str
    leg_id: str
    node_id: str
    agent_id: str
    kind: RecordingKind
    queue_id: str
    state: str
    fault: str
    started_at: datetime | None
    ended_at: datetime | None
    talk_ms: int
    duration_ms: int
    size_bytes: int
    channels: int
    sha256: str
    location: str


class HearingView(BaseModel):
    """Somebody fetched the audio."""

    subject: str
    heard_at: datetime
