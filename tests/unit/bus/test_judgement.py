"""What a consumer does about failures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcc.bus.judgement import BurialLimits, Burials, Bury, Patience, Wait, judge
from ipcc.errors import BusDown, InvalidMessage, NotNow, RetryLater, StoreDown

PATIENCE = Patience(tries=3, first_delay_s=0.5, longest_delay_s=4.0)


def test_the_raiser_of_retry_later_says_how_long() -> None:
    assert judge(RetryLater("busy", 7.5), 99, PATIENCE) == Wait(7.5, "message.retry_later: busy")


@pytest.mark.parametrize("attempt", [1, 3, 50])
def test_what_is_down_is_waited_for_however_long_it_takes(attempt: int) -> None:
    verdict = judge(StoreDown("store.down", "no database"), attempt, PATIENCE)
    assert isinstance(verdict, Wait)
    assert verdict.delay_s <= PATIENCE.longest_delay_s


def test_a_service_that_is_down_is_not_asked_again_before_it_said() -> None:
    assert judge(BusDown("bus.down", "away", retry_after_s=3.0), 1, PATIENCE) == Wait(3.0, "bus.down: away")


@pytest.mark.parametrize("error", [InvalidMessage("not JSON"), NotNow("agent.not_ready", "not ready")])
def test_what_will_fail_again_is_put_aside_at_once(error: Exception) -> None:
    assert judge(error, 1, PATIENCE) == Bury(str(error))


def test_what_may_be_chance_is_tried_again_a_few_times() -> None:
    verdicts = [judge(KeyError("x"), attempt, PATIENCE) for attempt in (1, 2, 3)]
    assert verdicts == [Wait(0.5, "'x'"), Wait(1.0, "'x'"), Bury("KeyError: 'x'")]


@given(st.integers(1, 10_000))
def test_the_pause_grows_and_stays_within_its_limit(attempt: int) -> None:
    assert PATIENCE.first_delay_s <= PATIENCE.delay_s(attempt) <= PATIENCE.delay_s(attempt + 1) <= 4.0


def test_a_run_of_dead_letters_is_our_fault_until_one_message_is_good() -> None:
    burials = Burials(BurialLimits(run=3, window=100))
    for _ in range(3):
        assert burials.problem == ""
        burials.note(buried=True)
    assert burials.problem == "3 dead letters in a row"
    burials.note(buried=False)
    assert burials.problem == ""


def test_too_many_among_the_last_messages_is_our_fault_too() -> None:
    burials = Burials(BurialLimits(run=50, ratio=0.2, window=10))
    for number in range(10):
        burials.note(buried=number % 3 == 0)
    assert burials.problem == "4 dead letters in the last 10 messages"
    for _ in range(10):
        burials.note(buried=False)
    assert (burials.problem, burials.total) == ("", 4)


@given(st.lists(st.booleans(), max_size=300))
def test_the_counts_are_those_of_the_messages(buried: list[bool]) -> None:
    burials = Burials(BurialLimits(run=5, ratio=0.5, window=20))
    for one in buried:
        burials.note(buried=one)
    assert burials.total == sum(buried)
    window = buried[-20:]
    run = next((n for n, b in enumerate(reversed(buried)) if not b), len(buried))
    expected = run >= 5 or (len(window) == 20 and sum(window) > 10)
    assert bool(burials.problem) == expected
