"""Notifications and attempts in the database: each change and the fact that tells of it in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ipcc.bus.events import Publisher
from ipcc.contracts.outbound import (
    AttemptEnded,
    AttemptOutcome,
    AttemptStarted,
    NotificationDone,
    NotificationOrdered,
    OrderNotification,
)
from ipcc.contracts.payload import Payload
from ipcc.db.database import Database
from ipcc.db.outbox import DatabaseInbox, DatabaseOutbox
from ipcc.errors import NotNow
from services.outbound.tables import INBOX, OUTBOX, AttemptRow, NotificationRow

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class Notification:
    """A notification as it stands."""

    notification_id: str
    phone_number: str
    prompts: tuple[str, ...]
    language: str
    reference: str
    ordered_at: datetime
    not_after: datetime | None
    state: str
    next_at: datetime
    attempts: int
    outcome: str


@dataclass(frozen=True)
class Attempt:
    """An attempt that is on its way."""

    attempt_id: str
    notification: Notification
    node_id: str
    number: int


@dataclass(frozen=True)
class Ending:
    """How an attempt ended, and when the next may be (None: the notification is done)."""

    outcome: AttemptOutcome
    cause: str
    played_ms: int
    next_at: datetime | None


class OutboundStore:
    """Every method raises StoreDown when the database does not answer."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher
        self.outbox = DatabaseOutbox(database, OUTBOX)
        self.inbox = DatabaseInbox(database, INBOX, publisher.clock.now)

    async def order(self, wanted: OrderNotification, now: datetime) -> Notification:
        """Take an order; the same id again gives what stands. Raises NotNow when the id was used for another order."""
        async with self._database.transaction() as session:
            row = await session.get(NotificationRow, wanted.notification_id)
            if row is not None:
                known = (row.phone_number, list(row.prompts), row.language)
                if known != (wanted.phone_number, list(wanted.prompts), wanted.language):
                    text = f"notification {wanted.notification_id} was ordered before with other content"
                    raise NotNow("notification.differs", text)
                return _model(row)
            row = NotificationRow(
                notification_id=wanted.notification_id,
                phone_number=wanted.phone_number,
                prompts=list(wanted.prompts),
                language=wanted.language,
                reference=wanted.reference[:80],
                ordered_at=now,
                not_after=wanted.not_after,
                state="waiting",
                next_at=now,
                attempts=0,
                outcome="",
            )
            session.add(row)
            await self._tell(
                session, NotificationOrdered(notification_id=wanted.notification_id, reference=wanted.reference)
            )
            return _model(row)

    async def claim(self, attempt_id: str, node_id: str, instance: str, now: datetime) -> Attempt | None:
        """Take the next notification that is due and write its attempt down; None when nothing is due."""
        async with self._database.transaction() as session:
            row = await session.scalar(
                select(NotificationRow)
                .where(NotificationRow.state == "waiting", NotificationRow.next_at <= now)
                .order_by(NotificationRow.next_at)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if row is None:
                return None
            if row.not_after is not None and row.not_after <= now:
                # nobody could dial him while there was time
                await self._finish(session, row, AttemptOutcome.UNREACHABLE)
                return None
            row.state, row.attempts = "dialling", row.attempts + 1
            session.add(
                AttemptRow(
                    attempt_id=attempt_id,
                    notification_id=row.notification_id,
                    instance=instance,
                    node_id=node_id,
                    number=row.attempts,
                    started_at=now,
                )
            )
            fact = AttemptStarted(
                notification_id=row.notification_id,
                attempt_id=attempt_id,
                call_id=attempt_id,
                node_id=node_id,
                number=row.attempts,
            )
            await self._tell(session, fact)
            return Attempt(attempt_id, _model(row), node_id, row.attempts)

    async def unfinished(self, instance: str, before: datetime) -> list[Attempt]:
        """Attempts without an end, ours or anybody's begun ``before``: looked up on the switch, never dialled again blindly."""
        wanted = (
            select(AttemptRow, NotificationRow)
            .join(NotificationRow, NotificationRow.notification_id == AttemptRow.notification_id)
            .where(AttemptRow.ended_at.is_(None))
            .where((AttemptRow.instance == instance) | (AttemptRow.started_at < before))
        )
        async with self._database.transaction(read_only=True) as session:
            found = (await session.execute(wanted)).all()
            return [Attempt(a.attempt_id, _model(n), a.node_id, a.number) for a, n in found]

    async def end(self, attempt: Attempt, ending: Ending, now: datetime) -> None:
        """Write the end of an attempt; told once."""
        async with self._database.transaction() as session:
            row = await session.get(AttemptRow, attempt.attempt_id, with_for_update=True)
            notification = await session.get(NotificationRow, attempt.notification.notification_id)
            if row is None or notification is None or row.ended_at is not None:
                return
            row.ended_at, row.outcome, row.cause = now, ending.outcome.value, ending.cause[:64]
            row.played_ms = ending.played_ms
            fact = AttemptEnded(
                notification_id=row.notification_id,
                attempt_id=row.attempt_id,
                call_id=row.attempt_id,
                outcome=ending.outcome,
                cause=ending.cause,
                played_ms=ending.played_ms,
            )
            await self._tell(session, fact)
            if ending.next_at is not None:
                notification.state, notification.next_at = "waiting", ending.next_at
                return
            await self._finish(session, notification, ending.outcome)

    async def _finish(self, session: AsyncSession, row: NotificationRow, outcome: AttemptOutcome) -> None:
        row.state, row.outcome = "done", outcome.value
        done = NotificationDone(notification_id=row.notification_id, outcome=outcome, attempts=row.attempts)
        await self._tell(session, done)

    async def find(self, notification_id: str) -> Notification | None:
        """One notification."""
        async with self._database.transaction(read_only=True) as session:
            row = await session.get(NotificationRow, notification_id)
            return _model(row) if row else None

    async def _tell(self, session: AsyncSession, fact: Payload) -> None:
        await self.outbox.add(session, self._publisher.event(fact))


def _model(row: NotificationRow) -> Notification:
    return Notification(
        notification_id=row.notification_id,
        phone_number=row.phone_number,
        prompts=tuple(row.prompts),
        language=row.language,
        reference=row.reference,
        ordered_at=row.ordered_at,
        not_after=row.not_after,
        state=row.state,
        next_at=row.next_at,
        attempts=row.attempts,
        outcome=row.outcome,
    )
