"""Those who wait in one queue, and who of them has waited longest, without looking at all of them each time."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import datetime

# so many entries that left may lie in the heap for each that waits, before it is made anew
SLACK = 2
SMALL = 64


@dataclass
class Line:
    """Entries by id, each with its wait clock."""

    _since: dict[str, datetime] = field(default_factory=dict)
    # the longest wait on top; those who left lie in it until they come to the top
    _heap: list[tuple[datetime, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._since)

    def __contains__(self, entry_id: str) -> bool:
        return entry_id in self._since

    def join(self, entry_id: str, since: datetime) -> None:
        """The entry waits here, since then."""
        self._since[entry_id] = since
        heapq.heappush(self._heap, (since, entry_id))
        if len(self._heap) > SLACK * len(self._since) + SMALL:
            self._heap = [(at, entry) for entry, at in self._since.items()]
            heapq.heapify(self._heap)

    def leave(self, entry_id: str) -> datetime | None:
        """The entry waits here no more; since when it did, None when it did not."""
        return self._since.pop(entry_id, None)

    def oldest(self) -> datetime | None:
        """When the one who waits longest came."""
        while self._heap and self._since.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
