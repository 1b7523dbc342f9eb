"""Tables of outbound."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ipcc.db.tables import inbox_table, new_metadata, outbox_table
from ipcc.db.types import Json, Number, UtcDateTime


class Base(DeclarativeBase):
    """Base of outbound's tables."""

    metadata = new_metadata()


class NotificationRow(Base):
    """One notification; ``state`` is waiting, dialling or done."""

    __tablename__ = "notification"
    __table_args__ = (Index(None, "state", "next_at"),)

    notification_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    phone_number: Mapped[str] = mapped_column(String(32))
    prompts: Mapped[list[str]] = mapped_column(Json)
    language: Mapped[str] = mapped_column(String(8))
    reference: Mapped[str] = mapped_column(String(80), default="")
    ordered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    not_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(16))
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    outcome: Mapped[str] = mapped_column(String(32), default="")


class AttemptRow(Base):
    """One attempt, written before it is dialled; its id is the uuid of the leg and the call."""

    __tablename__ = "attempt"

    attempt_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    notification_id: Mapped[str] = mapped_column(String(64), index=True)
    instance: Mapped[str] = mapped_column(String(120))
    node_id: Mapped[str] = mapped_column(String(64))
    number: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(String(32), default="")
    cause: Mapped[str] = mapped_column(String(64), default="")
    played_ms: Mapped[int] = mapped_column(Number, default=0)


OUTBOX = outbox_table(Base.metadata)
INBOX = inbox_table(Base.metadata)
