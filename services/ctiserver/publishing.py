"""Facts on their way to the bus: never waited for by the ear, in order per call and per phone, kept while the broker is down."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime

import structlog

from ipcc.bus import Publisher
from ipcc.bus.port import partition_of
from ipcc.contracts.envelope import Event, wrap
from ipcc.contracts.payload import Payload
from ipcc.errors import Invalid, IpccError
from ipcc.ids import id_of
from ipcc.metrics import CTI_DROPPED, CTI_UNSENT, Metrics
from ipcc.tasks import Tasks

log = structlog.get_logger(__name__)

LANES = 64
"""So many facts may be on their way at once, of as many calls: an acknowledgement takes a few ms, on a busy machine tens of them,
and a call that waits behind others in its lane waits for each of theirs."""
RETRY_S = 0.5


class Outgoing:
    """Facts wait in lanes by their key; each lane sends one at a time, and the next only when the last is acknowledged.

    More than ``limit`` waiting is an overflow: all that wait are dropped and ``on_overflow`` is called once; then the book is
    ahead of what was told, and must be read back.
    """

    def __init__(self, publisher: Publisher, metrics: Metrics, limit: int) -> None:
        self.on_overflow: Callable[[], None] = lambda: None
        self._publisher = publisher
        self._metrics = metrics
        self._limit = limit
        self._lanes: list[deque[Event]] = [deque() for _ in range(LANES)]
        self._news = [asyncio.Event() for _ in range(LANES)]
        self._waiting = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._echoes: set[str] = set()
        self._failing: set[str] = set()
        self._is_closed = False
        self.last_error = ""

    @property
    def waiting(self) -> int:
        """Facts not yet acknowledged."""
        return self._waiting

    def start(self, tasks: Tasks) -> None:
        """Send for as long as ``tasks`` run."""
        for number in range(LANES):
            tasks.spawn(f"send facts {number}", lambda number=number: self._run(number))  # type: ignore[misc]

    def put(self, payload: Payload, at: datetime) -> None:
        """Tell ``payload`` as having happened ``at``. Returns at once, never raises.

        Its id follows from what it says: another replica that takes over and tells the same of the same moment, because it could not
        know that this was on its way, tells it under the same id.
        """
        if self._is_closed:
            self._metrics.count(CTI_DROPPED)
            return
        if self.waiting >= self._limit:
            self._overflow()
            return
        event_id = id_of(at, f"{payload.TYPE} {payload.model_dump_json()}".encode())
        event = wrap(payload, event_id=event_id, source=self._publisher.source, time=at)
        number = partition_of(event.subject, LANES)
        self._echoes.add(event.id)
        self._lanes[number].append(event)
        self._waiting += 1
        self._news[number].set()
        self._idle.clear()
        self._report()

    def is_echo(self, event_id: str) -> bool:
        """Whether this event, read from the topic, is one of ours that the book holds already; asked once per event."""
        if event_id not in self._echoes:
            return False
        self._echoes.discard(event_id)
        return True

    def open(self) -> None:
        """The book says again what was told: go on."""
        self._is_closed = False

    def close(self) -> int:
        """Drop what waits, but not what is being sent, and everything put from now on until ``open``; how many waited.

        The book is started over then: what comes back from the topic, also of ours and what is being sent, is news to it.
        """
        self._is_closed = True
        dropped = 0
        for lane in self._lanes:
            dropped += len(lane)
            lane.clear()
        self._echoes.clear()
        self._waiting -= dropped
        self._settle()
        return dropped

    def problem(self) -> str | None:
        """Why facts are not getting through, for people; None while they are."""
        if self.waiting < self._limit // 2 and not self._failing:
            return None
        return f"{self.waiting} facts wait for the broker: {self.last_error}"

    async def idle(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing waits and nothing is being sent; False when that takes longer than ``timeout_s``."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def _overflow(self) -> None:
        dropped = self.close() + 1
        self._metrics.count(CTI_DROPPED, dropped)
        log.error("facts_overflowed", dropped=dropped, limit=self._limit, last_error=self.last_error)
        self.on_overflow()

    async def _run(self, number: int) -> None:
        lane, news = self._lanes[number], self._news[number]
        while True:
            await news.wait()
            news.clear()
            while lane:
                try:
                    await self._send(lane.popleft())
                finally:
                    self._waiting -= 1
                    self._settle()

    async def _send(self, event: Event) -> None:
        """The same event until it is acknowledged: one that arrives twice has the same id. One that no broker takes is dropped."""
        while True:
            try:
                await self._publisher.send(event)
            except Invalid as error:
                # it would be refused for ever, and all that is said of calls in its lane with it
                self._metrics.count(CTI_DROPPED)
                log.error("fact_dropped", type=event.type, subject=event.subject, reason=str(error))
                return
            except IpccError as error:
                self.last_error = str(error)
                self._failing.add(event.id)
                log.warning("fact_not_sent", type=event.type, reason=str(error))
                await self._publisher.clock.sleep(RETRY_S)
            else:
                self._failing.discard(event.id)
                return

    def _settle(self) -> None:
        if self.waiting == 0:
            self._idle.set()
        self._report()

    def _report(self) -> None:
        self._metrics.put(CTI_UNSENT, self.waiting)
