"""The measures of a queue: stretches of time together add up like each of them, and no number is made up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.report.core.kpis import QueueFigures

small = st.integers(0, 50)


@st.composite
def made(draw: st.DrawFn) -> QueueFigures:
    """What a database can have counted."""
    names = ("answered", "abandoned", "overflowed", "transferred", "ended_otherwise", "still_waiting")
    counts = {name: draw(small) for name in names}
    return QueueFigures(
        offered=sum(counts.values()),
        answered_in_time=draw(st.integers(0, counts["answered"])),
        wait_ms=draw(small),
        longest_wait_ms=draw(small),
        **counts,
    )


@given(made(), made())
def test_two_stretches_of_time_together_add_up_like_each_of_them(one: QueueFigures, two: QueueFigures) -> None:
    both = one + two
    assert one.adds_up
    assert both.adds_up
    assert both.ended == one.ended + two.ended
    assert both.longest_wait_ms == max(one.longest_wait_ms, two.longest_wait_ms)
    assert both.service_level is None or 0 <= both.service_level <= 1
    assert one + QueueFigures() == one


def test_a_count_too_many_is_seen() -> None:
    assert not QueueFigures(offered=2, answered=1).adds_up


def test_no_number_is_made_up_where_nothing_ended() -> None:
    made = QueueFigures(offered=1, still_waiting=1)
    assert (made.service_level, made.average_wait_ms, made.adds_up) == (None, None, True)
