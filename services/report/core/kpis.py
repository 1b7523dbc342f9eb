"""Every measure of a queue, defined once, by name and version; the report page prints these sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

SERVICE_LEVEL_FORMULA = "service_level/1: answered within the queue's limit, divided by all that ended"

WAITING = "waiting"


@dataclass(frozen=True)
class Stay:
    """A stay in a queue as far as the measures need it; ``outcome`` is empty while it lasts."""

    queue_id: str
    entered_at: datetime
    outcome: str
    wait_ms: int


@dataclass(frozen=True)
class QueueFigures:
    """One queue over one stretch of time, of the contacts that entered in it (invariant I6: they add up exactly)."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    overflowed: int = 0
    transferred: int = 0
    still_waiting: int = 0
    answered_in_time: int = 0
    wait_ms: int = 0
    longest_wait_ms: int = 0

    @property
    def ended(self) -> int:
        """Stays that are over."""
        return self.answered + self.abandoned + self.overflowed + self.transferred

    @property
    def adds_up(self) -> bool:
        """Invariant I6."""
        return self.offered == self.ended + self.still_waiting

    @property
    def service_level(self) -> float | None:
        """SERVICE_LEVEL_FORMULA, 0 to 1; None when nothing ended."""
        return self.answered_in_time / self.ended if self.ended else None

    @property
    def average_wait_ms(self) -> int | None:
        """Mean wait of those that ended; None when nothing ended."""
        return self.wait_ms // self.ended if self.ended else None


def figures(stays: Iterable[Stay], in_time_s: int) -> QueueFigures:
    """The figures of ``stays``, with the queue's service-level limit in seconds."""
    found = list(stays)
    ended = [stay for stay in found if stay.outcome]
    counts = {
        name: sum(stay.outcome == name for stay in ended)
        for name in ("answered", "abandoned", "overflowed", "transferred")
    }
    return QueueFigures(
        offered=len(found),
        answered=counts["answered"],
        abandoned=counts["abandoned"],
        overflowed=counts["overflowed"],
        transferred=counts["transferred"],
        still_waiting=len(found) - len(ended),
        answered_in_time=sum(s.outcome == "answered" and s.wait_ms <= in_time_s * 1000 for s in ended),
        wait_ms=sum(s.wait_ms for s in ended),
        longest_wait_ms=max((s.wait_ms for s in ended), default=0),
    )
