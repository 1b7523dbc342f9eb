"""Notices that this process stood still: frozen by its host, stopped by hand, or busy with one thing for too long.

Whoever holds a lease believes in it meanwhile, and on waking acts on things long past before any broker can tell him. What only
the one holder may do he does after asking whether he still is it.
"""

from __future__ import annotations

import asyncio

BEAT_S = 0.25


class Standstill:
    """Counts the times this process stood still for longer than ``limit_s``, well below the time after which a lease is given away.

    Asked or not, it is known at once: the first thing done after waking learns of it, whichever that is. A whole machine that was
    suspended together with its clock cannot be noticed; then what the broker and the switch refuse must do.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._count = 0
        self._last: float | None = None

    @property
    def count(self) -> int:
        """How often until now."""
        now = asyncio.get_running_loop().time()
        if self._last is not None and now - self._last > self._limit_s:
            self._count += 1
        self._last = now
        return self._count

    async def run(self) -> None:
        """Look all the time, so that a silence between two questions is not taken for one."""
        while True:
            _ = self.count
            await asyncio.sleep(BEAT_S)
