"""Orders to ivr: each is heard by the replica that serves its call, whichever replica that is at the moment.

A consumer group on the command topic could give a call's orders to one replica and the call to another. So the owner of a
partition of the calls reads the same partition of the orders itself, from a little before he became the owner: what he hears
twice he has done once (usecases of lending), what expired nobody waits for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from ipcc.bus.dead_letters import DeadLetters
from ipcc.bus.events import received_from
from ipcc.bus.handlers import Handlers
from ipcc.bus.port import Bus, Record, Start
from ipcc.clock import Clock
from ipcc.contracts.topics import IVR_COMMAND
from ipcc.errors import InvalidMessage, IpccError, NotFound, Unavailable
from ipcc.tasks import Tasks

log = structlog.get_logger(__name__)

# what was ordered while nobody owned the partition; whoever gave the order waits seconds for its answer
BACK = timedelta(seconds=30)
RETRY_S = 1.0
LOOK_S = 0.2


class Orders:
    """Run it by ``tasks.spawn(name, orders.run)``. ``owned`` says which partitions are this replica's."""

    def __init__(self, bus: Bus, clock: Clock, tasks: Tasks, handlers: Handlers, owned: Callable[[], set[int]]) -> None:
        self._bus = bus
        self._clock = clock
        self._tasks = tasks
        self._handlers = handlers
        self._owned = owned
        self._readers: dict[int, asyncio.Task[None]] = {}
        self._in_turn: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Read the partitions that are ours, for ever."""
        try:
            while True:
                self._follow(self._owned())
                await self._clock.sleep(LOOK_S)
        finally:
            self._follow(set())

    def _follow(self, owned: set[int]) -> None:
        for partition in [p for p in self._readers if p not in owned]:
            self._readers.pop(partition).cancel()
        for partition in owned - self._readers.keys():
            # what is told from now on must not be missed, and what was told just before must be heard
            since = self._clock.now() - BACK
            self._readers[partition] = self._tasks.once(f"hear orders {partition}", self._read(partition, since))

    async def _read(self, partition: int, since: datetime) -> None:
        start: Start = since
        while True:
            try:
                async with self._bus.follow(IVR_COMMAND.name, start, [partition]) as reader:
                    async for record in reader:
                        await self._hear(record)
                        start = dict(reader.positions)
            except (Unavailable, NotFound) as error:
                log.warning("orders_not_heard", partition=partition, error=str(error))
                await self._clock.sleep(RETRY_S)

    async def _hear(self, record: Record) -> None:
        try:
            received = received_from(record)
        except InvalidMessage as error:
            log.error("message_buried", topic=record.topic, offset=record.offset, reason=error.message)
            await DeadLetters(self._bus, "ivr").bury(record, error.message)
            return
        handle = self._handlers.find(received.event.type)
        if handle is not None:
            # one caller's switch may be slow to answer: the orders of the others do not wait for it, his own do
            before = self._in_turn.get(record.key)
            work = self._carry_out(before, lambda: handle(received.event.data, received), record.partition)
            self._in_turn[record.key] = task = self._tasks.once(f"order {received.event.id}", work)
            task.add_done_callback(lambda done: self._forget(record.key, done))

    def _forget(self, key: str, done: asyncio.Task[None]) -> None:
        if self._in_turn.get(key) is done:
            del self._in_turn[key]

    async def _carry_out(
        self, before: asyncio.Task[None] | None, work: Callable[[], Awaitable[None]], partition: int
    ) -> None:
        if before is not None:
            await asyncio.wait({before})
        if partition not in self._owned():
            # not a word: whoever has the call now hears the order too, and answers it
            return
        try:
            await work()
        except IpccError as error:
            log.error("order_failed", error=str(error))
