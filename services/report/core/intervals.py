"""Cuts time into intervals of the bank's clock, through changes of that clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ipcc.errors import Invalid

ALLOWED_MINUTES = (5, 10, 15, 30, 60)
MOST_INTERVALS = 3000


def interval_starts(since: datetime, until: datetime, minutes: int, zone: ZoneInfo) -> list[datetime]:
    """The starts (UTC) of every interval that touches ``since`` to ``until``; each begins at a round minute of the local clock.

    Intervals are of equal true length, so that an hour that the local clock shows twice has twice as many. Raises Invalid.
    """
    if minutes not in ALLOWED_MINUTES:
        raise Invalid(
            "interval.minutes", f"intervals are of {', '.join(map(str, ALLOWED_MINUTES))} minutes, not {minutes}"
        )
    if until <= since:
        raise Invalid("interval.range", "the end is not behind the start")
    step = timedelta(minutes=minutes)
    if (until - since) / step > MOST_INTERVALS:
        raise Invalid("interval.range", f"more than {MOST_INTERVALS} intervals: ask for fewer days or longer intervals")
    local = since.astimezone(zone)
    # taken off in UTC: on the local clock an hour that is shown twice would be mistaken for the other
    past_round = timedelta(minutes=local.minute % minutes, seconds=local.second, microseconds=local.microsecond)
    start = since.astimezone(UTC) - past_round
    found = []
    while start < until:
        found.append(start)
        start += step
    return found


def interval_of(moment: datetime, starts: list[datetime], minutes: int) -> datetime | None:
    """The start of the interval ``moment`` falls into; None when outside all."""
    if not starts or moment < starts[0]:
        return None
    number = (moment - starts[0]) // timedelta(minutes=minutes)
    return starts[number] if number < len(starts) else None
