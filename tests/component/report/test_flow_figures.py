"""The report of flows: per version the sessions and how they ended, per node exits, inputs, silences and who hung up there."""

from __future__ import annotations

import random
from datetime import timedelta

from ipcc.contracts.call import CallArrived, Direction
from ipcc.contracts.envelope import Event
from ipcc.contracts.ivr import NodeLeft
from services.report.core.flow_figures import NodeFigures, VersionFigures
from services.report.store import ReportStore
from tests.component.report.stories import START, a_walk, at

MINUTE = timedelta(minutes=1)


async def write(store: ReportStore, *walks: list[Event]) -> None:
    """In any order, and a third of it twice."""
    events = [event for walk in walks for event in walk]
    dice = random.Random(5)
    again = dice.sample(events, len(events) // 3)
    dice.shuffle(events)
    for event in (*events, *again):
        await store.write(event)


async def figures(store: ReportStore, flow: str = "") -> list[VersionFigures]:
    return await store.flow_figures(START, START + MINUTE, flow)


async def test_each_version_has_its_sessions_and_each_node_its_exits(store: ReportStore) -> None:
    await write(
        store,
        a_walk("a", 1, [("language", "key 1", 1, 0), ("menu", "key 1", 2, 1), ("menu", "hung_up", 0, 2)], "hung_up"),
        a_walk("b", 1, [("language", "failed", 0, 2), ("menu", "key 0", 1, 0)], "answered_by_agent"),
        a_walk("c", 2, [("language", "hung_up", 0, 0)], "hung_up"),
        a_walk("d", 2, [("language", "key 2", 1, 0)], ""),
    )
    one, two = await figures(store)
    assert (one.version, one.sessions, one.outcomes) == (1, 2, {"hung_up": 1, "answered_by_agent": 1})
    assert one.abandonment == 0.5
    menu, language = one.nodes
    assert menu == NodeFigures("menu", "menu", {"key 1": 1, "hung_up": 1, "key 0": 1}, 2, 3, 3, 3000)
    assert (menu.entered, menu.abandoned, menu.average_ms) == (3, 1, 1000)
    assert (language.exits, language.with_keys, language.timeouts) == ({"key 1": 1, "failed": 1}, 1, 2)
    assert language.abandonment == 0
    # one still runs: it is in no abandonment
    assert (two.version, two.sessions, two.outcomes[""], two.abandonment) == (2, 2, 1, 1.0)
    assert await figures(store, "other") == []


async def test_only_what_was_in_that_stretch_of_time_counts_at_its_very_edges(store: ReportStore) -> None:
    # the first node is left at 60 s, which is the next minute, and the session began in this one
    await write(store, a_walk("a", 1, [("language", "key 1", 1, 0)], "completed", second=59))
    (version,) = await figures(store)
    assert (version.sessions, version.nodes) == (1, [])
    (later,) = await store.flow_figures(START + MINUTE, START + 2 * MINUTE, "bank-main")
    assert (later.sessions, [node.entered for node in later.nodes]) == (0, [1])


async def test_a_node_told_as_left_by_a_replica_that_died_counts_once(store: ReportStore) -> None:
    walk = a_walk("a", 1, [("language", "key 1", 1, 0)], "completed")
    twice = at("another-event", next(e.data for e in walk if isinstance(e.data, NodeLeft)), 3)
    await write(store, walk, [twice])
    (version,) = await figures(store)
    assert [(node.flow_node, node.entered) for node in version.nodes] == [("language", 1)]


async def test_the_journey_of_a_call_has_the_steps_of_its_session(store: ReportStore) -> None:
    await write(store, a_walk("a", 1, [("language", "key 1", 1, 0), ("menu", "key 0", 1, 0)], "completed"))
    # the call's own events are what makes it known
    await store.write(at("arrived", _arrival("call-a"), 0))
    journey = await store.journey("call-a")
    assert journey is not None
    assert journey.sessions[0]["path"] == ["language", "menu"]
    assert [(step["flow_node"], step["outcome"], step["keyed"]) for step in journey.steps] == [
        ("language", "key 1", 1),
        ("menu", "key 0", 1),
    ]


def _arrival(call_id: str) -> CallArrived:
    return CallArrived(
        call_id=call_id, leg_id=call_id, node_id="fs1", direction=Direction.INBOUND, dialled_number="95500"
    )


async def test_the_path_of_a_session_that_runs_ends_where_the_caller_stands(store: ReportStore) -> None:
    *before, left = a_walk("a", 1, [("language", "key 1", 1, 0), ("menu", "key 1", 1, 0)], "")

    async def path() -> list[str]:
        journey = await store.journey("call-a")
        assert journey is not None
        return list(journey.sessions[0]["path"])

    for event in (at("a-arrived", _arrival("call-a"), 0), *before):
        await store.write(event)
    assert await path() == ["language", "menu"]
    await store.write(left)
    assert await path() == ["language", "menu"]
