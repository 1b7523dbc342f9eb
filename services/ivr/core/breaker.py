"""Spares callers the wait for a bank that does not answer: after some failures in a row it is left alone for a while. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Stance(StrEnum):
    """Where a breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass
class Breaker:
    """One for each operation. Every ``admits`` that said yes is followed by exactly one of the three ways a question ends.

    It opens after ``limit`` failures in a row; ``pause`` later it is half open: one question goes through, and its end
    closes it or opens it for another ``pause``.
    """

    limit: int
    pause: timedelta
    failures: int = 0
    _open_since: datetime | None = None
    _is_probed: bool = False

    def stance(self, now: datetime) -> Stance:
        """Closed, open, or half open: ready for one question."""
        if self._open_since is None:
            return Stance.CLOSED
        return Stance.OPEN if now - self._open_since < self.pause else Stance.HALF_OPEN

    def admits(self, now: datetime) -> bool:
        """Whether a question may be asked now."""
        stance = self.stance(now)
        if stance is not Stance.HALF_OPEN:
            return stance is Stance.CLOSED
        is_first = not self._is_probed
        self._is_probed = True
        return is_first

    def succeeded(self) -> None:
        """There was an answer, a refusal included."""
        self.failures = 0
        self._open_since = None
        self._is_probed = False

    def failed(self, now: datetime) -> None:
        """There was none, or none that could be understood."""
        self.failures += 1
        if self._open_since is not None or self.failures >= self.limit:
            self._open_since = now
        self._is_probed = False

    def given_up(self) -> None:
        """The one who asked went away before the answer: nothing is known, the next may ask."""
        self._is_probed = False
