"""The measures of a queue reckoned stay by stay, beside which the reckoning of the database is held."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.report.core.kpis import QueueFigures

ENDS = ("answered", "abandoned", "overflowed", "transferred")


@dataclass(frozen=True)
class Stay:
    """A stay in a queue as far as the measures need it; ``outcome`` is empty while it lasts."""

    queue_id: str
    entered_at: datetime
    outcome: str
    wait_ms: int
    moved_from: str = ""


def figures(stays: Iterable[Stay], in_time_s: int) -> QueueFigures:
    """The figures of ``stays``, with the queue's service-level limit in seconds."""
    found = list(stays)
    ended = [stay for stay in found if stay.outcome]
    counts = {name: sum(stay.outcome == name for stay in ended) for name in ENDS}
    return QueueFigures(
        offered=len(found),
        transferred_in=sum(bool(stay.moved_from) for stay in found),
        answered=counts["answered"],
        abandoned=counts["abandoned"],
        overflowed=counts["overflowed"],
        transferred=counts["transferred"],
        ended_otherwise=len(ended) - sum(counts.values()),
        still_waiting=len(found) - len(ended),
        answered_in_time=sum(s.outcome == "answered" and s.wait_ms <= in_time_s * 1000 for s in ended),
        wait_ms=sum(s.wait_ms for s in ended),
        longest_wait_ms=max((s.wait_ms for s in ended), default=0),
    )
