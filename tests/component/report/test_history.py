"""The history written from events: the same rows whatever order topics come in and however often, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ipcc.contracts.acd import AgentChanged, AgentState
from ipcc.contracts.call import CallArrived, Direction
from ipcc.contracts.config import ConfigChanged, Queue, Skill
from ipcc.contracts.envelope import Event
from ipcc.contracts.outbound import AttemptOutcome, AttemptStarted, NotificationDone, NotificationOrdered
from ipcc.contracts.recording import RecordingFailed
from ipcc.db.database import Database
from ipcc.db.migrate import differences
from services.report.store import Journey, ReportStore
from services.report.tables import AgentStateRow, Base, NotificationRow
from tests.component.report.stories import START, a_served_call, at

Order = Callable[[list[list[Event]]], list[Event]]
_numbers = iter(range(10**9))


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Topics interleaved in any way, each in its own order; some events twice, some much later again."""
    seed = draw(st.randoms(use_true_random=False))

    def order(topics: list[list[Event]]) -> list[Event]:
        waiting = [list(events) for events in topics if events]
        told: list[Event] = []
        while waiting:
            topic = seed.choice(waiting)
            told.append(topic.pop(0))
            if seed.random() < 0.3:
                told.append(seed.choice(told))
            waiting = [events for events in waiting if events]
        return told

    return order


def plain(value: Any, n: str) -> Any:
    """A journey, or a part of it, without what differs between stories."""
    if isinstance(value, Journey):
        return plain(asdict(value), n)
    if isinstance(value, dict):
        return {key: plain(inner, n) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner, n) for inner in value]
    return value.replace(n, "N") if isinstance(value, str) else value


async def test_the_tables_are_those_of_the_models(database: Database) -> None:
    assert await differences(database, Base.metadata) == []


async def test_a_journey_holds_all_that_happened(store: ReportStore) -> None:
    for event in chain.from_iterable(a_served_call("one")):
        await store.write(event)
    journey = await store.journey("call-one")
    assert journey is not None
    assert (journey.call["caller_number"], journey.call["duration_ms"]) == ("13800000001", 95_000)
    assert [(leg["leg_id"], leg["role"], leg["agent_id"]) for leg in journey.legs] == [
        ("leg-one", "customer", ""),
        ("offer2-one", "agent", "agent2-one"),
    ]
    assert journey.sessions[0]["path"] == ["language", "balance", "to-agent"]
    assert journey.sessions[0]["bank"] == [{"operation": "balance", "outcome": "ok", "code": "", "elapsed_ms": 20}]
    assert [(o["agent_id"], o["outcome"]) for o in journey.offers] == [
        ("agent1-one", "no_answer"),
        ("agent2-one", "answered"),
    ]
    assert journey.offers[0]["why"] == {"rule": "longest_idle", "candidates": 2}
    stay = journey.stays[0]
    assert (stay["outcome"], stay["wait_ms"], stay["talk_ms"], stay["wrap_up_code"]) == (
        "answered",
        30_000,
        60_000,
        "done",
    )
    assert journey.recordings[0]["duration_ms"] == 60_000
    assert await store.journey("call-two") is None


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=orders())
async def test_every_order_of_topics_and_every_repetition_gives_the_same_rows(store: ReportStore, order: Order) -> None:
    n, m = "n000000000", f"m{next(_numbers):09d}"
    if await store.journey(f"call-{n}") is None:
        for event in chain.from_iterable(a_served_call(n)):
            await store.write(event)
    for event in order(a_served_call(m)):
        await store.write(event)
    assert plain(await store.journey(f"call-{m}"), m) == plain(await store.journey(f"call-{n}"), n)


async def test_replicas_that_write_the_same_event_at_once_write_it_once(store: ReportStore) -> None:
    topics = a_served_call("race")
    for event in chain.from_iterable(topics):
        await asyncio.gather(*(store.write(event) for _ in range(4)))
    journey = await store.journey("call-race")
    assert journey is not None
    assert journey.sessions[0]["path"] == ["language", "balance", "to-agent"]


async def test_topics_written_side_by_side_lose_nothing(store: ReportStore) -> None:
    async def write(events: list[Event]) -> None:
        for event in events:
            await store.write(event)

    await asyncio.gather(*(write(events) for events in a_served_call("side")))
    for event in chain.from_iterable(a_served_call("alone")):
        await store.write(event)
    assert plain(await store.journey("call-side"), "side") == plain(await store.journey("call-alone"), "alone")


