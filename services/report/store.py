"""The history in the database: every event written once, whatever order they come in, and read for the reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Select, Subquery, case, func, inspect, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from ipcc.clock import Clock
from ipcc.contracts.acd import EntryOutcome
from ipcc.contracts.envelope import Event
from ipcc.db.database import Database
from ipcc.db.moments import unix_seconds
from ipcc.db.outbox import DatabaseInbox
from services.report import self_service
from services.report.core.facts import Change, Move, changes
from services.report.core.flow_figures import Stays, VersionFigures, figures_of
from services.report.core.kpis import DEFAULT_SERVICE_LEVEL_S, KnownQueue, QueueFigures
from services.report.core.self_service import FaxFigures, SurveyFigures, VoicemailFigures
from services.report.tables import (
    INBOX,
    AgentStateRow,
    Base,
    CallRow,
    FaxRow,
    FlowStepRow,
    LegRow,
    MoveRow,
    NotificationRow,
    OfferRow,
    QueueRow,
    RecordingRow,
    SessionRow,
    StayRow,
    SurveyAnswerRow,
    VoicemailCallRow,
    VoicemailRow,
    VoicemailStepRow,
)

MIGRATIONS = Path(__file__).parent / "migrations"
ROWS: dict[str, type[Base]] = {
    row.__tablename__: row
    for row in (
        CallRow,
        LegRow,
        SessionRow,
        FlowStepRow,
        StayRow,
        OfferRow,
        RecordingRow,
        AgentStateRow,
        QueueRow,
        NotificationRow,
        VoicemailRow,
        VoicemailStepRow,
        VoicemailCallRow,
        FaxRow,
        SurveyAnswerRow,
    )
}
Row = dict[str, Any]
# the number of an interval, from 0, and a queue
Cell = tuple[int, str]
# each a column of its own; a callback that came to nothing, and words not known here, are ``ended_otherwise``
_COLUMNS = (EntryOutcome.ANSWERED, EntryOutcome.ABANDONED, EntryOutcome.OVERFLOWED, EntryOutcome.TRANSFERRED)
ENDS = [outcome.value for outcome in _COLUMNS]


@dataclass(frozen=True)
class Journey:
    """All that is known of one call, each part in the order it happened."""

    call: Row
    legs: list[Row]
    sessions: list[Row]
    steps: list[Row]
    stays: list[Row]
    moves: list[Row]
    offers: list[Row]
    recordings: list[Row]
    voicemails: list[Row]
    faxes: list[Row]
    answers: list[Row]


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
                    await (_move(session, change) if isinstance(change, Move) else _apply(session, change))

    async def journey(self, call_id: str) -> Journey | None:
        """One call; None when nothing is known of it."""
        async with self._database.transaction(read_only=True) as session:
            call = await session.get(CallRow, call_id)
            if call is None:
                return None
            steps = await _of_call(session, FlowStepRow, call_id, FlowStepRow.visit)
            sessions = await _of_call(session, SessionRow, call_id, SessionRow.started_at)
            return Journey(
                call=_dict(call),
                legs=await _of_call(session, LegRow, call_id, LegRow.started_at),
                sessions=[{**one, "path": _path(one, steps)} for one in sessions],
                steps=steps,
                stays=await _of_call(session, StayRow, call_id, StayRow.entered_at),
                moves=await _of_call(session, MoveRow, call_id, MoveRow.ended_at),
                offers=await _of_call(session, OfferRow, call_id, OfferRow.made_at),
                recordings=await _of_call(session, RecordingRow, call_id, RecordingRow.recording_id),
                **await self_service.of_call(session, call_id),
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

    async def figures(self, since: datetime, until: datetime, step: timedelta) -> dict[Cell, QueueFigures]:
        """The figures of every interval of length ``step`` from ``since`` to ``until`` and every queue that stays began in.

        ``since`` is at a whole second, ``step`` of whole seconds.
        """
        async with self._database.transaction(read_only=True) as session:
            found = await session.execute(_figures(since, until, int(step.total_seconds())))
            return {
                (number, queue_id): QueueFigures(**{name: int(value) for name, value in sums.items()})
                for number, queue_id, sums in map(_cell, found.mappings())
            }

    async def flow_figures(self, since: datetime, until: datetime, flow_id: str) -> list[VersionFigures]:
        """Of the sessions that began, and the stays at nodes that ended, from ``since`` to before ``until``; of one flow or all."""
        async with self._database.transaction(read_only=True) as session:
            sessions = (await session.execute(_sessions(since, until, flow_id))).all()
            stays = (await session.execute(_flow_stays(since, until, flow_id))).all()
        return figures_of(sessions, (Stays(*row[:5], *map(int, row[5:])) for row in stays))

    async def voicemail_figures(
        self, since: datetime, until: datetime, step: timedelta
    ) -> dict[Cell, VoicemailFigures]:
        """As ``figures``, of the voicemails left."""
        async with self._database.transaction(read_only=True) as session:
            return await self_service.voicemails(session, since, until, int(step.total_seconds()))

    async def fax_figures(self, since: datetime, until: datetime) -> list[FaxFigures]:
        """Of the tries that ended from ``since`` to before ``until``."""
        async with self._database.transaction(read_only=True) as session:
            return await self_service.faxes(session, since, until)

    async def survey_figures(self, since: datetime, until: datetime, survey: str) -> list[SurveyFigures]:
        """Of the answers given from ``since`` to before ``until``, to one survey or all."""
        async with self._database.transaction(read_only=True) as session:
            return await self_service.surveys(session, since, until, survey)

    async def queues(self) -> dict[str, KnownQueue]:
        """What is known of every queue."""
        async with self._database.transaction(read_only=True) as session:
            rows = await session.scalars(select(QueueRow))
            return {row.queue_id: KnownQueue(row.name, row.service_level_s, row.medium) for row in rows}


def _path(session: Row, steps: list[Row]) -> list[str]:
    """The nodes entered, the one he stands at among them."""
    own = [step for step in steps if step["session_id"] == session["session_id"]]
    path = [step["flow_node"] for step in own] or session["path"]
    is_left = any(step["visit"] == session["stands_visit"] for step in own)
    return path if is_left or not session["stands_visit"] else [*path, session["stands_at"]]


def _sessions(since: datetime, until: datetime, flow_id: str) -> Select[*tuple[Any, ...]]:
    row = SessionRow
    wanted: Select[*tuple[Any, ...]] = select(row.flow_id, row.flow_version, row.outcome, func.count())
    wanted = wanted.where(row.started_at >= since, row.started_at < until, row.flow_id != "")
    wanted = wanted.where(row.flow_id == flow_id) if flow_id else wanted
    return wanted.group_by(row.flow_id, row.flow_version, row.outcome)


def _flow_stays(since: datetime, until: datetime, flow_id: str) -> Select[*tuple[Any, ...]]:
    row = FlowStepRow
    names = (row.flow_id, row.flow_version, row.flow_node, row.kind, row.outcome)
    with_keys = func.sum(case((row.keyed > 0, 1), else_=0))
    sums = (func.sum(row.keyed), func.sum(row.timeouts), func.sum(row.elapsed_ms))
    wanted: Select[*tuple[Any, ...]] = select(*names, func.count(), with_keys, *sums)
    wanted = wanted.where(row.left_at >= since, row.left_at < until)
    wanted = wanted.where(row.flow_id == flow_id) if flow_id else wanted
    return wanted.group_by(*names)


def _stays_between(since: datetime, until: datetime) -> Subquery:
    """Every stay that began then: where contacts stand or stood last, and where they were moved out of."""
    last = select(StayRow.queue_id, StayRow.entered_at, StayRow.outcome, StayRow.wait_ms, StayRow.moved_from)
    moved_out = literal(EntryOutcome.TRANSFERRED.value).label("outcome")
    moved = select(MoveRow.queue_id, MoveRow.entered_at, moved_out, MoveRow.wait_ms, MoveRow.moved_from)
    return union_all(
        last.where(StayRow.entered_at >= since, StayRow.entered_at < until),
        moved.where(MoveRow.entered_at >= since, MoveRow.entered_at < until),
    ).subquery("began")


def _figures(since: datetime, until: datetime, step_s: int) -> Select[Any]:
    stay = _stays_between(since, until).c
    number = (unix_seconds(stay.entered_at) - int(since.timestamp())) // step_s
    limit_ms = func.coalesce(QueueRow.service_level_s, DEFAULT_SERVICE_LEVEL_S) * 1000
    ends = {name: stay.outcome == name for name in ENDS}
    is_over = stay.outcome != ""
    counts = {
        "transferred_in": stay.moved_from != "",
        **ends,
        "ended_otherwise": is_over & stay.outcome.not_in(ENDS),
        "still_waiting": ~is_over,
        "answered_in_time": ends[EntryOutcome.ANSWERED.value] & (stay.wait_ms <= limit_ms),
    }
    wait_ms = case((is_over, stay.wait_ms), else_=0)
    return (
        select(
            number.label("number"),
            stay.queue_id,
            func.count().label("offered"),
            *(func.sum(case((is_so, 1), else_=0)).label(name) for name, is_so in counts.items()),
            func.sum(wait_ms).label("wait_ms"),
            func.max(wait_ms).label("longest_wait_ms"),
        )
        .join_from(stay.queue_id.table, QueueRow, QueueRow.queue_id == stay.queue_id, isouter=True)
        .group_by(number, stay.queue_id)
    )


def _cell(row: Any) -> tuple[int, str, Row]:
    sums = dict(row)
    return int(sums.pop("number")), sums.pop("queue_id"), sums


async def _move(session: AsyncSession, move: Move) -> None:
    """One stay is over and the next begins, under one wait clock."""
    row = await session.get(StayRow, move.entry_id, with_for_update=True)
    if row is None:
        # its beginning is older than all that is told: what it waited is not known, and its first stay is in no report
        row = StayRow(entry_id=move.entry_id, call_id=move.call_id, moved_from="")
        session.add(row)
    waits_since = row.waits_since or row.entered_at or move.at
    values = {
        "entry_id": move.entry_id,
        "call_id": move.call_id,
        "queue_id": move.from_queue_id,
        "moved_from": row.moved_from,
        "moved_to": move.queue_id,
        "moved_by": move.by,
    }
    over = MoveRow(event_id=move.key, **{name: _fit(MoveRow, name, value) for name, value in values.items()})
    over.entered_at, over.ended_at = row.entered_at, move.at
    over.wait_ms = max(0, (move.at - waits_since) // timedelta(milliseconds=1))
    session.add(over)
    row.queue_id, row.moved_from, row.entered_at = move.queue_id, move.from_queue_id, move.at
    await session.flush()


async def _apply(session: AsyncSession, change: Change) -> None:
    kind = ROWS[change.table]
    row = await session.get(kind, change.key, with_for_update=True)
    if row is None:
        row = kind(**{inspect(kind).primary_key[0].name: change.key})
        session.add(row)
    for name, value in change.values.items():
        setattr(row, name, _fit(kind, name, value))
    for name, at in change.began.items():
        setattr(row, name, min(at, getattr(row, name) or at))
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
    # the others of this agent form a line already, so that only the neighbours are looked at
    others = select(AgentStateRow).where(AgentStateRow.agent_id == row.agent_id, AgentStateRow.event_id != row.event_id)
    place = (AgentStateRow.since, AgentStateRow.event_id)
    is_before = AgentStateRow.event_id < row.event_id
    before = await session.scalar(
        others.where(AgentStateRow.since <= row.since, (AgentStateRow.since < row.since) | is_before)
        .order_by(*(column.desc() for column in place))
        .limit(1)
    )
    after = await session.scalar(
        others.where(AgentStateRow.since >= row.since, (AgentStateRow.since > row.since) | ~is_before)
        .order_by(*place)
        .limit(1)
    )
    if before is not None:
        before.until = row.since
    row.until = after.since if after is not None else None
    await session.flush()


async def _of_call(session: AsyncSession, kind: Any, call_id: str, order: Any) -> list[Row]:
    found: Sequence[Any] = (await session.scalars(select(kind).where(kind.call_id == call_id).order_by(order))).all()
    return [_dict(row) for row in found]


def _dict(row: Base) -> Row:
    return {column.key: getattr(row, column.key) for column in inspect(type(row)).columns}
