"""The base of every service's tables, and the two tables all of them share: outbox and inbox.

A service makes its own metadata (``new_metadata()``), so that none holds another's tables. On PostgreSQL each
service lives in a schema of its own name (set by the connection's search path), on SQLite in a file of its own.
"""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, MetaData, String, Table

from ipcc.db.types import Json, Number, UtcDateTime

# Names that do not depend on the database, so that a migration can name what it changes.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def new_metadata() -> MetaData:
    """The metadata of one service: ``class Base(DeclarativeBase): metadata = new_metadata()`` in its ``tables.py``."""
    return MetaData(naming_convention=NAMING)


def outbox_table(metadata: MetaData) -> Table:
    """Facts written with the change they tell of, not yet acknowledged by the broker; ``number`` is the order of writing."""
    return Table(
        "outbox",
        metadata,
        Column("number", Number, primary_key=True, autoincrement=True),
        Column("topic", String(120), nullable=False),
        Column("key", String(255), nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column("headers", Json, nullable=False),
    )


def inbox_table(metadata: MetaData) -> Table:
    """Ids of events already handled, written in the transaction of their handler; kept as long as the topic keeps the event."""
    return Table(
        "inbox",
        metadata,
        Column("event_id", String(64), primary_key=True),
        Column("handled_at", UtcDateTime, nullable=False, index=True),
    )
