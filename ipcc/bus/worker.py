"""The consume loop: each event to its handler, in order per partition, at least once delivered and once handled.

Partitions are worked side by side, each strictly in order. What fails is judged by judgement.py: waited for, tried again, or
put among the dead letters. An offset is committed only after its handler is done and only while the partition is ours.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from ipcc.bus.dead_letters import DeadLetters
from ipcc.bus.events import TYPE_HEADER, received_from
from ipcc.bus.handlers import Handlers
from ipcc.bus.inbox import Inbox, MemoryInbox
from ipcc.bus.judgement import BurialLimits, Burials, Bury, Patience, judge
from ipcc.bus.lane import Lane
from ipcc.bus.port import Bus, Consumer, Partition, Record
from ipcc.clock import Clock
from ipcc.contracts.topics import Topic
from ipcc.errors import BusDown, NotFound, Unavailable
from ipcc.tasks import Tasks

log = structlog.get_logger(__name__)

POLL_S = 0.5
COMMIT_EVERY_S = 0.2
JOIN_RETRY_S = 1.0


@dataclass(frozen=True)
class Consumption:
    """What a worker reads and how patient it is. ``hand_over_s`` is how long a revoked partition may finish its record."""

    group: str
    topics: Sequence[Topic]
    patience: Patience = field(default_factory=Patience)
    limits: BurialLimits = field(default_factory=BurialLimits)
    hand_over_s: float = 5.0


@dataclass
class Counters:
    """What a worker has done since it was made; services show them as metrics."""

    handled: int = 0
    ignored: int = 0
    duplicates: int = 0
    retried: int = 0
    dead_lettered: int = 0
    rebalances: int = 0


class Worker:
    """One member of a consumer group with its table of handlers. Run it by ``tasks.spawn(name, worker.run)``."""

    def __init__(
        self, bus: Bus, consumption: Consumption, handlers: Handlers, clock: Clock, inbox: Inbox | None = None
    ) -> None:
        self.counters = Counters()
        self._bus = bus
        self._settings = consumption
        self._handlers = handlers
        self._clock = clock
        self._inbox = inbox or MemoryInbox()
        self._dead = DeadLetters(bus, consumption.group)
        self._burials = Burials(consumption.limits)
        self._tasks = Tasks()
        self._lanes: dict[Partition, tuple[Lane, asyncio.Task[None]]] = {}
        self._committed: dict[Partition, int] = {}
        self._stuck: dict[Partition, str] = {}
        self._consumer: Consumer | None = None
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()

    @property
    def problem(self) -> str:
        """Why health should be red; "" when all is well."""
        if self._consumer is None:
            return f"not joined to group {self._settings.group}"
        waiting = "; ".join(f"{p.topic}/{p.number} waits: {why}" for p, why in sorted(self._stuck.items()))
        return self._burials.problem or waiting

    @property
    def is_healthy(self) -> bool:
        """Joined, nothing stuck, dead letters within their limits."""
        return not self.problem

    @property
    def assigned(self) -> frozenset[Partition]:
        """The partitions worked here now."""
        return frozenset(self._lanes)

    def lag(self) -> dict[Partition, int]:
        """Per partition the records not yet handled, as far as known."""
        behind = self._consumer.lag() if self._consumer else {}
        return {p: behind.get(p, 0) + lane.waiting for p, (lane, _) in self._lanes.items()}

    async def run(self) -> None:
        """Consume until stopped or cancelled; records in hand are finished and committed before it returns."""
        self._ended.clear()
        try:
            while not self._stopping.is_set():
                await self._consume()
        finally:
            self._ended.set()

    async def stop(self) -> None:
        """End ``run`` in good order and wait for it."""
        self._stopping.set()
        await self._ended.wait()

    async def on_assigned(self, partitions: frozenset[Partition]) -> None:
        """Called by the consumer: a lane for each partition."""
        self.counters.rebalances += 1
        for place in partitions - self._lanes.keys():
            lane = Lane(place, self._process)
            self._lanes[place] = (
                lane,
                self._tasks.once(f"{self._settings.group} {place.topic}/{place.number}", lane.run()),
            )
        log.info(
            "partitions_assigned",
            group=self._settings.group,
            partitions=[f"{p.topic}/{p.number}" for p in sorted(partitions)],
        )

    async def on_revoked(self, partitions: frozenset[Partition]) -> None:
        """Called by the consumer: finish the records in hand, commit, forget."""
        closing = {p: self._lanes[p] for p in partitions if p in self._lanes}
        for lane, _ in closing.values():
            lane.finish()
        running = [task for _, task in closing.values() if not task.done()]
        if running:
            _, late = await asyncio.wait(running, timeout=self._settings.hand_over_s)
            for task in late:
                task.cancel()
            if late:
                log.warning("handlers_cut_short", group=self._settings.group, count=len(late))
                await asyncio.wait(late)
        await self._commit()
        for place in closing:
            del self._lanes[place]
            self._committed.pop(place, None)
            self._stuck.pop(place, None)

    async def _consume(self) -> None:
        consumer = self._bus.consumer(self._settings.group, [t.name for t in self._settings.topics], self)
        try:
            await consumer.start()
            self._consumer = consumer
            await self._poll_until_stopped(consumer)
        except (BusDown, NotFound) as error:
            log.warning("bus_lost", group=self._settings.group, error=str(error))
            await self._clock.sleep(JOIN_RETRY_S)
        finally:
            await consumer.stop()
            self._consumer = None

    async def _poll_until_stopped(self, consumer: Consumer) -> None:
        loop = asyncio.get_running_loop()
        commit_at = loop.time()
        while not self._stopping.is_set():
            for record in await consumer.poll(POLL_S):
                if record.place in self._lanes:
                    self._lanes[record.place][0].add([record])
            self._balance(consumer)
            if loop.time() >= commit_at:
                await self._commit()
                commit_at = loop.time() + COMMIT_EVERY_S

    def _balance(self, consumer: Consumer) -> None:
        changed: dict[bool, set[Partition]] = defaultdict(set)
        for place, (lane, _) in self._lanes.items():
            if lane.is_full != lane.is_paused:
                lane.is_paused = not lane.is_paused
                changed[lane.is_paused].add(place)
        if changed[True]:
            consumer.pause(frozenset(changed[True]))
        if changed[False]:
            consumer.resume(frozenset(changed[False]))

    async def _commit(self) -> None:
        if self._consumer is None:
            return
        done = {p: lane.next_offset for p, (lane, _) in self._lanes.items() if lane.next_offset is not None}
        fresh = {p: o for p, o in done.items() if self._committed.get(p) != o}
        if not fresh:
            return
        try:
            await self._consumer.commit(fresh)
        except BusDown as error:
            # they will be delivered again, and known by their ids
            log.warning("commit_failed", group=self._settings.group, error=str(error))
        else:
            self._committed.update(fresh)

    async def _process(self, record: Record) -> None:
        attempt = 0
        while True:
            attempt += 1
            try:
                await self._handle(record)
            except Exception as error:
                verdict = judge(error, attempt, self._settings.patience)
            else:
                break
            if isinstance(verdict, Bury):
                await self._bury(record, verdict.reason)
                break
            self.counters.retried += 1
            self._stuck[record.place] = verdict.reason
            log.warning("message_waits", reason=verdict.reason, attempt=attempt, **_place(record))
            await self._clock.sleep(verdict.delay_s)
        self._stuck.pop(record.place, None)

    async def _handle(self, record: Record) -> None:
        kind = record.headers.get(TYPE_HEADER)
        if record.value is None or (kind is not None and self._handlers.find(kind) is None):
            self.counters.ignored += 1
            return
        received = received_from(record)
        handle = self._handlers.find(received.event.type)
        if handle is None:
            self.counters.ignored += 1
        elif await self._inbox.has(received.event.id):
            self.counters.duplicates += 1
        else:
            await handle(received.event.data, received)
            await self._inbox.remember(received.event.id)
            self.counters.handled += 1
            self._burials.note(buried=False)

    async def _bury(self, record: Record, reason: str) -> None:
        log.error("message_buried", reason=reason, group=self._settings.group, **_place(record))
        attempt = 0
        while True:
            attempt += 1
            try:
                await self._dead.bury(record, reason)
            except Unavailable as error:
                self._stuck[record.place] = str(error)
                await self._clock.sleep(self._settings.patience.delay_s(attempt))
            else:
                break
        self.counters.dead_lettered += 1
        self._burials.note(buried=True)


def _place(record: Record) -> dict[str, str | int]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
