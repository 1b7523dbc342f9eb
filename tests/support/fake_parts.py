"""Services on fakes: switches in memory instead of links, and a clock that is the event loop's own, for virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from ipcc.bus import Bus, MemoryBus
from ipcc.esl.fake import FakeNode, FakeSwitches
from ipcc.esl.port import SubscriptionPlan
from ipcc.parts import Parts
from ipcc.settings import ServiceSettings
from ipcc.tasks import Tasks


class StartedSwitches(FakeSwitches):
    """Fake switches with the life of real ones."""

    def start(self, tasks: Tasks) -> None:
        """Nothing to connect."""


@dataclass
class FakeParts(Parts):
    """Parts whose switches are fakes; a broker that is down is given up after ``send_timeout_s``."""

    fakes: FakeSwitches = field(default_factory=StartedSwitches)
    send_timeout_s: float = 0.2

    def bus(self, settings: ServiceSettings) -> Bus:
        bus = super().bus(settings)
        assert isinstance(bus, MemoryBus)
        bus.send_timeout_s = self.send_timeout_s
        return bus

    def switches(self, settings: ServiceSettings, plan: SubscriptionPlan) -> Any:
        return self.fakes


def fake_node(node_id: str = "fs1") -> FakeNode:
    """A switch in memory."""
    return FakeNode(node_id)


class LoopClock:
    """The loop's time as time of day: under looptime an hour passes in no time."""

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start or datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
        self._loop: asyncio.AbstractEventLoop | None = None

    def now(self) -> datetime:
        # kept, because routes also ask in threads
        self._loop = self._loop or asyncio.get_running_loop()
        return self._start + timedelta(seconds=self._loop.time())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class FastClock:
    """A clock that runs ``speed`` times as fast as the machine's: for services whose threads virtual time would overtake."""

    def __init__(self, speed: float = 50, start: datetime | None = None) -> None:
        self._start = start or datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
        self._speed = speed
        self._began = monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=(monotonic() - self._began) * self._speed)

    def jump(self, ahead: timedelta) -> None:
        """It is later at once; who sleeps is not woken."""
        self._start += ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)
