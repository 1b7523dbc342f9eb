"""When the bank works: days and hours in which orders are taken, and from when on they are carried out the next working day. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ipcc.errors import NotFound, NotNow

ZONE = ZoneInfo("Asia/Shanghai")
WORKDAYS, EVERY_DAY = range(1, 6), range(1, 8)
# days and hours in which orders are taken; what comes outside of them is refused, not kept
HOURS: dict[str, tuple[range, time, time]] = {
    "securities": (WORKDAYS, time(9, 0), time(15, 30)),
    "bonds": (EVERY_DAY, time(8, 30), time(16, 30)),
    "exchange": (WORKDAYS, time(8, 0), time(23, 0)),
}
# what is taken at any hour and carried out on the next working day when it comes later than this
CUT_OFFS: dict[str, time] = {"company": time(17, 0), "bills": time(17, 0)}
# days without work besides weekends, of the year whose calendar was published
HOLIDAYS = frozenset(
    date(2026, month, day)
    for month, days in (
        (1, range(1, 4)), (2, range(15, 24)), (4, range(4, 7)), (5, range(1, 6)), (6, range(19, 22)),
        (9, range(25, 28)), (10, range(1, 8)),
    )
    for day in days
)  # fmt: skip


@dataclass(frozen=True)
class Opening:
    """The hours of a business: whether it is open now, and from when to when it is on ``day``, this or the next it is open on."""

    is_open: bool
    day: date
    opens: time
    closes: time


@dataclass(frozen=True)
class Calendar:
    """Working days, hours and cut-off times, in the bank's own zone."""

    holidays: frozenset[date] = HOLIDAYS

    def is_workday(self, day: date) -> bool:
        """Whether the bank works on it."""
        return day.isoweekday() in WORKDAYS and day not in self.holidays

    def next_workday(self, day: date) -> date:
        """The first working day after ``day``."""
        return next(found for found in _days_from(day + timedelta(days=1)) if self.is_workday(found))

    def opening(self, business: str, now: datetime) -> Opening:
        """When ``business`` is open, now or next. Raises NotFound ``business_not_found``."""
        if business not in HOURS:
            raise NotFound("business_not_found", "there is no such business")
        days, begin, end = HOURS[business]
        local = now.astimezone(ZONE)
        first = local.date() if local.time() < end else local.date() + timedelta(days=1)
        day = next(found for found in _days_from(first) if self._is_open_on(found, days))
        return Opening(day == local.date() and begin <= local.time(), day, begin, end)

    def require_hours(self, business: str, now: datetime) -> None:
        """Raises NotNow ``closed_now`` outside the hours of ``business``."""
        found = self.opening(business, now)
        if not found.is_open:
            raise NotNow(
                "closed_now", f"orders for {business} are taken from {found.opens:%H:%M} to {found.closes:%H:%M}"
            )

    def value_day(self, what: str, now: datetime) -> date:
        """The day on which an order given ``now`` reaches its target: this one, or after the cut-off the next working day."""
        local = now.astimezone(ZONE)
        is_in_time = self.is_workday(local.date()) and local.time() < CUT_OFFS[what]
        return local.date() if is_in_time else self.next_workday(local.date())

    def _is_open_on(self, day: date, days: range) -> bool:
        return day.isoweekday() in days and (days == EVERY_DAY or day not in self.holidays)


def today(now: datetime) -> date:
    """The bank's day."""
    return now.astimezone(ZONE).date()


def _days_from(day: date) -> Iterable[date]:
    while True:
        yield day
        day += timedelta(days=1)
