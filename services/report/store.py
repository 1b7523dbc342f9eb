"""The history in the database: every event written once, whatever order they come in, and read for the reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, inspect, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ipcc.clock import Clock
from ipcc.contracts.envelope import Event
from ipcc.db.database import Database
from ipcc.db.outbox import DatabaseInbox
from services.report.core.facts import Change, changes
from services.report.core.kpis import Stay
from services.report.tables import (
    INBOX,
    AgentStateRow,
    Base,
    CallRow,
    LegRow,
    NotificationRow,
    OfferRow,
    QueueRow,
    RecordingRow,
    SessionRow,
    StayRow,
)

MIGRATIONS = Path(__file__).parent / "migrations"
ROWS: dict[str, type[Base]] = {
    row.__tablename__: row
    for row in (CallRow, LegRow, SessionRow, StayRow, OfferRow, RecordingRow, AgentStateRow, QueueRow, NotificationRow)
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Journey:
    """All that is known of one call, each part in the order it happened."""

    call: Row
    legs: list[Row]
    sessions: list[Row]
    stays: list[Row]
    offers: list[Row]
    recordings: list[Row]


class ReportStore:
    """Every method raises StoreDown when the database does not answer."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self.inbox = DatabaseInbox(database, INBOX, clock.now)

    async def write(self, event: Event) -> None:
        """Take one event; a second delivery changes nothing."""
        found = changes(event)
        if not found:
            return
        async with self._database.transaction() as session:
            if await self.inbox.add(session, event.id):
                for change in found:
                    await _apply(session, change)

    async def journey(self, call_id: str) -> Journey | None:
        """One call; None when nothing is known of it."""
        async with self._database.transaction(read_only=True) as session:
            call = await session.get(CallRow, call_id)
            if call is None:
                return None
            return Journey(
                call=_dict(call),
                legs=await _of_call(session, LegRow, call_id, LegRow.started_at),
                sessions=await _of_call(session, SessionRow, call_id, SessionRow.started_at),
                stays=await _of_call(session, StayRow, call_id, StayRow.entered_at),
                offers=await _of_call(session, OfferRow, call_id, OfferRow.made_at),
                recordings=await _of_call(session, RecordingRow, call_id, RecordingRow.recording_id),
            )

    async def calls(self, since: datetime, until: datetime, limit: int) -> list[Row]:
        """Calls that arrived from ``since`` to before ``until``, the newest first."""
        wanted = (
            select(CallRow)
            .where(CallRow.arrived_at >= since, CallRow.arrived_at < until)
            .order_by(CallRow.arrived_at.desc(), CallRow.call_id)
            .limit(limit)
        )
        async with self._database.transaction(read_only=True) as session:
            return [_dict(row) for row in await session.scalars(wanted)]

    async def stays(self, since: datetime, until: datetime) -> list[Stay]:
        """Stays whose contact entered from ``since`` to before ``until``."""
        wanted = select(StayRow.queue_id, StayRow.entered_at, StayRow.outcome, StayRow.wait_ms).where(
            StayRow.entered_at >= since, StayRow.entered_at < until
        )
        async with self._database.transaction(read_only=True) as session:
            found = (await session.execute(wanted)).all()
            return [
                Stay(queue, entered, outcome, wait) for queue, entered, outcome, wait in found if entered is not None
            ]

    async def queues(self) -> dict[str, tuple[str, int]]:
        """Name and service-level limit in seconds of every queue."""
        async with self._database.transaction(read_only=True) as session:
            return {row.queue_id: (row.name, row.service_level_s) for row in await session.scalars(select(QueueRow))}


async def _apply(session: AsyncSession, change: Change) -> None:
    kind = ROWS[change.table]
    row = await session.get(kind, change.key, with_for_update=True)
    if row is None:
        row = kind(**{inspect(kind).primary_key[0].name: change.key})
        session.add(row)
    for name, value in change.values.items():
        setattr(row, name, _fit(kind, name, value))
    for name, value in change.append.items():
        # a new list, so that the change is seen
        setattr(row, name, [*(getattr(row, name) or []), _fit(kind, name, value)])
    await session.flush()
    if isinstance(row, AgentStateRow):
        await _put_in_line(session, row)


def _fit(kind: type[Base], name: str, value: Any) -> Any:
    """``value`` as the column takes it: callers choose their names, and PostgreSQL refuses what is too long or holds a zero."""
    if isinstance(value, str):
        length = getattr(inspect(kind).columns[name].type, "length", None)
        return value.replace("\0", "")[:length]
    if isinstance(value, dict):
        return {str(_fit(kind, name, key)): _fit(kind, name, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fit(kind, name, inner) for inner in value]
    return value


async def _put_in_line(session: AsyncSession, row: AgentStateRow) -> None:
    """An agent is in one state at a time: the one before ends where this begins, and this where the next began."""
    others = (AgentStateRow.agent_id == row.agent_id, AgentStateRow.event_id != row.event_id)
    before = (AgentStateRow.since < row.since) | (
        (AgentStateRow.since == row.since) & (AgentStateRow.event_id < row.event_id)
    )
    is_open = AgentStateRow.until.is_(None) | (AgentStateRow.until > row.since)
    await session.execute(update(AgentStateRow).where(*others, before, is_open).values(until=row.since))
    row.until = await session.scalar(select(func.min(AgentStateRow.since)).where(*others, ~before))
    await session.flush()


async def _of_call(session: AsyncSession, kind: Any, call_id: str, order: Any) -> list[Row]:
    found: Sequence[Any] = (await session.scalars(select(kind).where(kind.call_id == call_id).order_by(order))).all()
    return [_dict(row) for row in found]


def _dict(row: Base) -> Row:
    return {column.key: getattr(row, column.key) for column in inspect(type(row)).columns}
