"""The database reckons what is reckoned by hand, stay by stay: whatever happened, whoever was moved, on both databases."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from ipcc.contracts.acd import EntryChanged, EntryEnded, EntryOutcome, EntryQueued
from ipcc.contracts.config import ConfigChanged, Queue
from ipcc.contracts.envelope import Event, wrap
from ipcc.contracts.payload import Payload, unknown_of
from ipcc.db.database import Database
from services.report.core.intervals import interval_of, interval_starts
from services.report.core.kpis import KnownQueue, QueueFigures
from services.report.schemas import IntervalReport, figures_view
from services.report.store import ReportStore
from services.report.tables import MoveRow, StayRow
from services.report.usecases import Reports
from tests.component.report.by_hand import Stay, figures

ZONE = ZoneInfo("Europe/Berlin")
DAY = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)  # midnight in Berlin before its clock goes back
LIMITS = {"retail": 10, "vip": 45}
QUEUES = ("retail", "vip", "cards")
OUTCOMES = [None, *EntryOutcome, unknown_of(EntryOutcome)]
_ids = count()


@dataclass(frozen=True)
class Happened:
    """One contact: when it came, where it was moved after how many milliseconds each time, and its end."""

    entered_ms: int
    queue: str
    moves: list[tuple[int, str]]
    last_ms: int
    outcome: EntryOutcome | None


contacts = st.builds(
    Happened,
    entered_ms=st.integers(0, 25 * 3_600_000 - 1) | st.sampled_from([0, 1_799_999, 1_800_000, 3_600_000]),
    queue=st.sampled_from(QUEUES),
    moves=st.lists(st.tuples(st.integers(0, 2_000_000), st.sampled_from(QUEUES)), max_size=3),
    last_ms=st.integers(0, 100_000) | st.sampled_from([9_999, 10_000, 10_001, 20_000, 20_001]),
    outcome=st.sampled_from(OUTCOMES),
)


def told(data: Payload, at: datetime) -> Event:
    return wrap(data, event_id=f"f{next(_ids)}", source="t/t", time=at)


def events_of(one: Happened, start: datetime) -> tuple[list[Event], list[Stay]]:
    """What acd tells of it, and its stays by hand."""
    n = next(_ids)
    ids = {"entry_id": f"e{n}", "call_id": f"c{n}"}
    entered = came = start + timedelta(milliseconds=one.entered_ms)
    queue, moved_from, stays = one.queue, "", []
    first = EntryQueued(**ids, queue_id=queue, leg_id=f"l{n}", node_id="fs1", entered_at=came)
    events = [told(first, came)]
    for after_ms, to in one.moves:
        at = entered + timedelta(milliseconds=after_ms)
        changed = {"reason": "moved" if to != queue else "reprioritised", "priority": 3, "by": "s1"}
        events.append(told(EntryChanged(**ids, queue_id=to, from_queue_id=queue, **changed), at))
        if to != queue:
            stays.append(Stay(queue, entered, "transferred", (at - came) // timedelta(milliseconds=1), moved_from))
            queue, moved_from, entered = to, queue, at
    at = entered + timedelta(milliseconds=one.last_ms)
    wait_ms = (at - came) // timedelta(milliseconds=1)
    if one.outcome is not None:
        events.append(told(EntryEnded(**ids, queue_id=queue, outcome=one.outcome, wait_ms=wait_ms), at))
    return events, [*stays, Stay(queue, entered, one.outcome or "", wait_ms if one.outcome else 0, moved_from)]


def by_hand(stays: list[Stay], minutes: int) -> dict[tuple[datetime | None, str], QueueFigures]:
    """The figures of each interval and queue; of the whole day under None."""
    starts = interval_starts(DAY, DAY + timedelta(hours=25), minutes, ZONE)
    cells: dict[tuple[datetime | None, str], list[Stay]] = defaultdict(list)
    for stay in stays:
        start = interval_of(stay.entered_at, starts, minutes)
        if start is not None:
            cells[start, stay.queue_id].append(stay)
            cells[None, stay.queue_id].append(stay)
    return {cell: figures(found, LIMITS.get(cell[1], 20)) for cell, found in cells.items()}


def matches(report: IntervalReport, expected: dict[tuple[datetime | None, str], QueueFigures]) -> bool:
    names = {queue: queue.upper() for queue in LIMITS}
    shown = {(interval.start, queue.queue_id): queue for interval in report.intervals for queue in interval.queues}
    shown |= {(None, queue.queue_id): queue for queue in report.totals}  # type: ignore[misc]
    return shown == {
        cell: figures_view(cell[1], KnownQueue(names.get(cell[1], ""), 20, "voice"), made)
        for cell, made in expected.items()
    }


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(happened=st.lists(contacts, max_size=8), minutes=st.sampled_from([5, 15, 30, 60]))
async def test_the_report_says_what_is_reckoned_by_hand(
    database: Database, store: ReportStore, happened: list[Happened], minutes: int
) -> None:
    async with database.transaction() as session:
        for table in (StayRow, MoveRow):
            await session.execute(delete(table))
    for queue, limit_s in LIMITS.items():
        limits = Queue(id=queue, name=queue.upper(), service_level_s=limit_s)
        await store.write(told(ConfigChanged(kind="queue", object_id=queue, version=1, object=limits), DAY))
    stays: list[Stay] = []
    for one in happened:
        events, found = events_of(one, DAY)
        stays += found
        for event in events:
            await store.write(event)
    report = await Reports(store, ZONE).queue_intervals(DAY, DAY + timedelta(hours=25), minutes)
    assert matches(report, by_hand(stays, minutes))
    assert all(queue.adds_up for interval in report.intervals for queue in interval.queues)


async def test_who_is_moved_there_and_back_is_counted_in_both_queues_each_time(
    database: Database, store: ReportStore
) -> None:
    moved = Happened(0, "retail", [(4_000, "vip"), (3_000, "retail")], 2_000, EntryOutcome.ANSWERED)
    events, _ = events_of(moved, DAY)
    for event in [*events, *events]:
        await store.write(event)
    report = await Reports(store, ZONE).queue_intervals(DAY, DAY + timedelta(hours=1), 60)
    retail, vip = report.totals
    assert (retail.offered, retail.transferred_in, retail.transferred, retail.answered) == (2, 1, 1, 1)
    assert (vip.offered, vip.transferred_in, vip.transferred, vip.longest_wait_ms) == (1, 1, 1, 7_000)
    assert retail.longest_wait_ms == 9_000  # its wait clock ran on all the while
    journey = await store.journey(events[0].data.call_id) if isinstance(events[0].data, EntryQueued) else None
    assert journey is None  # nobody told of its call; what is told of it is kept all the same
    async with database.transaction(read_only=True) as session:
        rows = (await session.scalars(select(MoveRow).order_by(MoveRow.ended_at))).all()
    assert [(row.queue_id, row.moved_to, row.moved_by, row.wait_ms) for row in rows] == [
        ("retail", "vip", "s1", 4_000),
        ("vip", "retail", "s1", 7_000),
    ]


async def test_who_is_moved_and_was_never_heard_of_counts_from_the_move_on(store: ReportStore) -> None:
    events, _ = events_of(Happened(0, "retail", [(4_000, "vip")], 2_000, EntryOutcome.ABANDONED), DAY)
    for event in events[1:]:
        await store.write(event)
    report = await Reports(store, ZONE).queue_intervals(DAY, DAY + timedelta(hours=1), 60)
    assert [(q.queue_id, q.offered, q.transferred_in, q.abandoned) for q in report.totals] == [("vip", 1, 1, 1)]
