"""One service's database: engine, transactions, errors of the driver told in our words, a health check.

PostgreSQL through asyncpg, SQLite (one machine, demonstration, tests) through aiosqlite in WAL mode.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm.exc import StaleDataError

from ipcc.clock import Clock
from ipcc.errors import Invalid, IpccError, NotNow, StoreDown
from ipcc.metrics import DB_ERRORS, Metrics

T = TypeVar("T")

_CONNECT_S = 5
_STATEMENT_S = 15
_BUSY_MS = 5000
_READ_ONLY = "ipcc_read_only"
# serialization_failure and deadlock_detected (PostgreSQL appendix A): the same transaction may succeed at once
_CONFLICTS = frozenset({"40001", "40P01"})
_SCHEMA = re.compile(r"^[a-z][a-z0-9_]{0,40}$")


class Conflict(StoreDown):
    """Two transactions met and this one gave way; nothing was written."""


class Database:
    """``service`` names the schema on PostgreSQL. Until ``mark_ready`` (migrations done) every transaction raises StoreDown."""

    def __init__(self, url: str, service: str, metrics: Metrics | None = None) -> None:
        if not _SCHEMA.match(service):
            raise Invalid("store.schema", f"{service!r} cannot name a database schema")
        self.service = service
        self.engine = _make_engine(url, service)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._metrics = metrics
        self._ready = asyncio.Event()
        self.why_not_ready = "it has not been opened yet"

    @property
    def is_postgres(self) -> bool:
        return self.engine.dialect.name == "postgresql"

    def mark_ready(self) -> None:
        """The tables are as this release needs them."""
        self._ready.set()

    def mark_waiting(self, reason: str) -> None:
        """Why it cannot be used yet; shown by the health check."""
        self.why_not_ready = reason

    async def wait_until_ready(self) -> None:
        """Return when transactions are possible; for tasks that start with the service."""
        await self._ready.wait()

    async def once_ready(self, work: Callable[[], Awaitable[None]]) -> None:
        """``work()`` as soon as transactions are possible; until then it would only complain."""
        await self.wait_until_ready()
        await work()

    @asynccontextmanager
    async def transaction(self, *, read_only: bool = False) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end of the block, rolled back when it raises.

        Raises StoreDown when the database does not answer (``details["outcome"]`` is ``unknown`` when that happened at the
        commit), Conflict when another transaction got in the way, NotNow when a constraint of the tables is broken.
        ``read_only`` lets readers of SQLite pass a writer.
        """
        if not self._ready.is_set():
            raise StoreDown("store.not_ready", f"the database is not ready: {self.why_not_ready}")
        # leaving this block rolls back what was not committed, also when the caller is cancelled
        async with self._sessions() as session:
            await self._connect(session, read_only)
            with _Translated(self._metrics):
                yield session
            with _Translated(self._metrics, outcome="unknown"):
                await session.commit()

    async def run(self, work: Callable[[AsyncSession], Awaitable[T]], clock: Clock, attempts: int = 3) -> T:
        """``work`` in a transaction of its own, tried again after a conflict or a lost connection while nothing was committed."""
        for attempt in range(1, attempts + 1):
            try:
                async with self.transaction() as session:
                    return await work(session)
            except StoreDown as error:
                if attempt == attempts or error.details.get("outcome") == "unknown":
                    raise
                await clock.sleep(0.05 * 2**attempt)
        raise AssertionError("unreachable")

    async def lock(self, session: AsyncSession, name: str) -> None:
        """Wait until no other transaction of this service holds the lock ``name``; held until this one ends.

        On SQLite there is only one writer anyway.
        """
        if self.is_postgres:
            await session.execute(
                text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"ipcc-{self.service}-{name}"}
            )

    async def check(self) -> str | None:
        """The health check: None, or why it is red."""
        if not self._ready.is_set():
            return self.why_not_ready
        async with self.transaction(read_only=True) as session:
            await session.execute(text("SELECT 1"))
        return None

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()

    async def _connect(self, session: AsyncSession, read_only: bool) -> None:
        with _Translated(self._metrics):
            await session.connection(execution_options={_READ_ONLY: read_only})


