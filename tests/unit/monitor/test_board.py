"""The board as a fold: the same picture however topics mix, through midnight, and it always adds up."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from ipcc.contracts.acd import AgentChanged, AgentState, EntryOutcome, OfferOutcome
from ipcc.contracts.config import ConfigChanged, PauseReason
from ipcc.contracts.digital import AgentMediumChanged
from ipcc.contracts.envelope import Event
from ipcc.contracts.payload import unknown_of
from services.monitor.core.board import Board
from services.monitor.core.line import Line
from services.monitor.schemas import board_view
from tests.unit.monitor import stories as s
from tests.unit.monitor.stories import LATE, NOON, Told

ZONE = ZoneInfo("Asia/Shanghai")
MIDNIGHT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
OUTCOMES = [None, *EntryOutcome]


def fold(events: list[Event], now: datetime = LATE) -> Board:
    board = Board(ZONE)
    for event in events:
        board.apply(event, now)
    return board


def picture(board: Board, now: datetime = MIDNIGHT + timedelta(hours=6)) -> dict[str, Any]:
    board.turn_day(now)
    return board_view(board, [], [], now).model_dump()


def a_day(seed: Random, start: datetime) -> list[list[Event]]:
    """Calls at random, some still there at the end: a list for each topic, each in order."""
    told = Told(start)
    calls: list[Event] = []
    flows: list[Event] = []
    acd: list[Event] = []
    for number in range(8):
        call, at = f"c{number}", seed.uniform(0, 40_000)
        agent, offer = f"a{number % 3}", f"o{number}"
        calls.append(told.at(at, s.arrived(call)))
        flows.append(told.at(at + 1, s.session(call)))
        if seed.random() < 0.8:
            entered = start + timedelta(seconds=at + 5)
            acd.append(told.at(at + 5, s.queued(call, entered, seed.choice(["retail", "vip"]))))
            queue = acd[-1].data.queue_id  # type: ignore[attr-defined]
            if seed.random() < 0.4:
                to = seed.choice(["retail", "vip"])
                acd.append(told.at(at + 5.5, s.moved(call, queue, to, "moved" if to != queue else "reprioritised")))
                queue = to
            acd.append(told.at(at + 6, s.offered(call, agent, offer)))
            acd.append(told.at(at + 6, s.agent(agent, seed.choice(list(AgentState)), call=call)))
            acd.append(told.at(at + 8, s.offer_ended(call, agent, offer, seed.choice(list(OfferOutcome)))))
            outcome = seed.choice(OUTCOMES)
            if outcome is not None:
                wait = seed.randrange(60_000)
                acd.append(told.at(at + 9, s.left(call, outcome, wait, queue)))
                flows.append(told.at(at + 9, s.session_ended(call)))
                calls.append(told.at(at + 9, s.bridged(call)))
        if seed.random() < 0.6:
            calls.append(told.at(at + 60, s.call_ended(call)))
    config = [told.at(0, s.queue_config(20)), told.at(1, s.user_config("a0")), told.at(30_000, s.queue_config(10))]
    return [sorted(topic, key=lambda e: e.time) for topic in (calls, flows, acd, config)]


@given(st.randoms(use_true_random=False), st.sampled_from([NOON, MIDNIGHT - timedelta(hours=5)]))
def test_however_topics_mix_and_whatever_midnight_falls_between_the_picture_is_the_same(
    seed: Random, start: datetime
) -> None:
    topics = a_day(seed, start)
    in_time = sorted((e for topic in topics for e in topic), key=lambda e: e.time)
    waiting, mixed = [list(topic) for topic in topics if topic], []
    while waiting:
        mixed.append(seed.choice(waiting).pop(0))
        waiting = [topic for topic in waiting if topic]
    shown = picture(fold(mixed))
    assert shown == picture(fold(in_time))
    assert shown["totals"]["adds_up"]
    assert all(q["offered"] >= 0 and q["waiting"] >= 0 for q in shown["queues"])


@given(st.randoms(use_true_random=False))
def test_a_day_read_twice_counts_once(seed: Random) -> None:
    events = sorted((e for topic in a_day(seed, NOON) for e in topic), key=lambda e: e.time)
    once, twice = picture(fold(events)), picture(fold(events + events))
    for shown in (once, twice):
        for agent in shown["agents"]:
            del agent["since"]
    assert once == twice


def test_at_midnight_counts_begin_anew_and_who_waits_is_carried_over() -> None:
    told = Told(MIDNIGHT - timedelta(minutes=10))
    board = fold(
        [
            told.at(0, s.arrived("c1")),
            told.at(1, s.queued("c1")),
            told.at(2, s.arrived("c2")),
            told.at(3, s.queued("c2")),
            told.at(4, s.left("c2", EntryOutcome.ABANDONED)),
            told.at(5, s.offer_ended("c2", "a1", "o1", OfferOutcome.NO_ANSWER)),
        ]
    )
    before = board_view(board, [], [], MIDNIGHT - timedelta(seconds=1))
    assert (before.totals.calls_today, before.totals.offered, before.totals.abandoned, before.totals.waiting) == (
        2,
        2,
        1,
        1,
    )
    assert board.agents["a1"].missed == 1
    board.turn_day(MIDNIGHT)
    after = board_view(board, [], [], MIDNIGHT)
    assert (after.totals.calls_today, after.totals.offered, after.totals.abandoned, after.totals.waiting) == (
        0,
        1,
        0,
        1,
    )
    assert after.totals.calls_now == 2
    assert after.totals.adds_up
    assert board.agents["a1"].missed == 0
    board.apply(told.at(700, s.left("c1", EntryOutcome.ANSWERED, 700_000)), LATE)
    assert board.queues["retail"].answered == 1
    assert board_view(board, [], [], LATE).totals.adds_up


def test_yesterdays_events_told_after_midnight_do_not_count_today() -> None:
    told = Told(MIDNIGHT - timedelta(minutes=10))
    board = fold([Told(MIDNIGHT).at(60, s.phone("p1", registered=True))])
    for event in (
        told.at(0, s.arrived("c1")),
        told.at(1, s.queued("c1")),
        told.at(2, s.left("c1", EntryOutcome.ANSWERED)),
        told.at(3, s.offer_ended("c1", "a1", "o1")),
        told.at(4, s.call_ended("c1")),
    ):
        board.apply(event, LATE)
    shown = board_view(board, [], [], MIDNIGHT)
    assert (shown.totals.calls_today, shown.totals.offered, shown.totals.answered, shown.totals.calls_now) == (
        0,
        0,
        0,
        0,
    )
    assert board.agents["a1"].answered == 0


def test_a_clock_that_is_ahead_does_not_turn_the_day() -> None:
    board = fold([Told(NOON).at(0, s.arrived("c1"))], now=NOON)
    board.apply(Told(NOON + timedelta(days=300)).at(0, s.arrived("c2")), NOON + timedelta(seconds=1))
    assert (board.calls_today, str(board.day)) == (2, "2026-03-02")


def test_what_is_over_does_not_come_to_life_again() -> None:
    told = Told()
    events = [
        told.at(0, s.call_ended("c1")),
        told.at(1, s.session("c1")),
        told.at(1, s.arrived("c1")),
        told.at(2, s.left("c1", EntryOutcome.ABANDONED)),
        told.at(3, s.queued("c1")),
    ]
    board = fold(events)
    assert board.calls == {}
    assert len(board.queues["retail"].waiting) == 0


def test_a_caller_is_counted_in_one_place() -> None:
    told = Told()
    board = fold([told.at(0, s.session("c1")), told.at(0, s.arrived("c1"))])
    assert board.calls["c1"].in_flow
    board.apply(told.at(1, s.queued("c1")), LATE)
    assert not board.calls["c1"].in_flow
    board.apply(told.at(2, s.left("c1", EntryOutcome.OVERFLOWED)), LATE)
    assert board.calls["c1"].in_flow
    board.apply(told.at(3, s.session_ended("c1")), LATE)
    board.apply(told.at(4, s.bridged("c1")), LATE)
    assert (board.calls["c1"].in_flow, board.calls["c1"].with_agent) == (False, True)
    board.apply(told.at(5, s.unbridged("c1")), LATE)
    assert not board.calls["c1"].with_agent


def test_who_is_moved_is_transferred_out_of_one_queue_and_into_the_other_and_waits_on() -> None:
    told = Told()
    board = fold(
        [
            told.at(0, s.queued("c1")),
            told.at(0, s.queued("c2")),
            told.at(5, s.moved("c1", "retail", "vip")),
            told.at(6, s.moved("c2", "retail", "retail", "reprioritised")),
        ]
    )
    shown = board_view(board, [], [], NOON + timedelta(seconds=10))
    retail, vip = shown.queues
    assert (retail.offered, retail.waiting, retail.transferred, retail.transferred_in) == (2, 1, 1, 0)
    assert (vip.offered, vip.waiting, vip.transferred_in, vip.longest_waiting_s) == (1, 1, 1, 10)
    assert shown.totals.adds_up
    board.apply(told.at(12, s.moved("c1", "vip", "retail")), LATE)
    board.apply(told.at(20, s.left("c1", EntryOutcome.ANSWERED, 20_000)), LATE)
    retail, vip = board_view(board, [], [], LATE).queues
    assert (retail.offered, retail.answered, retail.transferred_in) == (3, 1, 1)
    assert (vip.offered, vip.transferred, vip.waiting) == (1, 1, 0)
    assert board_view(board, [], [], LATE).totals.adds_up


def test_who_is_moved_yesterday_and_told_of_late_is_carried_over_in_the_other_queue() -> None:
    told = Told(MIDNIGHT - timedelta(minutes=10))
    board = fold([told.at(0, s.queued("c1")), Told(MIDNIGHT).at(60, s.phone("p1", registered=True))])
    board.apply(told.at(5, s.moved("c1", "retail", "vip")), LATE)
    retail, vip = board_view(board, [], [], MIDNIGHT).queues
    assert (retail.offered, retail.transferred) == (0, 0)
    assert (vip.offered, vip.transferred_in, vip.waiting) == (1, 0, 1)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 500), st.booleans()), max_size=60))
def test_who_waits_longest_is_known_whoever_comes_and_goes(steps: list[tuple[int, int, bool]]) -> None:
    line, since = Line(), dict[str, datetime]()
    for number, second, is_coming in steps:
        entry = f"e{number}"
        if is_coming:
            since[entry] = NOON + timedelta(seconds=second)
            line.join(entry, since[entry])
        else:
            assert line.leave(entry) == since.pop(entry, None)
        assert line.oldest() == min(since.values(), default=None)
        assert len(line) == len(since)


def test_sums_over_calls_are_those_of_the_calls() -> None:
    board = fold(sorted((e for topic in a_day(Random(3), NOON) for e in topic), key=lambda e: e.time))
    assert board.calls
    assert board.in_flow == sum(call.in_flow for call in board.calls.values())
    assert board.with_agent == sum(call.with_agent for call in board.calls.values())
    assert board.trunks == Counter(call.trunk for call in board.calls.values())


def test_in_time_is_judged_by_the_limit_as_it_is_now() -> None:
    told = Told()
    board = fold([told.at(k, s.queued(f"c{k}")) for k in range(4)])
    for k, wait in enumerate((5_000, 15_000, 25_000)):
        board.apply(told.at(10 + k, s.left(f"c{k}", EntryOutcome.ANSWERED, wait)), LATE)
    assert board.queues["retail"].service_level() == 2 / 3
    board.apply(told.at(20, s.queue_config(10)), LATE)
    assert board.queues["retail"].service_level() == 1 / 3
    assert board.queue("vip").service_level() is None


def test_an_end_told_in_a_word_of_a_newer_release_is_counted_as_such_and_all_adds_up() -> None:
    told = Told()
    ended = told.at(5, s.left("c1", EntryOutcome.ANSWERED))
    newer = ended.model_copy(update={"data": ended.data.model_copy(update={"outcome": unknown_of(EntryOutcome)})})
    shown = picture(fold([told.at(0, s.queued("c1")), newer]), NOON + timedelta(seconds=9))
    assert (shown["queues"][0]["ended_otherwise"], shown["queues"][0]["waiting"]) == (1, 0)
    assert shown["totals"]["adds_up"]


def test_a_call_whose_switch_was_lost_is_on_the_board_again_when_it_is_found_and_counted_once() -> None:
    told = Told()
    before = [
        told.at(0, s.arrived("c1")),
        told.at(0, s.arrived("c2")),
        told.at(1, s.session("c1")),
        told.at(2, s.bridged("c2")),
    ]
    lost = [told.at(130, s.lost_from_sight("c1")), told.at(130, s.lost_from_sight("c2"))]
    board = fold([*before, *lost])
    assert (board.calls, board.in_flow, board.with_agent, board.trunks) == ({}, 0, 0, Counter())
    found = [told.at(200, s.found_again("c1")), told.at(200, s.found_again("c2")), told.at(201, s.bridged("c2"))]
    board = fold([*before, *lost, *found])
    assert {call.call_id: call.since for call in board.calls.values()} == {"c1": NOON, "c2": NOON}
    assert (board.calls_today, board.in_flow, board.with_agent, board.trunks) == (2, 1, 1, Counter(demo=2))
    ended = [told.at(300, s.session_ended("c1")), told.at(300, s.call_ended("c1")), told.at(301, s.call_ended("c2"))]
    late = [told.at(302, s.found_again("c1"))]
    board = fold([*before, *lost, *found, *ended, *late])
    assert (board.calls, board.in_flow, board.with_agent, board.calls_today) == ({}, 0, 0, 2)


def test_a_flow_that_ended_while_its_switch_was_lost_does_not_come_back_with_the_call() -> None:
    told = Told()
    events = [
        told.at(0, s.arrived("c1")),
        told.at(1, s.session("c1")),
        told.at(130, s.lost_from_sight("c1")),
        told.at(140, s.session_ended("c1")),
        told.at(200, s.found_again("c1")),
    ]
    assert (fold(events).in_flow, list(fold(events).calls)) == (0, ["c1"])


def test_who_is_past_the_time_of_his_reason_is_shown_so_under_the_reasons_own_name_until_he_goes_on() -> None:
    board, told = Board(ZONE), Told()
    lunch = PauseReason(id="lunch", name="用餐", name_en="Meal", limit_s=60)
    board.apply(told.at(0, ConfigChanged(kind="pause_reason", object_id="lunch", version=1, object=lunch)), NOON)

    def shown(*, overdue: bool, state: AgentState = AgentState.NOT_READY) -> tuple[str, bool]:
        changed = AgentChanged(agent_id="a1", state=state, phone_id="p1", reason="lunch", overdue=overdue)
        board.apply(told.at(1, changed), NOON)
        view = board_view(board, [], [], NOON).agents[0]
        return view.reason_name, view.overdue

    assert shown(overdue=False) == ("用餐 Meal", False)
    since = board.agents["a1"].since
    assert shown(overdue=True) == ("用餐 Meal", True)
    # it is the same pause
    assert board.agents["a1"].since == since
    assert shown(overdue=False, state=AgentState.READY)[1] is False


def test_what_an_agent_holds_in_writing_is_shown_by_medium() -> None:
    board, told = Board(ZONE), Told()
    for offered, serving, capacity in ((1, 1, 3), (0, 2, 3)):
        changed = AgentMediumChanged(
            agent_id="a1", medium="chat", offered=offered, serving=serving, wrapping=0, capacity=capacity
        )
        board.apply(told.at(1, changed), NOON)
        places = board_view(board, [], [], NOON).agents[0].places
        assert [(one.medium, one.held, one.capacity) for one in places] == [("chat", offered + serving, capacity)]
    gone = AgentMediumChanged(agent_id="a1", medium="chat", offered=0, serving=0, wrapping=0, capacity=0)
    board.apply(told.at(2, gone), NOON)
    assert board_view(board, [], [], NOON).agents[0].places == []