async def test_an_agent_is_in_one_state_at_a_time_in_whatever_order_that_is_heard(
    store: ReportStore, database: Database
) -> None:
    states = [AgentState.NOT_READY, AgentState.READY, AgentState.TALKING, AgentState.WRAP_UP]
    events = [at(f"s{k}", AgentChanged(agent_id="a1", state=state), 10 * k) for k, state in enumerate(states)]
    for event in (events[2], events[0], events[3], events[1], events[2]):
        await store.write(event)
    async with database.transaction(read_only=True) as session:
        rows = (await session.scalars(select(AgentStateRow).order_by(AgentStateRow.since))).all()
    assert [row.state for row in rows] == [state.value for state in states]
    assert [row.until for row in rows] == [START + timedelta(seconds=s) for s in (10, 20, 30)] + [None]


async def test_names_that_no_table_would_take_are_cut_and_cleaned(store: ReportStore) -> None:
    arrived = CallArrived(
        call_id="evil",
        leg_id="evil",
        node_id="fs1",
        direction=Direction.INBOUND,
        caller_number="1" * 500,
        caller_name="王\0小明'; DROP TABLE call; --" * 20,
        trunk="t" * 300,
        dialled_number="\0",
    )
    await store.write(at("evil", arrived, 0))
    (row,) = await store.calls(START, START + timedelta(hours=1), 10)
    assert row["caller_name"].startswith("王小明'; DROP TABLE")
    assert (len(row["caller_name"]), len(row["caller_number"]), len(row["trunk"]), row["dialled_number"]) == (
        200,
        80,
        64,
        "",
    )


async def test_a_notification_is_told_to_its_end(store: ReportStore, database: Database) -> None:
    known = {"notification_id": "n1"}
    for number, data in enumerate(
        [
            NotificationOrdered(**known, reference="r" * 200),
            AttemptStarted(**known, attempt_id="t1", call_id="t1", node_id="fs1", number=1),
            NotificationDone(**known, outcome=AttemptOutcome.DELIVERED, attempts=1),
        ]
    ):
        await store.write(at(f"e{number}", data, number))
    async with database.transaction(read_only=True) as session:
        row = await session.get(NotificationRow, "n1")
    assert row is not None
    assert (row.outcome, row.attempts, row.done_at, len(row.reference)) == (
        "delivered",
        1,
        START + timedelta(seconds=2),
        80,
    )


async def test_a_recording_that_failed_says_why(store: ReportStore) -> None:
    for event in chain.from_iterable(a_served_call("bad")[:3]):
        await store.write(event)
    failed = RecordingFailed(recording_id="offer2-bad", call_id="call-bad", leg_id="offer2-bad", reason="missing")
    await store.write(at("f", failed, 99))
    journey = await store.journey("call-bad")
    assert journey is not None
    assert journey.recordings[0]["fault"] == "missing"


async def test_the_last_word_about_a_queue_counts_and_other_objects_are_passed_over(store: ReportStore) -> None:
    for number, limit in enumerate((20, 10)):
        queue = Queue(id="retail", name="Retail", service_level_s=limit)
        await store.write(at(f"q{number}", ConfigChanged(kind="queue", object_id="retail", version=1, object=queue), 0))
    skill = Skill(id="loans", name="Loans")
    await store.write(at("s", ConfigChanged(kind="skill", object_id="loans", version=1, object=skill), 0))
    await store.write(at("r", ConfigChanged(kind="queue", object_id="gone", version=2, object=None), 0))
    assert await store.queues() == {"retail": ("Retail", 10, "voice")}


@pytest.mark.parametrize("limit", [1, 2, 10])
async def test_calls_are_listed_the_newest_first(store: ReportStore, limit: int) -> None:
    for number in range(3):
        for event in a_served_call(f"c{number}", START + timedelta(minutes=number))[0]:
            await store.write(event)
    found = await store.calls(START, START + timedelta(minutes=2), limit)
    assert [row["call_id"] for row in found] == ["call-c1", "call-c0"][:limit]


async def test_a_call_found_again_after_its_switch_was_lost_began_when_it_first_did(store: ReportStore) -> None:
    arrived = CallArrived(
        call_id="call-a", leg_id="call-a", node_id="fs1", direction=Direction.INBOUND, dialled_number="95500"
    )
    await store.write(at("first", arrived, 0))
    await store.write(at("again", arrived.model_copy(update={"resynced": True}), 150))
    journey = await store.journey("call-a")
    assert journey is not None
    assert (journey.call["arrived_at"], journey.legs[0]["started_at"]) == (START, START)
