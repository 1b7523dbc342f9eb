"""Recordings in the database: each change and the fact that tells of it in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ipcc.bus.events import Publisher
from ipcc.contracts.payload import Payload
from ipcc.contracts.recording import RecordingKind
from ipcc.db.database import Database
from ipcc.db.outbox import DatabaseInbox, DatabaseOutbox
from services.record.core.policy import Audio
from services.record.core.voicemail import Voicemail
from services.record.tables import INBOX, OUTBOX, HearingRow, RecordingRow
from services.record.voicemail_store import VoicemailStore

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class Recording:
    """One recording as it stands."""

    recording_id: str
    call_id: str
    leg_id: str
    node_id: str
    agent_id: str
    kind: RecordingKind
    queue_id: str
    name: str
    state: str
    is_required: bool
    talk_ms: int
    started_at: datetime | None
    ended_at: datetime | None
    location: str
    duration_ms: int
    size_bytes: int
    channels: int
    sha256: str
    fault: str


@dataclass(frozen=True)
class Leg:
    """The leg a recording belongs to, and what is heard in it; its id is the leg's unless it has its own."""

    leg_id: str
    call_id: str
    node_id: str
    agent_id: str
    name: str
    kind: RecordingKind = RecordingKind.AGENT
    own_id: str = ""
    queue_id: str = ""

    @property
    def recording_id(self) -> str:
        """The id of its recording."""
        return self.own_id or self.leg_id


@dataclass(frozen=True)
class Wanted:
    """What is looked for; None is anything."""

    call_id: str | None = None
    agent_id: str | None = None
    kind: RecordingKind | None = None
    queue_id: str | None = None


@dataclass(frozen=True)
class Kept:
    """A file in the store."""

    location: str
    audio: Audio
    sha256: str


class RecordingStore:
    """Every method raises StoreDown when the database does not answer."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher
        self.outbox = DatabaseOutbox(database, OUTBOX)
        self.inbox = DatabaseInbox(database, INBOX, publisher.clock.now)
        self.voicemails = VoicemailStore(database, self.outbox, publisher)

    async def note_started(self, event_id: str, leg: Leg, at: datetime, fact: Payload) -> None:
        """The switch records ``leg`` since ``at``; nothing when the event was handled before."""
        async with self._database.transaction() as session:
            if not await self.inbox.add(session, event_id):
                return
            row = await session.get(RecordingRow, leg.recording_id)
            if row is None:
                session.add(_row(leg, "started", started_at=at))
                await self._tell(session, fact)
            elif row.started_at is None:
                row.started_at = at

    async def note_ended(self, event_id: str, leg: Leg, at: datetime, talk_ms: int, *, is_required: bool) -> None:
        """``leg`` is over: its file is to be collected."""
        async with self._database.transaction() as session:
            if await self.inbox.add(session, event_id):
                await self._end(session, leg, at, talk_ms, is_required=is_required)

    async def note_message(self, event_id: str, leg: Leg, talk_ms: int, mail: Voicemail) -> None:
        """A caller left a message: its file is to be collected, and the agents of its queue are told once it is kept."""
        async with self._database.transaction() as session:
            if not await self.inbox.add(session, event_id):
                return
            row = await self._end(session, leg, mail.left_at, talk_ms, is_required=True)
            row.queue_id = mail.queue_id
            await session.flush()
            if row.state != "failed" or row.location:
                kept = replace(mail, duration_ms=row.duration_ms)
                await self.voicemails.note_told(session, kept, is_kept=bool(row.location))

    async def _end(
        self, session: AsyncSession, leg: Leg, at: datetime, talk_ms: int, *, is_required: bool
    ) -> RecordingRow:
        row = await session.get(RecordingRow, leg.recording_id, with_for_update=True)
        if row is None:
            row = _row(leg, "started", started_at=None)
            session.add(row)
        # else told again after a repair, or found in the spool before; its file may have left the spool already
        if row.state == "started":
            row.state, row.ended_at, row.look_at = "ended", at, at
            row.talk_ms, row.is_required = talk_ms, is_required
        return row

    async def adopt(self, leg: Leg, written_at: datetime, *, is_required: bool) -> bool:
        """Collect a file that nobody told us of; False when it is known."""
        async with self._database.transaction(read_only=True) as session:
            if await session.get(RecordingRow, leg.recording_id) is not None:
                return False
        async with self._database.transaction() as session:
            if await session.get(RecordingRow, leg.recording_id) is not None:
                return False
            row = _row(leg, "ended", started_at=None)
            row.ended_at, row.look_at, row.is_required = written_at, written_at, is_required
            session.add(row)
            return True

    async def claim_due(self, now: datetime, until: datetime, limit: int = 20) -> list[Recording]:
        """Ended recordings whose file is to be looked for now, the oldest first; no other replica gets them before ``until``."""
        wanted = (
            select(RecordingRow)
            .where(RecordingRow.state == "ended", RecordingRow.look_at <= now)
            .order_by(RecordingRow.look_at)
            .limit(limit)
        )
        async with self._database.transaction(read_only=True) as session:
            # the usual answer, had without the one lock for writing that SQLite has
            if not (await session.scalars(wanted.limit(1))).first():
                return []
        async with self._database.transaction() as session:
            found = (await session.scalars(wanted.with_for_update(skip_locked=True))).all()
            for row in found:
                row.look_at = until
            return [_model(row) for row in found]

    async def look_again(self, recording_id: str, at: datetime) -> None:
        """Its file is not there yet: look again at ``at``."""
        async with self._database.transaction() as session:
            row = await session.get(RecordingRow, recording_id)
            if row is not None and row.state == "ended":
                row.look_at = at

    async def mark_stored(self, recording_id: str, kept: Kept, fact: Payload, mail: Voicemail | None = None) -> None:
        """Its file is in the store; told once. ``mail`` is what it is as a voicemail, as far as the file tells."""
        async with self._database.transaction() as session:
            row = await session.get(RecordingRow, recording_id, with_for_update=True)
            if row is None or row.state != "ended":
                return
            row.state = "stored"
            _note_file(row, kept)
            await self._tell(session, fact)
            if mail is not None:
                await self.voicemails.note_kept(session, mail)

    async def mark_failed(
        self, recording_id: str, fault: str, kept: Kept | None, fact: Payload | None, mail: Voicemail | None = None
    ) -> None:
        """It will not be good; told once. ``kept`` is what there is of it all the same, ``mail`` that as a voicemail."""
        async with self._database.transaction() as session:
            row = await session.get(RecordingRow, recording_id, with_for_update=True)
            if row is None or row.state != "ended":
                return
            row.state, row.fault = "failed", fault
            if kept is not None:
                _note_file(row, kept)
            if fact is not None:
                await self._tell(session, fact)
            if mail is not None and kept is not None:
                await self.voicemails.note_kept(session, mail)
            elif kept is None:
                await self.voicemails.forget(session, recording_id)

    async def find(self, recording_id: str) -> Recording | None:
        """One recording."""
        async with self._database.transaction(read_only=True) as session:
            row = await session.get(RecordingRow, recording_id)
            return _model(row) if row else None

    async def search(self, wanted: Wanted, limit: int) -> list[Recording]:
        """The newest recordings that are as ``wanted``."""
        found = select(RecordingRow).order_by(RecordingRow.ended_at.desc(), RecordingRow.recording_id).limit(limit)
        for name, value in asdict(wanted).items():
            if value:
                found = found.where(getattr(RecordingRow, name) == value)
        async with self._database.transaction(read_only=True) as session:
            return [_model(row) for row in await session.scalars(found)]

    async def note_hearing(self, recording_id: str, subject: str) -> None:
        """Somebody fetched the audio."""
        async with self._database.transaction() as session:
            row = HearingRow(recording_id=recording_id, subject=subject, heard_at=self._publisher.clock.now())
            session.add(row)

    async def hearings(self, recording_id: str) -> Sequence[tuple[str, datetime]]:
        """Who fetched it, and when."""
        async with self._database.transaction(read_only=True) as session:
            found = await session.scalars(
                select(HearingRow).where(HearingRow.recording_id == recording_id).order_by(HearingRow.number)
            )
            return [(row.subject, row.heard_at) for row in found]

    async def _tell(self, session: AsyncSession, fact: Payload) -> None:
        await self.outbox.add(session, self._publisher.event(fact))


def _row(leg: Leg, state: str, started_at: datetime | None) -> RecordingRow:
    return RecordingRow(
        recording_id=leg.recording_id,
        call_id=leg.call_id,
        leg_id=leg.leg_id,
        node_id=leg.node_id,
        agent_id=leg.agent_id,
        kind=leg.kind.value,
        queue_id=leg.queue_id,
        name=leg.name,
        state=state,
        is_required=True,
        talk_ms=0,
        started_at=started_at,
        location="",
        duration_ms=0,
        size_bytes=0,
        channels=0,
        sha256="",
        fault="",
    )


def _note_file(row: RecordingRow, kept: Kept) -> None:
    row.location, row.sha256 = kept.location, kept.sha256
    row.duration_ms, row.size_bytes = kept.audio.duration_ms, kept.audio.size_bytes
    row.channels = kept.audio.channels


def _model(row: RecordingRow) -> Recording:
    values = {name: getattr(row, name) for name in Recording.__dataclass_fields__}
    return Recording(**{**values, "kind": RecordingKind(row.kind)})
