"""Flow versions, shares and deeds in the database; one change at a time, with the deed in the same transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ipcc.db.database import Database
from ipcc.errors import NotFound
from services.ivr.core.life import State
from services.ivr.tables import ActRow, ShareRow, VersionRow
from services.ivr.versions import Deed, InForce, Version

MIGRATIONS = Path(__file__).parent / "migrations"


class Transaction:
    """What can be done in one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def version(self, flow_id: str, version: int) -> Version:
        """Raises NotFound."""
        row = await self._session.get(VersionRow, (flow_id, version))
        if row is None:
            raise NotFound("flow.version_unknown", f"flow {flow_id} has no version {version}")
        return _version(row)

    async def versions(self, flow_id: str) -> list[Version]:
        """Every version, the newest first."""
        query = select(VersionRow).where(VersionRow.flow_id == flow_id).order_by(VersionRow.version.desc())
        return [_version(row) for row in await self._session.scalars(query)]

    async def shares(self, flow_id: str) -> dict[int, int]:
        """Percent of the calls by version."""
        rows = await self._session.scalars(select(ShareRow).where(ShareRow.flow_id == flow_id))
        return {row.version: row.percent for row in rows}

    async def deeds(self, flow_id: str, limit: int) -> list[Deed]:
        """What was done to the flow, the newest first."""
        query = select(ActRow).where(ActRow.flow_id == flow_id).order_by(ActRow.number.desc()).limit(limit)
        return [_deed(row) for row in await self._session.scalars(query)]

    async def write(self, found: Version, deed: Deed) -> None:
        """Keep the version as it is now, and who made it so."""
        row = await self._session.get(VersionRow, (found.flow_id, found.version))
        if row is None:
            row = VersionRow(flow_id=found.flow_id, version=found.version)
            self._session.add(row)
        row.state, row.document = found.state.value, dict(found.document)
        row.cases = None if found.cases is None else dict(found.cases)
        row.linked = None if found.linked is None else dict(found.linked)
        row.changed_at, row.changed_by = found.changed_at, found.changed_by
        await self.note(deed)

    async def share(self, flow_id: str, shares: Mapping[int, int], deed: Deed) -> None:
        """From now on the calls are shared so."""
        await self._session.execute(delete(ShareRow).where(ShareRow.flow_id == flow_id))
        self._session.add_all(ShareRow(flow_id=flow_id, version=v, percent=p) for v, p in shares.items())
        await self.note(deed)

    async def note(self, deed: Deed) -> None:
        """Add a deed."""
        self._session.add(
            ActRow(
                at=deed.at,
                actor=deed.actor,
                action=deed.action,
                flow_id=deed.flow_id,
                version=deed.version,
                note=deed.note,
            )
        )
        await self._session.flush()

    async def last_deed(self) -> int:
        """The number of the last deed; 0 when there is none."""
        return await self._session.scalar(select(func.max(ActRow.number))) or 0

    async def in_force(self) -> InForce:
        """All that callers can meet."""
        number = await self.last_deed()
        published: dict[str, list[Version]] = {}
        query = select(VersionRow).where(VersionRow.state == State.PUBLISHED.value).order_by(VersionRow.version)
        for row in await self._session.scalars(query):
            published.setdefault(row.flow_id, []).append(_version(row))
        shares: dict[str, dict[int, int]] = {}
        for share in await self._session.scalars(select(ShareRow)):
            shares.setdefault(share.flow_id, {})[share.version] = share.percent
        return InForce(number, {flow_id: tuple(found) for flow_id, found in published.items()}, shares)


class VersionStore:
    """Opens transactions. Every use raises StoreDown when the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """To look only."""
        async with self._database.transaction(read_only=True) as session:
            yield Transaction(session)

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[Transaction]:
        """To change; one at a time, so that two people never publish past each other."""
        async with self._database.transaction() as session:
            await self._database.lock(session, "flows")
            yield Transaction(session)


def _version(row: VersionRow) -> Version:
    return Version(
        row.flow_id,
        row.version,
        State(row.state),
        row.document,
        row.cases,
        row.changed_at,
        row.changed_by,
        row.linked,
    )


def _deed(row: ActRow) -> Deed:
    return Deed(row.at, row.actor, row.action, row.flow_id, row.version, row.note, row.number)
