"""Time as something passed in, so that every timer can be tested to the exact second."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where the time of day and waiting come from."""

    def now(self) -> datetime:
        """The time of day, with zone UTC."""

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds`` of this clock."""


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  the one place that reads it

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class FakeClock:
    """A clock that moves only when told; sleepers wake in the order of their deadlines."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        self._sleepers.append((self._now + timedelta(seconds=seconds), self._count, future))
        await future

    async def advance(self, seconds: float) -> None:
        """Move on by ``seconds``, waking each sleeper at its own moment."""
        end = self._now + timedelta(seconds=seconds)
        while True:
            await self._settle()
            due = sorted(s for s in self._sleepers if s[0] <= end)
            if not due:
                break
            self._sleepers.remove(due[0])
            self._now = max(self._now, due[0][0])
            if not due[0][2].done():
                due[0][2].set_result(None)
        self._now = end
        await self._settle()

    @staticmethod
    async def _settle() -> None:
        # lets every task that is ready run until it waits again
        for _ in range(20):
            await asyncio.sleep(0)
