"""Intervals of the bank's clock, through changes of that clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcc.errors import Invalid
from services.report.core.intervals import ALLOWED_MINUTES, interval_of, interval_starts

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [ZoneInfo(name) for name in ("Asia/Shanghai", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "UTC")]
moments = st.integers(0, 3 * 365 * 86_400).map(lambda s: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=s))


def day(zone: ZoneInfo, year: int, month: int, number: int) -> tuple[datetime, datetime]:
    start = datetime(year, month, number, tzinfo=zone)
    return start.astimezone(UTC), (start + timedelta(days=1)).astimezone(UTC)


@pytest.mark.parametrize(
    ("month", "number", "half_hours"), [(3, 2, 48), (3, 29, 46), (10, 25, 50)], ids=["plain", "spring", "autumn"]
)
def test_a_day_has_as_many_half_hours_as_it_is_long(month: int, number: int, half_hours: int) -> None:
    starts = interval_starts(*day(BERLIN, 2026, month, number), 30, BERLIN)
    assert len(starts) == half_hours


def test_in_the_hour_that_comes_twice_the_first_interval_is_the_right_one() -> None:
    second = datetime(2026, 10, 25, 1, 40, tzinfo=UTC)
    assert second.astimezone(BERLIN).fold == 1
    assert interval_starts(second, second + timedelta(hours=1), 30, BERLIN) == [
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 2, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 2, 30, tzinfo=UTC),
    ]


def test_where_the_clock_is_half_an_hour_off_intervals_begin_at_its_round_minutes() -> None:
    start = interval_starts(datetime(2026, 3, 2, 9, 10, tzinfo=UTC), datetime(2026, 3, 2, 10, tzinfo=UTC), 60, ZONES[2])
    assert [s.astimezone(ZONES[2]).strftime("%H:%M") for s in start] == ["14:00", "15:00"]


@given(moments, st.integers(1, 60 * 48), st.sampled_from(ALLOWED_MINUTES), st.sampled_from(ZONES))
def test_intervals_leave_no_gap_and_every_moment_falls_into_one(
    since: datetime, length: int, minutes: int, zone: ZoneInfo
) -> None:
    until = since + timedelta(minutes=length)
    starts = interval_starts(since, until, minutes, zone)
    step = timedelta(minutes=minutes)
    assert starts[0] <= since < starts[0] + step
    assert starts[-1] < until <= starts[-1] + step
    assert all(b - a == step for a, b in pairwise(starts))
    assert all(s.astimezone(zone).minute % minutes == 0 for s in starts)
    for moment in (since, until - timedelta(microseconds=1)):
        found = interval_of(moment, starts, minutes)
        assert found is not None
        assert found <= moment < found + step
    assert interval_of(starts[0] - timedelta(microseconds=1), starts, minutes) is None
    assert interval_of(starts[-1] + step, starts, minutes) is None


@pytest.mark.parametrize(("minutes", "hours"), [(7, 1), (0, 1), (30, 0), (30, -1), (5, 24 * 60)])
def test_what_makes_no_sense_is_refused(minutes: int, hours: int) -> None:
    since = datetime(2026, 3, 2, tzinfo=UTC)
    with pytest.raises(Invalid):
        interval_starts(since, since + timedelta(hours=hours), minutes, BERLIN)
