"""The records of one partition on their way through a worker: taken in order, one at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from ipcc.bus.port import Partition, Record

# above the first the partition is paused, below the second it delivers again
HIGH = 500
LOW = 100


class Lane:
    """Feeds one partition's records to ``process`` until told to finish; ``next_offset`` is what may be committed."""

    def __init__(self, place: Partition, process: Callable[[Record], Awaitable[None]]) -> None:
        self.place = place
        self.next_offset: int | None = None
        self.is_paused = False
        self._process = process
        self._waiting: deque[Record] = deque()
        self._changed = asyncio.Event()
        self._finishing = False

    def add(self, records: Iterable[Record]) -> None:
        """More to do."""
        self._waiting.extend(records)
        self._changed.set()

    def finish(self) -> None:
        """Stop after the record in hand; what waits is left to the next owner."""
        self._finishing = True
        self._waiting.clear()
        self._changed.set()

    @property
    def waiting(self) -> int:
        """Records not yet begun."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether the partition should pause; full once means full until nearly empty."""
        return self.waiting > (LOW if self.is_paused else HIGH)

    async def run(self) -> None:
        """Work until ``finish``. ``process`` must not raise but for cancellation, after which the record counts as not done."""
        while not self._finishing:
            if not self._waiting:
                self._changed.clear()
                await self._changed.wait()
                continue
            record = self._waiting.popleft()
            await self._process(record)
            self.next_offset = record.offset + 1
