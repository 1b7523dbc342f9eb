"""Session facts on their way to the bus: in order per call, kept through an outage, never in the way of the caller."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from itertools import islice

import structlog

from ipcc.bus.events import Publisher
from ipcc.contracts.envelope import Event
from ipcc.contracts.ivr import IvrPayload
from ipcc.errors import BusDown
from services.ivr.tracing import Traces

log = structlog.get_logger(__name__)

# some 10 facts a call: this holds an outage of minutes at full load; beyond it the oldest are given up and counted
LIMIT = 100_000
BATCH = 200
RETRY_S = 0.5


class FactSender:
    """Run it by ``tasks.spawn(name, sender.run)``; ``traces`` notes each fact as it is told.

    ``waiting`` and ``lost`` are for health and metrics."""

    def __init__(self, publisher: Publisher, traces: Traces) -> None:
        self.lost = 0
        self.traces = traces
        self._publisher = publisher
        self._events: deque[Event] = deque()
        self._told = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Facts not yet acknowledged."""
        return len(self._events)

    def tell(self, facts: tuple[IvrPayload, ...]) -> None:
        """Send these after all told before of the same call; stamped now. Never blocks."""
        for fact in facts:
            if len(self._events) >= LIMIT:
                self._events.popleft()
                self.lost += 1
            event = self._publisher.event(fact)
            self._events.append(event)
            self.traces.note(event)
        self._told.set()

    async def run(self) -> None:
        """Send for ever."""
        while True:
            self._told.clear()
            if not self._events:
                await self._told.wait()
            if not await self._send_batch():
                await self._publisher.clock.sleep(RETRY_S)

    async def drain(self) -> None:
        """Send what waits, once; for a service that stops."""
        while self._events:
            if not await self._send_batch():
                return

    async def _send_batch(self) -> bool:
        """Send the oldest; calls side by side, each in its order. False when some were not taken: they wait on."""
        batch = list(islice(self._events, BATCH))
        by_call: dict[str, list[Event]] = defaultdict(list)
        for event in batch:
            by_call[event.subject].append(event)
        done: set[str] = set()
        try:
            reasons = await asyncio.gather(*(self._send_in_order(events, done) for events in by_call.values()))
        finally:
            # also when cancelled: what was not acknowledged is still to be sent
            self._events = deque(event for event in self._events if event.id not in done)
        why = next(filter(None, reasons), "")
        if why:
            log.warning("facts_wait", waiting=self.waiting, error=why)
        return not why

    async def _send_in_order(self, events: list[Event], done: set[str]) -> str:
        """Send them until one is not taken, and why."""
        for event in events:
            try:
                await self._publisher.send(event)
            except BusDown as error:
                return str(error)
            done.add(event.id)
        return ""
