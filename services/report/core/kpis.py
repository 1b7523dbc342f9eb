"""Every measure of a queue, defined once, by name and version; the report page prints these sentences.

A contact that is moved has a stay in each queue: the one it leaves ends there as transferred, and it enters the other at that
moment (``transferred_in`` of the offered). Its wait clock runs on, so each stay's wait is the caller's, from the first queue on.
Contacts of one queue are of one medium; the measures mean the same in each, and are never summed over several.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple

from ipcc.contracts.config import VOICE

SERVICE_LEVEL_FORMULA = "service_level/1: answered within the queue's limit, divided by all that ended"
DEFAULT_SERVICE_LEVEL_S = 20


class KnownQueue(NamedTuple):
    """A queue as it is administered now: its name, its service-level limit in seconds, and what its contacts are carried by."""

    name: str
    service_level_s: int
    medium: str


UNKNOWN_QUEUE = KnownQueue("", DEFAULT_SERVICE_LEVEL_S, VOICE)


@dataclass(frozen=True)
class QueueFigures:
    """One queue over one stretch of time, of the stays that began in it (invariant I6: they add up exactly).

    ``ended_otherwise`` are callbacks that came to nothing, and ends told by a newer release in a word not known here.
    """

    offered: int = 0
    transferred_in: int = 0
    answered: int = 0
    abandoned: int = 0
    overflowed: int = 0
    transferred: int = 0
    ended_otherwise: int = 0
    still_waiting: int = 0
    answered_in_time: int = 0
    wait_ms: int = 0
    longest_wait_ms: int = 0

    def __add__(self, other: QueueFigures) -> QueueFigures:
        """Both stretches of time together."""
        sums = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        return QueueFigures(**{**sums, "longest_wait_ms": max(self.longest_wait_ms, other.longest_wait_ms)})

    @property
    def ended(self) -> int:
        """Stays that are over."""
        return self.answered + self.abandoned + self.overflowed + self.transferred + self.ended_otherwise

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
