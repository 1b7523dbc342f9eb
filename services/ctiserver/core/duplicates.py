"""Events of a switch that come a second time are dropped: one is known by the life of the switch it is from and its number in it. Pure."""

from __future__ import annotations

from collections import deque

REMEMBERED = 4096
"""So many numbers back a repeated event is known; between channels numbers step back, by five at most of what was recorded."""


class Duplicates:
    """The events of one node, by (Core-UUID, Event-Sequence)."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._order: deque[tuple[str, str]] = deque()
        self._known: set[tuple[str, str]] = set()

    def is_repeated(self, core_id: str, sequence: str) -> bool:
        """Whether this event was taken before; from now on it was. One that bears no number is never known."""
        if not sequence:
            return False
        name = (core_id, sequence)
        if name in self._known:
            return True
        self._known.add(name)
        self._order.append(name)
        if len(self._order) > self._remembered:
            self._known.discard(self._order.popleft())
        return False
