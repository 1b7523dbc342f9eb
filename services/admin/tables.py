"""Tables of admin: objects in force, all their versions, who changed what, documents taken over, facts to send."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ipcc.db.tables import new_metadata, outbox_table
from ipcc.db.types import Json, Number, UtcDateTime


class Base(DeclarativeBase):
    metadata = new_metadata()


OUTBOX = outbox_table(Base.metadata)


class ObjectRow(Base):
    """The newest version; ``content`` is null once removed, and the row stays so that versions go on counting."""

    __tablename__ = "config_object"

    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    object_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int]
    content: Mapped[dict[str, Any] | None] = mapped_column(Json)
    origin: Mapped[str] = mapped_column(String(10))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(String(120))


class VersionRow(Base):
    """Every version there ever was."""

    __tablename__ = "config_version"

    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    object_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any] | None] = mapped_column(Json)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(String(120))


class AuditRow(Base):
    """One act, on what is administered or on what is live; rows are only ever added. ``service`` was asked; ``event_id`` told it."""

    __tablename__ = "audit"

    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    actor: Mapped[str] = mapped_column(String(120))
    action: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    service: Mapped[str] = mapped_column(String(40), server_default="admin")
    outcome: Mapped[str] = mapped_column(String(80), server_default="done")
    details: Mapped[dict[str, Any] | None] = mapped_column(Json)
    event_id: Mapped[str | None] = mapped_column(String(64))
    __table_args__ = (Index("ix_audit_event_id", "event_id", unique=True),)


class DocumentRow(Base):
    """A document taken over: its digest tells whether it has changed since."""

    __tablename__ = "document"

    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
