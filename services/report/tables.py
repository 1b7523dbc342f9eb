"""Tables of report: one row per thing that happened, written from the events, read by every report."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ipcc.contracts.config import VOICE
from ipcc.db.tables import inbox_table, new_metadata
from ipcc.db.types import Json, Number, UtcDateTime

ID = String(64)


class Base(DeclarativeBase):
    """Base of report's tables."""

    metadata = new_metadata()


class CallRow(Base):
    """One call; columns fill as its events come, in whatever order."""

    __tablename__ = "call"

    call_id: Mapped[str] = mapped_column(ID, primary_key=True)
    direction: Mapped[str] = mapped_column(String(16), default="")
    node_id: Mapped[str] = mapped_column(ID, default="")
    trunk: Mapped[str] = mapped_column(ID, default="")
    caller_number: Mapped[str] = mapped_column(String(80), default="")
    caller_name: Mapped[str] = mapped_column(String(200), default="")
    dialled_number: Mapped[str] = mapped_column(String(80), default="")
    arrived_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    duration_ms: Mapped[int | None] = mapped_column(Number)
    cause: Mapped[str] = mapped_column(String(64), default="")


class LegRow(Base):
    """One leg of a call."""

    __tablename__ = "leg"

    leg_id: Mapped[str] = mapped_column(ID, primary_key=True)
    call_id: Mapped[str] = mapped_column(ID, index=True)
    role: Mapped[str] = mapped_column(String(16), default="")
    agent_id: Mapped[str] = mapped_column(ID, default="")
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    talk_ms: Mapped[int | None] = mapped_column(Number)
    cause: Mapped[str] = mapped_column(String(64), default="")
    hung_up_by: Mapped[str] = mapped_column(String(16), default="")


class SessionRow(Base):
    """One caller's way through a flow: ``bank`` are the operations and their outcomes. ``path`` names the nodes of sessions that were
    told by a release that did not count visits; of the others the steps are the path, and ``stands_at`` while it is not left."""

    __tablename__ = "flow_session"

    session_id: Mapped[str] = mapped_column(ID, primary_key=True)
    call_id: Mapped[str] = mapped_column(ID, index=True)
    flow_id: Mapped[str] = mapped_column(ID, default="")
    flow_version: Mapped[int] = mapped_column(default=0)
    entry_point: Mapped[str] = mapped_column(ID, default="")
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(String(32), default="")
    path: Mapped[list[str]] = mapped_column(Json, default=list)
    stands_at: Mapped[str] = mapped_column(String(200), default="")
    stands_visit: Mapped[int] = mapped_column(default=0)
    bank: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)


class FlowStepRow(Base):
    """One stay of a session at one node of its flow, once it is over; ``outcome`` names the way out, or how the session ended there.

    How often something was ``keyed`` and how often nothing (``timeouts``), never what.
    """

    __tablename__ = "flow_step"
    # the report of flows asks for a stretch of time, of one flow or of all
    __table_args__ = (Index("ix_flow_step_left", "left_at", "flow_id"),)

    step_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    session_id: Mapped[str] = mapped_column(ID)
    call_id: Mapped[str] = mapped_column(ID, index=True)
    flow_id: Mapped[str] = mapped_column(ID)
    flow_version: Mapped[int]
    flow_node: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(32))
    visit: Mapped[int]
    outcome: Mapped[str] = mapped_column(String(80))
    input_kind: Mapped[str] = mapped_column(String(16))
    keyed: Mapped[int]
    timeouts: Mapped[int]
    elapsed_ms: Mapped[int] = mapped_column(Number)
    left_at: Mapped[datetime] = mapped_column(UtcDateTime)


class StayRow(Base):
    """A contact's stay in the queue where it stands or stood last: since ``entered_at``, moved there from ``moved_from`` unless empty.

    ``waits_since`` is its wait clock, which a move does not touch.
    """

    __tablename__ = "stay"
    # all that the interval report reads, so that it need not fetch the rows
    __table_args__ = (Index("ix_stay_began", "entered_at", "queue_id", "outcome", "wait_ms", "moved_from"),)

    entry_id: Mapped[str] = mapped_column(ID, primary_key=True)
    call_id: Mapped[str] = mapped_column(ID, index=True)
    queue_id: Mapped[str] = mapped_column(ID, index=True, default="")
    moved_from: Mapped[str] = mapped_column(ID, default="")
    waits_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    entered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(String(16), default="")
    wait_ms: Mapped[int] = mapped_column(Number, default=0)
    agent_id: Mapped[str] = mapped_column(ID, default="")
    talk_ms: Mapped[int | None] = mapped_column(Number)
    wrap_up_ms: Mapped[int | None] = mapped_column(Number)
    wrap_up_code: Mapped[str] = mapped_column(String(80), default="")


