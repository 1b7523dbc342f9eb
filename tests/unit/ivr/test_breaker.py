"""The breaker that spares callers the wait for a dead bank."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from services.ivr.core.breaker import Breaker, Stance

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PAUSE = timedelta(seconds=10)


def broken() -> Breaker:
    breaker = Breaker(3, PAUSE)
    for _ in range(3):
        assert breaker.admits(NOW)
        breaker.failed(NOW)
    return breaker


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker(3, PAUSE)
    for fails in (True, True, False, True, True):
        assert breaker.admits(NOW)
        if fails:
            breaker.failed(NOW)
        else:
            breaker.succeeded()
    assert breaker.stance(NOW) is Stance.CLOSED
    breaker.failed(NOW)
    assert breaker.stance(NOW) is Stance.OPEN
    assert not breaker.admits(NOW)


def test_after_the_pause_one_question_goes_through() -> None:
    breaker = broken()
    later = NOW + PAUSE
    assert breaker.stance(later) is Stance.HALF_OPEN
    assert breaker.admits(later)
    assert not breaker.admits(later)


def test_a_probe_that_succeeds_closes_it() -> None:
    breaker = broken()
    later = NOW + PAUSE
    assert breaker.admits(later)
    breaker.succeeded()
    assert breaker.stance(later) is Stance.CLOSED
    assert breaker.admits(later)


def test_a_probe_that_fails_opens_it_for_another_pause() -> None:
    breaker = broken()
    later = NOW + PAUSE
    assert breaker.admits(later)
    breaker.failed(later)
    assert not breaker.admits(later + PAUSE / 2)
    assert breaker.admits(later + PAUSE)


def test_a_caller_who_hangs_up_during_the_probe_leaves_it_to_the_next() -> None:
    breaker = broken()
    later = NOW + PAUSE
    assert breaker.admits(later)
    breaker.given_up()
    assert breaker.admits(later)


@given(st.lists(st.tuples(st.sampled_from(["ask", "ok", "fail", "gone"]), st.integers(0, 15)), max_size=60))
def test_whatever_happens_it_admits_again_after_a_pause(steps: list[tuple[str, int]]) -> None:
    breaker, now, asked = Breaker(2, PAUSE), NOW, 0
    for step, seconds in steps:
        now += timedelta(seconds=seconds)
        if step == "ask":
            asked += breaker.admits(now)
        elif asked:
            asked -= 1
            ends: dict[str, Callable[[], None]] = {
                "ok": breaker.succeeded,
                "fail": partial(breaker.failed, now),
                "gone": breaker.given_up,
            }
            ends[step]()
    for _ in range(asked):
        breaker.given_up()
    assert breaker.admits(now + PAUSE)
