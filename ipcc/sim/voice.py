"""What the person at the end of a leg does with his voice: he is heard all the time unless he is silent. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

_LOUD = 5093
"""Mean amplitude of the tone that stands for a voice (``ipcc.sim.media``), as the switch measures what it hears."""
_STILL = 8
"""Of silence in A-law, whose smallest step is no zero."""


@dataclass
class Voice:
    """One person's voice. Times in seconds since 1970."""

    is_speaking: bool = False
    """He speaks so that a conference tells of it."""
    silent_since: float | None = None
    """None while he is heard."""
    _silences: list[tuple[float, float]] = field(default_factory=list)

    def speak(self, now: float) -> None:
        """He is heard from now on."""
        self.is_speaking = True
        if self.silent_since is not None:
            self._silences.append((self.silent_since, now))
            self.silent_since = None

    def fall_silent(self, now: float) -> None:
        """He is not heard any more."""
        self.is_speaking = False
        if self.silent_since is None:
            self.silent_since = now

    def quiet_since(self, threshold: int) -> float | None:
        """Since when what he sends has been below ``threshold``; None if it is not now."""
        if threshold > _LOUD:
            return -math.inf
        return self.silent_since if threshold > _STILL else None

    def silences(self, start: float, end: float) -> tuple[tuple[float, float], ...]:
        """When he was silent between ``start`` and ``end``, as seconds after ``start``."""
        spans = [*self._silences, *([(self.silent_since, end)] if self.silent_since is not None else [])]
        cut = [(max(first, start) - start, min(last, end) - start) for first, last in spans]
        return tuple((first, last) for first, last in cut if last > first)
