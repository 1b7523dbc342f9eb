"""Tables of record."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ipcc.db.tables import inbox_table, new_metadata, outbox_table
from ipcc.db.types import Json, Number, UtcDateTime


class Base(DeclarativeBase):
    """Base of record's tables."""

    metadata = new_metadata()


class RecordingRow(Base):
    """One recording; ``state`` is started, ended (to be collected), stored or failed."""

    __tablename__ = "recording"
    __table_args__ = (Index(None, "state", "look_at"),)

    recording_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    call_id: Mapped[str] = mapped_column(String(64), index=True)
    leg_id: Mapped[str] = mapped_column(String(64))
    node_id: Mapped[str] = mapped_column(String(64))
    agent_id: Mapped[str] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(16), default="agent", server_default="agent")
    queue_id: Mapped[str] = mapped_column(String(64), default="", server_default="")
    name: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(16))
    is_required: Mapped[bool] = mapped_column(default=True)
    talk_ms: Mapped[int] = mapped_column(Number, default=0)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    look_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    location: Mapped[str] = mapped_column(String(200), default="")
    duration_ms: Mapped[int] = mapped_column(Number, default=0)
    size_bytes: Mapped[int] = mapped_column(Number, default=0)
    channels: Mapped[int] = mapped_column(default=0)
    sha256: Mapped[str] = mapped_column(String(64), default="")
    fault: Mapped[str] = mapped_column(String(32), default="")


class VoicemailRow(Base):
    """A message a caller left for the agents of a queue; its id is its recording's.

    ``told_at`` is when it was told of last; empty while its audio is not kept yet, so that nobody is told of it.
    """

    __tablename__ = "voicemail"
    __table_args__ = (Index(None, "queue_id", "state"), Index(None, "state", "told_at"))

    voicemail_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    call_id: Mapped[str] = mapped_column(String(64), index=True)
    queue_id: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    left_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    duration_ms: Mapped[int] = mapped_column(Number)
    caller_number: Mapped[str] = mapped_column(String(80))
    attributes: Mapped[dict[str, str]] = mapped_column(Json)
    agent_id: Mapped[str] = mapped_column(String(64), default="")
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(String(16), default="")


class HearingRow(Base):
    """Somebody fetched the audio: kept for the auditor."""

    __tablename__ = "hearing"

    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    recording_id: Mapped[str] = mapped_column(String(64), index=True)
    subject: Mapped[str] = mapped_column(String(80))
    heard_at: Mapped[datetime] = mapped_column(UtcDateTime)


OUTBOX = outbox_table(Base.metadata)
INBOX = inbox_table(Base.metadata)
