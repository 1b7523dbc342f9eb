"""The measures of a queue: whatever happened, they add up."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.report.core.kpis import Stay, figures

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
stays = st.builds(
    Stay,
    st.just("q"),
    st.just(NOW),
    st.sampled_from(["", "answered", "abandoned", "overflowed", "transferred"]),
    st.integers(0, 3_600_000),
)


@given(st.lists(stays, max_size=50), st.integers(1, 600))
def test_offered_is_what_ended_and_what_still_waits(found: list[Stay], in_time_s: int) -> None:
    made = figures(found, in_time_s)
    assert made.adds_up
    assert made.offered == len(found)
    assert made.answered_in_time <= made.answered
    assert made.service_level is None or 0 <= made.service_level <= 1
    assert (made.service_level is None) == (made.ended == 0)


def test_in_time_means_within_the_limit_to_the_millisecond() -> None:
    found = [Stay("q", NOW, "answered", wait) for wait in (19_999, 20_000, 20_001)]
    made = figures([*found, Stay("q", NOW, "abandoned", 1), Stay("q", NOW, "", 0)], 20)
    assert (made.answered_in_time, made.service_level) == (2, 0.5)
    assert (made.average_wait_ms, made.longest_wait_ms, made.still_waiting) == (15_000, 20_001, 1)


def test_no_number_is_made_up_where_nothing_ended() -> None:
    made = figures([], 20)
    assert (made.service_level, made.average_wait_ms, made.adds_up) == (None, None, True)
