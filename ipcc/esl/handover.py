"""Handing what a reader thread heard to the asyncio thread: in order, in batches, never making the reader wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_SLICE = 256
"""Taken in one go before other work of the loop gets its turn."""


class Handover(Generic[T]):
    """A queue from one thread to a loop. `put` never waits; it says no when more than ``limit`` lies there."""

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Callable[[T], None], limit: int) -> None:
        self._loop = loop
        self._take = take
        self._limit = limit
        self._items: deque[tuple[T, int]] = deque()
        self._put = 0
        self._taken = 0
        self._is_scheduled = False

    @property
    def waiting(self) -> int:
        """The size of what was put and not taken yet."""
        # each count is written by one thread only
        return self._put - self._taken

    def put(self, item: T, size: int = 1) -> bool:
        """From the other thread. False: too much lies here already, or the loop is closed; ``item`` is not taken."""
        if self.waiting > self._limit:
            return False
        return self.put_last(item, size)

    def put_last(self, item: T, size: int = 1) -> bool:
        """Like `put` without regard to the limit: for the word that it is over."""
        self._items.append((item, size))
        self._put += size
        if self._is_scheduled:
            return True
        self._is_scheduled = True
        try:
            self._loop.call_soon_threadsafe(self._drain)
        except RuntimeError:  # the loop is closed: nobody will ever take it
            return False
        return True

    def _drain(self) -> None:
        self._is_scheduled = False
        try:
            for _ in range(_SLICE):
                if not self._items:
                    return
                item, size = self._items.popleft()
                self._taken += size
                self._take(item)
        finally:
            # also after an exception of one taker: it goes to the loop's handler, the next items are not lost
            if self._items and not self._is_scheduled:
                self._is_scheduled = True
                self._loop.call_soon(self._drain)