class _Translated:
    """Turns what the database raises inside the block into our errors; asyncpg lets errors of the socket through as OSError."""

    def __init__(self, metrics: Metrics | None, **details: Any) -> None:
        self._metrics = metrics
        self._details = details

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, (SQLAlchemyError, OSError)):
            return
        translated = translate(error, **self._details)
        if translated is None:
            return
        if isinstance(translated, StoreDown) and self._metrics:
            self._metrics.count(DB_ERRORS)
        raise translated from error


def translate(error: SQLAlchemyError | OSError, **details: Any) -> IpccError | None:
    """Our error for what the driver said; None for a fault of the program, which stays what it is."""
    if isinstance(error, OSError):
        return StoreDown("store.down", f"the database does not answer: {error or type(error).__name__}", **details)
    return _translate_refusal(error) or _translate_loss(error, **details)


def _translate_refusal(error: SQLAlchemyError) -> IpccError | None:
    if isinstance(error, IntegrityError):
        return NotNow("store.conflict", f"the change contradicts what is stored: {_first_line(error)}")
    if isinstance(error, StaleDataError):
        return NotNow("store.changed", "somebody else changed it meanwhile: load it again")
    if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _CONFLICTS:
        return Conflict("store.busy", "two changes met: try again")
    if isinstance(error, OperationalError) and "database is locked" in str(error.orig):
        return Conflict("store.busy", "the database file is locked by another writer: try again")
    return None


def _translate_loss(error: SQLAlchemyError, **details: Any) -> IpccError | None:
    if isinstance(error, PoolTimeout):
        return StoreDown("store.busy", "every database connection is in use")
    if _lost(error):
        return StoreDown("store.down", f"the database does not answer: {_first_line(error)}", **details)
    return None


def _lost(error: SQLAlchemyError) -> bool:
    if not isinstance(error, DBAPIError):
        return False
    state = str(getattr(error.orig, "sqlstate", None) or "")
    # class 08 connection exception, 57P operator intervention, 53 insufficient resources; 28 and 3D: not (yet) let in
    if error.connection_invalidated or state[:2] in {"08", "28", "3D", "53"} or state[:3] == "57P":
        return True
    if isinstance(error.orig, OSError):
        return True
    return isinstance(error, (OperationalError, InterfaceError)) and not state


def _first_line(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", error)).splitlines()[0][:200]


def _make_engine(url: str, service: str) -> AsyncEngine:
    parsed = make_url(url)
    if parsed.drivername == "sqlite+aiosqlite":
        return _make_sqlite(parsed)
    if parsed.drivername != "postgresql+asyncpg":
        raise Invalid(
            "store.url", f"database URL begins with {parsed.drivername}: use postgresql+asyncpg or sqlite+aiosqlite"
        )
    return create_async_engine(
        parsed,
        pool_size=10,
        max_overflow=10,
        pool_timeout=_CONNECT_S,
        pool_pre_ping=True,
        pool_recycle=1800,
        connect_args={
            "timeout": _CONNECT_S,
            "command_timeout": _STATEMENT_S,
            "server_settings": {"search_path": service, "application_name": f"ipcc-{service}", "timezone": "UTC"},
        },
    )


def _make_sqlite(url: URL) -> AsyncEngine:
    if url.database in {None, "", ":memory:"}:
        raise Invalid("store.url", "SQLite needs a file: its transactions share one connection in memory")
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(url)

    # sqlite3 begins transactions late and not for every statement; SQLAlchemy's documentation of the pysqlite dialect
    # ("Serializable isolation") tells to switch that off and to say BEGIN ourselves.
    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", f"busy_timeout={_BUSY_MS}", "foreign_keys=ON", "synchronous=NORMAL"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        # a writer takes its lock at once: a reader that turns into a writer cannot wait for another without deadlock
        read_only = connection.get_execution_options().get(_READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine
