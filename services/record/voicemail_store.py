"""Voicemails in the database: each step of their life and the fact that tells of it in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from ipcc.bus.events import Publisher
from ipcc.contracts.recording import VoicemailState
from ipcc.db.database import Database
from ipcc.db.outbox import DatabaseOutbox
from ipcc.errors import NotFound
from services.record.core.voicemail import (
    AGAIN,
    LEFT,
    OURSELVES,
    PUT_BACK,
    TELL_AGAIN,
    Voicemail,
    fact,
    is_forgotten,
    put_back,
)
from services.record.tables import VoicemailRow

MOST_AT_ONCE = 100
_NUMBER_LENGTH = 80


@dataclass(frozen=True)
class Sought:
    """Which voicemails: of these queues (None: of all), in this state (None: not done), overdue at that moment."""

    queues: tuple[str, ...] | None = None
    call_id: str = ""
    agent_id: str = ""
    state: VoicemailState | None = None
    overdue_at: datetime | None = None
    after: tuple[datetime, str] | None = None


class VoicemailStore:
    """Every method raises StoreDown when the database does not answer."""

    def __init__(self, database: Database, outbox: DatabaseOutbox, publisher: Publisher) -> None:
        self._database = database
        self._outbox = outbox
        self._publisher = publisher

    async def note_told(self, session: AsyncSession, mail: Voicemail, *, is_kept: bool) -> None:
        """ivr tells of it, in the caller's transaction: everybody is told once its audio ``is_kept``, or once more with its queue."""
        row = await session.get(VoicemailRow, mail.voicemail_id, with_for_update=True)
        if row is None:
            row = _row(mail)
            session.add(row)
        elif row.queue_id == mail.queue_id or row.state != VoicemailState.WAITING:
            return
        else:
            # it lay in the spool, and was taken in for nobody, before ivr told of it
            row.queue_id, row.due_at = mail.queue_id, mail.due_at
            row.caller_number, row.attributes = _clean(mail.caller_number), _cleaned(mail.attributes)
        if is_kept:
            await self._tell(session, row, LEFT)

    async def note_kept(self, session: AsyncSession, mail: Voicemail) -> None:
        """Its audio is kept, in the caller's transaction: now there is something to hear. ``mail`` is all that is known when ivr has
        not told of it."""
        row = await session.get(VoicemailRow, mail.voicemail_id, with_for_update=True)
        if row is None:
            row = _row(mail)
            session.add(row)
        if row.told_at is None:
            row.duration_ms = mail.duration_ms
            await self._tell(session, row, LEFT)

    async def forget(self, session: AsyncSession, voicemail_id: str) -> None:
        """There is nothing to hear, in the caller's transaction: nobody is told of it."""
        row = await session.get(VoicemailRow, voicemail_id, with_for_update=True)
        if row is not None and row.told_at is None:
            await session.delete(row)

    async def find(self, voicemail_id: str) -> Voicemail:
        """One voicemail. Raises NotFound (voicemail.unknown)."""
        async with self._database.transaction(read_only=True) as session:
            row = await session.get(VoicemailRow, voicemail_id)
        return _mail(_there(row, voicemail_id))

    async def search(self, sought: Sought, limit: int) -> list[Voicemail]:
        """The oldest first."""
        row = VoicemailRow
        found = select(row).where(row.told_at.is_not(None)).order_by(row.left_at, row.voicemail_id).limit(limit)
        if sought.queues is not None:
            found = found.where(row.queue_id.in_(sought.queues))
        if sought.call_id:
            found = found.where(row.call_id == sought.call_id)
        if sought.agent_id:
            found = found.where(row.agent_id == sought.agent_id)
        if sought.state is not None:
            found = found.where(row.state == sought.state.value)
        else:
            found = found.where(row.state != VoicemailState.DONE.value)
        if sought.overdue_at is not None:
            found = found.where(row.state == VoicemailState.WAITING.value, row.due_at < sought.overdue_at)
        if sought.after is not None:
            at, last = sought.after
            found = found.where(or_(row.left_at > at, (row.left_at == at) & (row.voicemail_id > last)))
        async with self._database.transaction(read_only=True) as session:
            return [_mail(one) for one in await session.scalars(found)]

    async def alter(
        self, voicemail_id: str, decide: Callable[[Voicemail], Voicemail], change: str, by: str
    ) -> Voicemail:
        """What ``decide`` makes of it, told if it is another; one after the other. Raises NotFound and what ``decide`` raises."""
        async with self._database.transaction() as session:
            row = await session.get(VoicemailRow, voicemail_id, with_for_update=True)
            before = _mail(_there(row, voicemail_id))
            after = decide(before)
            if row is not None and after != before:
                _write(row, after)
                await self._tell(session, row, change, by)
            return after

    async def look_again(self, now: datetime, hold: timedelta) -> int:
        """Put back what somebody has had for longer than ``hold``, tell again of what is not done; how many."""
        due = or_(
            VoicemailRow.told_at <= now - TELL_AGAIN,
            (VoicemailRow.state == VoicemailState.TAKEN.value) & (VoicemailRow.changed_at < now - hold),
        )
        wanted = select(VoicemailRow).where(VoicemailRow.state != VoicemailState.DONE.value, due).limit(MOST_AT_ONCE)
        async with self._database.transaction(read_only=True) as session:
            # the usual answer, had without the one lock for writing that SQLite has
            if not (await session.scalars(wanted.limit(1))).first():
                return 0
        async with self._database.transaction() as session:
            found = (await session.scalars(wanted.with_for_update(skip_locked=True))).all()
            for row in found:
                mail = _mail(row)
                if is_forgotten(mail, now, hold):
                    _write(row, put_back(mail, OURSELVES, now, is_overseer=True))
                    await self._tell(session, row, PUT_BACK, OURSELVES)
                else:
                    await self._tell(session, row, AGAIN, OURSELVES)
            return len(found)

    async def _tell(self, session: AsyncSession, row: VoicemailRow, change: str, by: str = "") -> None:
        row.told_at = self._publisher.clock.now()
        await self._outbox.add(session, self._publisher.event(fact(_mail(row), change, by)))


def _there(row: VoicemailRow | None, voicemail_id: str) -> VoicemailRow:
    if row is None or row.told_at is None:
        raise NotFound("voicemail.unknown", f"there is no voicemail {voicemail_id}")
    return row


def _row(mail: Voicemail) -> VoicemailRow:
    row = VoicemailRow(voicemail_id=mail.voicemail_id, call_id=mail.call_id, queue_id=mail.queue_id)
    row.left_at, row.due_at, row.duration_ms = mail.left_at, mail.due_at, mail.duration_ms
    row.caller_number, row.attributes = _clean(mail.caller_number), _cleaned(mail.attributes)
    _write(row, mail)
    return row


def _write(row: VoicemailRow, mail: Voicemail) -> None:
    row.state, row.changed_at, row.outcome = mail.state.value, mail.changed_at, mail.outcome
    row.agent_id, row.taken_at = mail.agent_id, mail.taken_at


def _mail(row: VoicemailRow) -> Voicemail:
    values: dict[str, Any] = {name: getattr(row, name) for name in Voicemail.__dataclass_fields__}
    return replace(Voicemail(**values), state=VoicemailState(row.state))


def _clean(text: str) -> str:
    """What a caller chose, as the database takes it."""
    return text.replace("\0", "")[:_NUMBER_LENGTH]


def _cleaned(attributes: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("\0", ""): value.replace("\0", "") for name, value in attributes.items()}


def page_position(after: Sequence[Any] | None) -> tuple[datetime, str] | None:
    """Where a page goes on. Raises ValueError for what is no place in this list."""
    return None if after is None else (datetime.fromisoformat(str(after[0])), str(after[1]))
