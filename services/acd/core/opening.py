"""Whether a queue is open: its calendar's hours and holidays in the calendar's own time zone, and the emergency switch."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ipcc.contracts.config import Calendar, Queue


def closed_because(queue: Queue, calendar: Calendar | None, now: datetime) -> str:
    """Why ``queue`` is closed at ``now``; "" when it is open. A queue without a calendar is always open."""
    if queue.closed:
        return "closed for an emergency"
    if calendar is None:
        return ""
    local = now.astimezone(ZoneInfo(calendar.timezone))
    clock = f"{local:%H:%M}"
    for holiday in calendar.holidays:
        if holiday.first <= local.date() <= holiday.last:
            is_open = holiday.opens and holiday.closes and holiday.opens <= clock < holiday.closes
            return "" if is_open else f"holiday: {holiday.name}"
    for hours in calendar.hours:
        if local.isoweekday() in hours.days and hours.opens <= clock < hours.closes:
            return ""
    return "outside opening hours"


def is_zone(name: str) -> bool:
    """Whether the time zone is known on this machine."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True
