"""Session facts on their way to the bus: in order, kept through an outage, never in the way of the caller."""

from __future__ import annotations

import asyncio

import structlog

from ipcc.bus.events import Publisher
from ipcc.contracts.envelope import Event
from ipcc.contracts.ivr import IvrPayload
from ipcc.errors import BusDown

log = structlog.get_logger(__name__)

# some 10 facts a call: this holds an outage of minutes at full load; beyond it the oldest are given up and counted
LIMIT = 100_000
RETRY_S = 0.5


class FactSender:
    """Run it by ``tasks.spawn(name, sender.run)``. ``waiting`` and ``lost`` are for health and metrics."""

    def __init__(self, publisher: Publisher) -> None:
        self.lost = 0
        self._publisher = publisher
        self._events: asyncio.Queue[Event] = asyncio.Queue()

    @property
    def waiting(self) -> int:
        """Facts not yet acknowledged."""
        return self._events.qsize()

    def tell(self, facts: tuple[IvrPayload, ...]) -> None:
        """Send these after all told before; stamped now. Never blocks."""
        for fact in facts:
            if self._events.qsize() >= LIMIT:
                self._events.get_nowait()
                self.lost += 1
            self._events.put_nowait(self._publisher.event(fact))

    async def run(self) -> None:
        """Send for ever."""
        while True:
            event = await self._events.get()
            while not await self._sent(event):
                await self._publisher.clock.sleep(RETRY_S)

    async def drain(self) -> None:
        """Send what waits, once; for a service that stops."""
        while not self._events.empty():
            if not await self._sent(self._events.get_nowait()):
                return

    async def _sent(self, event: Event) -> bool:
        try:
            await self._publisher.send(event)
        except BusDown as error:
            log.warning("facts_wait", waiting=self.waiting, error=str(error))
            return False
        return True
