"""Objects, versions and audit in the database; whoever changes something writes the fact to be published in the same transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ipcc.contracts.audit import ActDone
from ipcc.contracts.config import ConfigObject
from ipcc.contracts.envelope import Event
from ipcc.db.database import Database
from ipcc.db.outbox import DatabaseOutbox
from services.admin.core.changes import InForce, Origin
from services.admin.core.rules import Key, Object
from services.admin.tables import OUTBOX, AuditRow, DocumentRow, ObjectRow, VersionRow

MIGRATIONS = Path(__file__).parent / "migrations"

_ADAPTER: TypeAdapter[Object] = TypeAdapter(ConfigObject)


@dataclass(frozen=True)
class Act:
    """Who changes something, when, and whether through the document or over REST."""

    actor: str
    at: datetime
    origin: Origin


@dataclass(frozen=True)
class Stored:
    """One version of an object; ``subject`` None: removed."""

    key: Key
    version: int
    subject: Object | None
    changed_at: datetime
    changed_by: str
    origin: str = ""


@dataclass(frozen=True)
class LiveAct:
    """An act on what is live, as the service that was asked told it."""

    event_id: str
    at: datetime
    service: str
    told: ActDone


@dataclass(frozen=True)
class Sought:
    """Which acts are asked for; what is empty asks for nothing. ``before``: only those with a smaller number."""

    before: int | None = None
    actor: str = ""
    kind: str = ""
    object_id: str = ""


@dataclass(frozen=True)
class AuditEntry:
    """One act. ``version`` is 0 for one on what is live."""

    number: int
    at: datetime
    actor: str
    action: str
    kind: str
    object_id: str
    version: int
    service: str
    outcome: str
    details: dict[str, str]


class Transaction:
    """What can be done in one transaction."""

    def __init__(self, session: AsyncSession, outbox: DatabaseOutbox) -> None:
        self._session = session
        self._outbox = outbox

    async def all_in_force(self) -> dict[Key, InForce]:
        """Every object in force."""
        rows = await self._session.scalars(select(ObjectRow).order_by(ObjectRow.kind, ObjectRow.object_id))
        return {
            (row.kind, row.object_id): InForce(subject, row.version, cast("Origin", row.origin))
            for row in rows
            if (subject := _subject(row.content)) is not None
        }

    async def find(self, key: Key) -> Stored | None:
        """The newest version, also of a removed object."""
        row = await self._session.get(ObjectRow, key)
        return None if row is None else _stored(row, row.origin)

    async def page(self, kind: str, after: str | None, limit: int) -> list[Stored]:
        """Objects of ``kind`` in force with an id greater than ``after``, in the order of their ids."""
        query = select(ObjectRow).where(ObjectRow.kind == kind, ObjectRow.content.is_not(None))
        if after is not None:
            query = query.where(ObjectRow.object_id > after)
        rows = await self._session.scalars(query.order_by(ObjectRow.object_id).limit(limit))
        return [_stored(row, row.origin) for row in rows]

    async def versions(self, key: Key) -> list[Stored]:
        """Every version, the newest first."""
        query = select(VersionRow).where(VersionRow.kind == key[0], VersionRow.object_id == key[1])
        return [_stored(row) for row in await self._session.scalars(query.order_by(VersionRow.version.desc()))]

    async def audit(self, sought: Sought, limit: int) -> list[AuditEntry]:
        """Acts, the newest first."""
        query = select(AuditRow)
        if sought.before is not None:
            query = query.where(AuditRow.number < sought.before)
        wanted = ((AuditRow.actor, sought.actor), (AuditRow.kind, sought.kind), (AuditRow.object_id, sought.object_id))
        for column, value in wanted:
            if value:
                query = query.where(column == value)
        return [_entry(row) for row in await self._session.scalars(query.order_by(AuditRow.number.desc()).limit(limit))]

    async def keep(self, act: LiveAct) -> None:
        """Keep an act on what is live; one that is kept already is not kept twice."""
        if await self._session.scalar(select(AuditRow.number).where(AuditRow.event_id == act.event_id)) is not None:
            return
        told = act.told
        self._session.add(
            AuditRow(
                at=act.at,
                actor=told.actor[:120],
                action=told.act[:40],
                kind=told.kind[:40],
                object_id=told.object_id[:64],
                version=0,
                service=act.service[:40],
                outcome=told.outcome[:80],
                details=dict(told.details),
                event_id=act.event_id,
            )
        )

    async def write(self, key: Key, subject: Object | None, act: Act) -> Stored:
        """A new version with its audit row."""
        row = await self._session.get(ObjectRow, key)
        action = (
            "removed" if subject is None else "changed" if row is not None and row.content is not None else "created"
        )
        if row is None:
            row = ObjectRow(kind=key[0], object_id=key[1], version=0)
            self._session.add(row)
        content = None if subject is None else subject.model_dump(mode="json")
        row.version += 1
        row.content, row.origin, row.changed_at, row.changed_by = content, act.origin, act.at, act.actor
        self._session.add(
            VersionRow(
                kind=key[0],
                object_id=key[1],
                version=row.version,
                content=content,
                changed_at=act.at,
                changed_by=act.actor,
            )
        )
        self._session.add(
            AuditRow(at=act.at, actor=act.actor, action=action, kind=key[0], object_id=key[1], version=row.version)
        )
        await self._session.flush()
        return _stored(row, row.origin)

    async def publish(self, event: Event) -> None:
        """To be sent once this transaction is committed."""
        await self._outbox.add(self._session, event)

    async def digest_of(self, document: str) -> str | None:
        """Of the document as last taken over."""
        row = await self._session.get(DocumentRow, document)
        return None if row is None else row.digest

    async def note_document(self, document: str, digest: str, at: datetime) -> None:
        """It has been taken over."""
        await self._session.merge(DocumentRow(name=document, digest=digest, taken_at=at))


class AdminStore:
    """Opens transactions. Every use raises StoreDown when the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.outbox = DatabaseOutbox(database, OUTBOX)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """To look only."""
        async with self._database.transaction(read_only=True) as session:
            yield Transaction(session, self.outbox)

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[Transaction]:
        """To change; one at a time, because the rules hold between objects."""
        async with self._database.transaction() as session:
            await self._database.lock(session, "configuration")
            yield Transaction(session, self.outbox)

    async def wait_until_ready(self) -> None:
        """Return when the tables are there."""
        await self._database.wait_until_ready()


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        row.number,
        row.at,
        row.actor,
        row.action,
        row.kind,
        row.object_id,
        row.version,
        row.service,
        row.outcome,
        {name: str(value) for name, value in (row.details or {}).items()},
    )


def _subject(content: dict[str, Any] | None) -> Object | None:
    return None if content is None else _ADAPTER.validate_python(content)


def _stored(row: ObjectRow | VersionRow, origin: str = "") -> Stored:
    return Stored((row.kind, row.object_id), row.version, _subject(row.content), row.changed_at, row.changed_by, origin)
