"""Every recorded call, folded: whole, with facts twice, with legs out of step, with the beginning missing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipcc.call.fold import CallFold
from ipcc.call.model import LegState, Told
from ipcc.contracts import call as told
from ipcc.esl import meaning as m
from ipcc.ids import NodeId
from tests.unit.call.recordings import SHORT, WITH_CALLS, check_rules, facts_of

FS1 = NodeId("fs1")


def folded(facts: tuple[m.Meaning, ...] | list[m.Meaning]) -> tuple[CallFold, list[Told]]:
    fold = CallFold()
    return fold, [item for fact in facts for item in fold.take(FS1, fact)]


def words(out: list[Told]) -> list[str]:
    return [type(item.payload).__name__ for item in out]


@pytest.mark.parametrize("name", WITH_CALLS)
def test_every_recorded_call_arrives_once_and_ends_once_with_all_its_legs(name: str) -> None:
    fold, out = folded(facts_of(name))
    check_rules(out)
    assert not list(fold.book.live_legs())
    assert not fold.newcomers
    assert not fold.wanted


@pytest.mark.parametrize("name", WITH_CALLS)
def test_the_book_read_back_from_what_was_told_is_the_book_before(name: str) -> None:
    fold, out = folded(facts_of(name))
    again = CallFold()
    for item in out:
        again.book.apply(item.payload, item.at)
        again.book.apply(item.payload, item.at)
    assert again.book.calls == fold.book.calls
    state = {leg.leg_id: (leg.state, leg.answered_at, leg.ended_at, leg.cause) for leg in fold.book.legs.values()}
    assert {
        leg.leg_id: (leg.state, leg.answered_at, leg.ended_at, leg.cause) for leg in again.book.legs.values()
    } == state


def _shuffled_between_legs(facts: list[m.Meaning], keys: list[float]) -> list[m.Meaning]:
    """The facts of each leg in their order, the legs out of step by up to five places."""
    ranked = []
    last: dict[str, float] = {}
    for place, (fact, key) in enumerate(zip(facts, keys, strict=True)):
        leg = getattr(fact, "leg_id", "")
        rank = max(place + 5 * key, last.get(leg, -1.0))
        last[leg] = rank
        ranked.append((rank, place, fact))
    return [fact for _, _, fact in sorted(ranked, key=lambda row: row[:2])]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_legs_out_of_step_and_facts_twice_change_nothing_about_beginnings_and_ends(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(SHORT))
    facts = list(facts_of(name))
    keys = data.draw(st.lists(st.floats(0, 1), min_size=len(facts), max_size=len(facts)))
    mixed = _shuffled_between_legs(facts, keys)
    for place in sorted(data.draw(st.lists(st.integers(0, max(0, len(mixed) - 1)), max_size=12)), reverse=True):
        later = data.draw(st.integers(place, len(mixed)))
        mixed.insert(later, mixed[place])
    fold, out = folded(mixed)
    check_rules(out)
    for leg in fold.book.legs.values():
        assert leg.state in {LegState.NULL, LegState.FAILED}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.sampled_from(SHORT), start=st.floats(0, 1), missing=st.sets(st.integers(0, 60), max_size=8))
def test_facts_missing_never_make_an_illegal_story(name: str, start: float, missing: set[int]) -> None:
    facts = [fact for place, fact in enumerate(facts_of(name)) if place not in missing]
    fold, out = folded(facts[int(len(facts) * start) :])
    check_rules(out, all_over=False)
    # what is left over is known to be alive or is asked about
    for leg in list(fold.book.live_legs()):
        assert leg.call_id in fold.book.calls


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(names=st.lists(st.sampled_from(SHORT), min_size=2, max_size=4, unique=True), data=st.data())
def test_calls_going_on_at_the_same_time_do_not_mix(names: list[str], data: st.DataObject) -> None:
    queues = [list(facts_of(name)) for name in names]
    mixed: list[m.Meaning] = []
    while any(queues):
        queue = data.draw(st.sampled_from([queue for queue in queues if queue]))
        mixed.extend(queue[:7])
        del queue[:7]
    _, out = folded(mixed)
    alone = [item for name in names for item in folded(list(facts_of(name)))[1]]
    key = lambda item: (item.payload.call_id, item.at, item.payload.TYPE, item.payload.model_dump_json())  # noqa: E731
    assert sorted(out, key=key) == sorted(alone, key=key)


def test_a_parked_caller_joined_with_an_agent_is_told_in_order() -> None:
    _, out = folded(facts_of("05a-bridge-agent-hangs-up"))
    assert words(out) == [
        "CallArrived",
        "LegStarted",
        "LegAnswered",
        "CallArrived",
        "LegStarted",
        "LegRinging",
        "LegAnswered",
        "LegsBridged",
        "LegsBridged",
        "LegsUnbridged",
        "LegsUnbridged",
        "LegEnded",
        "CallEnded",
        "LegEnded",
        "CallEnded",
    ]
    ended = [item.payload for item in out if isinstance(item.payload, told.LegEnded)]
    assert [(leg.cause, leg.hung_up_by, leg.talk_ms) for leg in ended] == [
        ("NORMAL_CLEARING", "far_end", 1380),
        ("NORMAL_CLEARING", "switch", 2520),
    ]


def test_a_leg_dialled_by_the_dialplan_of_another_belongs_to_its_call() -> None:
    fold, _ = folded(facts_of("08d-refer-blind"))
    legs = sorted(fold.book.legs.values(), key=lambda leg: leg.started_at)
    assert legs[2].call_id == legs[0].call_id
    assert legs[1].call_id != legs[0].call_id


def test_a_phone_that_holds_by_reinvite_is_held_and_back() -> None:
    _, out = folded(facts_of("07b-reinvite-hold"))
    assert [word for word in words(out) if word in {"LegHeld", "LegResumed"}] == ["LegHeld", "LegResumed"] * 3


def test_an_intercepted_caller_changes_partners() -> None:
    _, out = folded(facts_of("09f-intercept-takeover"))
    pairs = [
        (type(item.payload).__name__, item.payload.leg_id[:4], item.payload.other_leg_id[:4])
        for item in out
        if isinstance(item.payload, told.LegsBridged | told.LegsUnbridged)
    ]
    owners = [pair for pair in pairs if pair[0] == "LegsBridged"]
    assert len(owners) == 4  # two bridges, each told in both calls
    assert not {leg for kind, *legs in pairs for leg in legs if kind == "LegsBridged"} - {
        leg for kind, *legs in pairs for leg in legs if kind == "LegsUnbridged"
    }


def test_an_unknown_gateway_makes_no_leg() -> None:
    _, out = folded(facts_of("06g-badgateway"))
    assert words(out).count("LegStarted") == 1


def test_what_ended_long_ago_is_forgotten() -> None:
    fold, out = folded(facts_of("05a-bridge-agent-hangs-up"))
    last = out[-1].at
    assert fold.book.forget(last + timedelta(minutes=9)) == 0
    assert fold.book.forget(last + timedelta(minutes=11)) == 2
    assert not fold.book.legs
    assert not fold.book.calls
