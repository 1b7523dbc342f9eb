"""Tables of ivr: flow versions, how the calls are shared among them, and who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ipcc.db.tables import new_metadata
from ipcc.db.types import Json, Number, UtcDateTime


class Base(DeclarativeBase):
    metadata = new_metadata()


class VersionRow(Base):
    """One version of one flow. ``linked``: the whole flow with its sub-flows fitted in, from the moment it is published: never changed."""

    __tablename__ = "flow_version"

    flow_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    cases: Mapped[dict[str, Any] | None] = mapped_column(Json)
    linked: Mapped[dict[str, Any] | None] = mapped_column(Json)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(String(120))


class ShareRow(Base):
    """So many percent of the calls of a flow meet this version; versions that get none have no row."""

    __tablename__ = "flow_share"

    flow_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    percent: Mapped[int]


class ActRow(Base):
    """What was done to a flow; rows are only ever added, and the greatest number tells whether anything has changed."""

    __tablename__ = "flow_act"

    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    actor: Mapped[str] = mapped_column(String(120))
    action: Mapped[str] = mapped_column(String(16))
    flow_id: Mapped[str] = mapped_column(String(64), index=True)
    version: Mapped[int]
    note: Mapped[str] = mapped_column(Text)


class VoiceRow(Base):
    """One version of one prompt's sound in one language; never changed."""

    __tablename__ = "voice_version"

    prompt_id: Mapped[str] = mapped_column(String(96), primary_key=True)
    language: Mapped[str] = mapped_column(String(8), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    audio: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    digest: Mapped[str] = mapped_column(String(64))
    seconds: Mapped[float]
    note: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by: Mapped[str] = mapped_column(String(120))


class VoiceInForceRow(Base):
    """The version callers hear; a prompt without a row is heard as it was made with the switch's sounds."""

    __tablename__ = "voice_in_force"

    prompt_id: Mapped[str] = mapped_column(String(96), primary_key=True)
    language: Mapped[str] = mapped_column(String(8), primary_key=True)
    version: Mapped[int]


class VoiceActRow(Base):
    """Who did what to a prompt's sound; rows are only ever added."""

    __tablename__ = "voice_act"

    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    actor: Mapped[str] = mapped_column(String(120))
    action: Mapped[str] = mapped_column(String(16))
    prompt_id: Mapped[str] = mapped_column(String(96), index=True)
    language: Mapped[str] = mapped_column(String(8))
    version: Mapped[int]
