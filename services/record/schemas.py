"""Bodies of record's REST API."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from ipcc.contracts.recording import RecordingKind, VoicemailOutcome, VoicemailState
from services.record.core.voicemail import Voicemail


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


class VoicemailView(BaseModel):
    """A message a caller left for the agents of ``queue_id``. ``due_at``: nobody took it until then makes it ``overdue``;
    ``agent_id`` has it or had it last; ``changed_at`` is since when it stands so, ``taken_at`` when it was first taken."""

    voicemail_id: str
    call_id: str
    queue_id: str
    state: VoicemailState
    overdue: bool
    left_at: datetime
    due_at: datetime
    changed_at: datetime
    taken_at: datetime | None
    duration_ms: int
    caller_number: str
    attributes: dict[str, str]
    agent_id: str
    outcome: str

    @classmethod
    def of(cls, mail: Voicemail, now: datetime) -> VoicemailView:
        """The view of ``mail`` at ``now``."""
        return cls(**{**mail.__dict__, "attributes": dict(mail.attributes), "overdue": mail.is_overdue(now)})


class DoneBody(BaseModel):
    """What came of it: the customer was ``reached`` or ``not_reached``, or ``no_call`` was needed."""

    model_config = ConfigDict(extra="forbid")

    outcome: VoicemailOutcome