class MoveRow(Base):
    """A stay that ended because its contact was moved to another queue; ``wait_ms`` is the caller's whole wait until then."""

    __tablename__ = "moved_stay"

    event_id: Mapped[str] = mapped_column(ID, primary_key=True)
    entry_id: Mapped[str] = mapped_column(ID)
    call_id: Mapped[str] = mapped_column(ID, index=True)
    queue_id: Mapped[str] = mapped_column(ID)
    moved_from: Mapped[str] = mapped_column(ID, default="")
    moved_to: Mapped[str] = mapped_column(ID)
    moved_by: Mapped[str] = mapped_column(String(80), default="")
    entered_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    ended_at: Mapped[datetime] = mapped_column(UtcDateTime)
    wait_ms: Mapped[int] = mapped_column(Number, default=0)


class OfferRow(Base):
    """One attempt to give a contact to one agent."""

    __tablename__ = "offer"

    offer_id: Mapped[str] = mapped_column(ID, primary_key=True)
    entry_id: Mapped[str] = mapped_column(ID, default="")
    call_id: Mapped[str] = mapped_column(ID, index=True)
    queue_id: Mapped[str] = mapped_column(ID, default="")
    agent_id: Mapped[str] = mapped_column(ID, index=True, default="")
    made_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(String(16), default="")
    ring_ms: Mapped[int] = mapped_column(Number, default=0)
    why: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class RecordingRow(Base):
    """One recording; ``fault`` is empty when it is good."""

    __tablename__ = "recording"

    recording_id: Mapped[str] = mapped_column(ID, primary_key=True)
    call_id: Mapped[str] = mapped_column(ID, index=True)
    agent_id: Mapped[str] = mapped_column(ID, default="")
    location: Mapped[str] = mapped_column(String(200), default="")
    duration_ms: Mapped[int | None] = mapped_column(Number)
    fault: Mapped[str] = mapped_column(String(32), default="")


class AgentStateRow(Base):
    """An agent's stay in one state; ``until`` is empty while it lasts."""

    __tablename__ = "agent_state"
    __table_args__ = (Index(None, "agent_id", "since"),)

    event_id: Mapped[str] = mapped_column(ID, primary_key=True)
    agent_id: Mapped[str] = mapped_column(ID)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(80), default="")
    since: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class QueueRow(Base):
    """What the measures need to know of a queue."""

    __tablename__ = "queue"

    queue_id: Mapped[str] = mapped_column(ID, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), default="")
    service_level_s: Mapped[int] = mapped_column(default=20)
    medium: Mapped[str] = mapped_column(String(16), default=VOICE)


class VoicemailRow(Base):
    """A message a caller left for a queue: when it was left, first taken and done, and who has it or had it last."""

    __tablename__ = "voicemail"

    voicemail_id: Mapped[str] = mapped_column(ID, primary_key=True)
    call_id: Mapped[str] = mapped_column(ID, index=True, default="")
    queue_id: Mapped[str] = mapped_column(ID, default="")
    state: Mapped[str] = mapped_column(String(16), default="")
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    agent_id: Mapped[str] = mapped_column(ID, default="")
    outcome: Mapped[str] = mapped_column(String(16), default="")
    duration_ms: Mapped[int] = mapped_column(Number, default=0)


class VoicemailStepRow(Base):
    """One step of its life: who did what, and when."""

    __tablename__ = "voicemail_step"

    event_id: Mapped[str] = mapped_column(ID, primary_key=True)
    voicemail_id: Mapped[str] = mapped_column(ID, index=True)
    change: Mapped[str] = mapped_column(String(16))
    by: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class VoicemailCallRow(Base):
    """A call that an agent made for a voicemail."""

    __tablename__ = "voicemail_call"

    call_id: Mapped[str] = mapped_column(ID, primary_key=True)
    voicemail_id: Mapped[str] = mapped_column(ID, index=True)


class FaxRow(Base):
    """One try to fax a document; neither what it says nor where it went."""

    __tablename__ = "fax"

    event_id: Mapped[str] = mapped_column(ID, primary_key=True)
    call_id: Mapped[str] = mapped_column(ID, index=True)
    document: Mapped[str] = mapped_column(String(32))
    to: Mapped[str] = mapped_column(String(16))
    outcome: Mapped[str] = mapped_column(String(16))
    pages: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(String(200), default="")
    attempt: Mapped[int] = mapped_column(default=1)
    done_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class SurveyAnswerRow(Base):
    """One answer to one question, a session's last to it."""

    __tablename__ = "survey_answer"

    answer_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    call_id: Mapped[str] = mapped_column(ID, index=True)
    survey: Mapped[str] = mapped_column(ID)
    question: Mapped[str] = mapped_column(String(32))
    answer: Mapped[int]
    answered_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class NotificationRow(Base):
    """One notification ordered by the bank, and how it ended."""

    __tablename__ = "notification"

    notification_id: Mapped[str] = mapped_column(ID, primary_key=True)
    campaign_id: Mapped[str] = mapped_column(ID, default="")
    reference: Mapped[str] = mapped_column(String(80), default="")
    ordered_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(String(32), default="")
    attempts: Mapped[int] = mapped_column(default=0)


INBOX = inbox_table(Base.metadata)
