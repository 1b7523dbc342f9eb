"""The outbox and the inbox in a service's database: what ipcc.bus.outbox and ipcc.bus.inbox ask for."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from zlib import crc32

import structlog
from sqlalchemy import Table, delete, func, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from ipcc.bus.outbox import OutboxRow, row_of
from ipcc.clock import Clock
from ipcc.contracts.envelope import Event
from ipcc.db.database import Database
from ipcc.errors import StoreDown

log = structlog.get_logger(__name__)


class DatabaseOutbox:
    """Implements ``ipcc.bus.outbox.OutboxStore`` on the table made by ``outbox_table``.

    Order per key holds because a transaction numbers its row while it holds the lock on the object the row tells of.
    """

    def __init__(self, database: Database, table: Table) -> None:
        self._database = database
        self._table = table
        self._lock = _PostgresLock(database) if database.is_postgres else _FileLock(database)

    async def add(self, session: AsyncSession, event: Event) -> None:
        """Write ``event`` in the caller's transaction; call ``Relay.wake`` once it is committed."""
        row = row_of(event)
        await session.execute(
            insert(self._table).values(topic=row.topic, key=row.key, value=row.value, headers=dict(row.headers))
        )

    async def lead(self) -> bool:
        # a relay started with the service waits here for the tables
        await self._database.wait_until_ready()
        return await self._lock.hold()

    async def waiting(self, limit: int) -> Sequence[OutboxRow]:
        async with self._database.transaction(read_only=True) as session:
            found = await session.execute(select(self._table).order_by(self._table.c.number).limit(limit))
            return [OutboxRow(row.number, row.topic, row.key, bytes(row.value), row.headers) for row in found]

    async def mark_sent(self, numbers: Sequence[int]) -> None:
        # what was acknowledged is on its topic; the table stays as small as the backlog
        async with self._database.transaction() as session:
            await session.execute(delete(self._table).where(self._table.c.number.in_(numbers)))

    async def backlog(self) -> int:
        """Rows not yet sent."""
        async with self._database.transaction(read_only=True) as session:
            return int(await session.scalar(select(func.count()).select_from(self._table)) or 0)

    async def close(self) -> None:
        """Let another replica's relay lead."""
        await self._lock.release()


class _PostgresLock:
    """A session advisory lock: the server frees it when the connection of its holder is gone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._key = crc32(f"ipcc-outbox-{database.service}".encode())
        self._connection: AsyncConnection | None = None

    async def hold(self) -> bool:
        if self._connection is not None and await self._is_alive(self._connection):
            return True
        await self.release()
        # the transaction only maps a dead server to StoreDown before we take a connection for long
        async with self._database.transaction(read_only=True):
            connection = await self._database.engine.connect()
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        if await connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": self._key}):
            self._connection = connection
            return True
        await connection.close()
        return False

    async def release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # the pool would keep the session, and the lock with it
            await connection.invalidate()
            await connection.close()

    @staticmethod
    async def _is_alive(connection: AsyncConnection) -> bool:
        try:
            await connection.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError):
            return False
        return True


class _FileLock:
    """SQLite: a lock file beside the database; the system frees it when the process ends."""

    def __init__(self, database: Database) -> None:
        self._path = f"{database.engine.url.database}.relay"
        self._handle: int | None = None

    async def hold(self) -> bool:
        if self._handle is not None:
            return True
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._handle = handle
        return True

    async def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class DatabaseInbox:
    """Implements ``ipcc.bus.inbox.Inbox`` on the table made by ``inbox_table``.

    Handlers call ``add`` in their own transaction; ``remember`` after them finds the row there and changes nothing.
    """

    def __init__(self, database: Database, table: Table, now: Callable[[], datetime]) -> None:
        self._database = database
        self._table = table
        self._now = now

    async def add(self, session: AsyncSession, event_id: str) -> bool:
        """Write the id in the caller's transaction; False when it was there: the event was handled before."""
        # another replica may be at the same event: it is waited for, and its row decides
        make = postgresql.insert if self._database.is_postgres else sqlite.insert
        row = make(self._table).values(event_id=event_id, handled_at=self._now()).on_conflict_do_nothing()
        return await session.scalar(row.returning(self._table.c.event_id)) is not None

    async def has(self, event_id: str) -> bool:
        async with self._database.transaction(read_only=True) as session:
            found = await session.scalar(select(self._table.c.event_id).where(self._table.c.event_id == event_id))
            return found is not None

    async def remember(self, event_id: str) -> None:
        if await self.has(event_id):
            return
        async with self._database.transaction() as session:
            await self.add(session, event_id)

    async def keep_short(self, clock: Clock, keep: timedelta = timedelta(days=8)) -> None:
        """Forget, once an hour for ever, what is older than ``keep``: a task of every service with an inbox."""
        await self._database.wait_until_ready()
        while True:
            try:
                await self.forget(clock.now() - keep)
            except StoreDown as error:
                log.warning("inbox_not_shortened", error=str(error))
            await clock.sleep(3600)

    async def forget(self, before: datetime) -> int:
        """Drop ids handled before ``before``, when their topic no longer holds the events; how many."""
        async with self._database.transaction() as session:
            gone = await session.scalars(
                delete(self._table).where(self._table.c.handled_at < before).returning(self._table.c.event_id)
            )
            return len(gone.all())
