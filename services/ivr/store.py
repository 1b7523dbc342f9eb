"""Flow versions, shares and deeds in the database; one change at a time, with the deed in the same transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ipcc.db.database import Database
from ipcc.errors import NotFound
from services.ivr.core.life import State
from services.ivr.tables import ActRow, ShareRow, VersionRow, VoiceActRow, VoiceInForceRow, VoiceRow
from services.ivr.versions import Deed, InForce, Key, Version, Voice, VoiceAct

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


class Voices:
    """What can be done to prompts' sounds in one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def versions(self, key: Key) -> list[Voice]:
        """Every version of one sound, the newest first."""
        query = select(VoiceRow).where(*_is_voice(VoiceRow, key)).order_by(VoiceRow.version.desc())
        return [_voice(row) for row in await self._session.scalars(query)]

    async def audio(self, key: Key, version: int) -> bytes:
        """Raises NotFound."""
        query = select(VoiceRow.audio).where(*_is_voice(VoiceRow, key), VoiceRow.version == version)
        found = await self._session.scalar(query)
        if found is None:
            raise NotFound(
                "voice.version_unknown", f"prompt {key.prompt_id} has no version {version} in {key.language}"
            )
        return found

    async def add(self, voice: Voice, audio: bytes) -> None:
        """A new version; nobody hears it yet."""
        self._session.add(
            VoiceRow(
                prompt_id=voice.key.prompt_id,
                language=voice.key.language,
                version=voice.version,
                audio=audio,
                digest=voice.digest,
                seconds=voice.seconds,
                note=voice.note,
                made_at=voice.made_at,
                made_by=voice.made_by,
            )
        )

    async def put_in_force(self, key: Key, version: int) -> None:
        """From now on callers hear this version; 0: what was made with the switch's sounds."""
        await self._session.execute(delete(VoiceInForceRow).where(*_is_voice(VoiceInForceRow, key)))
        if version:
            self._session.add(VoiceInForceRow(prompt_id=key.prompt_id, language=key.language, version=version))

    async def in_force(self) -> dict[Key, Voice]:
        """Everything of the library that callers hear."""
        same = and_(
            VoiceRow.prompt_id == VoiceInForceRow.prompt_id,
            VoiceRow.language == VoiceInForceRow.language,
            VoiceRow.version == VoiceInForceRow.version,
        )
        rows = await self._session.scalars(select(VoiceRow).join(VoiceInForceRow, same))
        return {found.key: found for found in map(_voice, rows)}

    async def note(self, act: VoiceAct) -> None:
        """Add what was done."""
        key = act.key
        self._session.add(
            VoiceActRow(
                at=act.at,
                actor=act.actor,
                action=act.action,
                prompt_id=key.prompt_id,
                language=key.language,
                version=act.version,
            )
        )
        await self._session.flush()

    async def acts(self, limit: int) -> list[VoiceAct]:
        """What was done, the newest first."""
        query = select(VoiceActRow).order_by(VoiceActRow.number.desc()).limit(limit)
        return [
            VoiceAct(row.at, row.actor, row.action, Key(row.prompt_id, row.language), row.version)
            for row in await self._session.scalars(query)
        ]


class VoiceStore:
    """Opens transactions on prompts' sounds. Every use raises StoreDown when the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Voices]:
        """To look only."""
        async with self._database.transaction(read_only=True) as session:
            yield Voices(session)

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[Voices]:
        """To change; one at a time, so that two uploads never get one number."""
        async with self._database.transaction() as session:
            await self._database.lock(session, "voices")
            yield Voices(session)


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


def _is_voice(row: type[VoiceRow | VoiceInForceRow], key: Key) -> tuple[ColumnElement[bool], ...]:
    return (row.prompt_id == key.prompt_id, row.language == key.language)


def _voice(row: VoiceRow) -> Voice:
    key = Key(row.prompt_id, row.language)
    return Voice(key, row.version, row.digest, row.seconds, row.note, row.made_at, row.made_by)
