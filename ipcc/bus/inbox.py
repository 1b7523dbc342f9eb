"""What a consumer remembers of events it has handled, so that the same event delivered again changes nothing."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol


class Inbox(Protocol):
    """Remembers event ids. One backed by a database writes the row in the handler's own transaction instead of ``remember``."""

    async def has(self, event_id: str) -> bool:
        """Whether this event was handled before. Raises StoreDown."""

    async def remember(self, event_id: str) -> None:
        """It has been handled now. Raises StoreDown."""


class MemoryInbox:
    """The last ``limit`` ids, in this process: enough against redelivery after a rebalance, not after a crash."""

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._ids: OrderedDict[str, None] = OrderedDict()

    async def has(self, event_id: str) -> bool:
        return event_id in self._ids

    async def remember(self, event_id: str) -> None:
        self._ids[event_id] = None
        self._ids.move_to_end(event_id)
        if len(self._ids) > self._limit:
            self._ids.popitem(last=False)
