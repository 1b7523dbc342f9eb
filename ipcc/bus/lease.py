"""Ownership of work by Kafka partition: each partition of a small topic belongs to one member of a group.

A new owner writes a claim to its partition, and the claim's offset is its epoch: it grows with every change of owner. An owner
that was stopped for long may believe in its lease a little longer than the group does; what it must not do then, it does through
``Bus.fenced``, which refuses everyone but the newest.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

import orjson
import structlog

from ipcc.bus.port import Bus, Consumer, Message, Partition, partition_of
from ipcc.clock import Clock
from ipcc.contracts.topics import Topic
from ipcc.errors import BusDown, NotFound

log = structlog.get_logger(__name__)

POLL_S = 0.5
RETRY_S = 1.0
ASK_AGAIN_S = 0.1


@dataclass(frozen=True)
class Tenure:
    """One stretch of ownership of one partition. A later one has the higher epoch."""

    partition: int
    epoch: int


class Holder(Protocol):
    """Who is told. Both calls must be short and must not raise: start tasks for what takes long."""

    async def acquired(self, tenure: Tenure) -> None:
        """The partition is ours."""

    async def lost(self, tenure: Tenure) -> None:
        """It is no longer ours, or the group cannot be reached to know."""


class Lease:
    """One candidate for the partitions of ``topic``. Run it by ``tasks.spawn(name, lease.run)``; cancelling gives all back.

    A rebalance that leaves a partition where it was is not seen by the holder. While the broker is down all is kept, since
    nobody else can get it then.
    """

    def __init__(self, bus: Bus, topic: Topic, instance: str, holder: Holder, clock: Clock) -> None:
        self._bus = bus
        self._topic = topic
        self._instance = instance
        self._holder = holder
        self._clock = clock
        self._wanted: frozenset[int] = frozenset()
        self._held: dict[int, Tenure] = {}
        self._renounced: set[int] = set()
        self._changed = asyncio.Event()
        self.consumer: Consumer | None = None  # our place in the group

    @property
    def held(self) -> dict[int, Tenure]:
        """Our tenures by partition."""
        return dict(self._held)

    def tenure_of(self, name: str) -> Tenure | None:
        """Our tenure of the partition that ``name`` (a node, domain, campaign) falls in; None when it is not ours."""
        return self._held.get(partition_of(name, self._topic.partitions))

    async def confirms(self, tenure: Tenure) -> bool:
        """Whether the group itself still counts a tenure as ours: whoever stood still may have lost it. Raises BusDown."""
        return self._held.get(tenure.partition) == tenure and await self._is_ours(tenure.partition)

    def renounce(self, tenure: Tenure) -> None:
        """Give a tenure up, such as after Fenced; if the group still counts the partition as ours it is claimed anew."""
        if self._held.get(tenure.partition) == tenure:
            self._changed.set()
            self._renounced.add(tenure.partition)

    async def run(self) -> None:
        """Take part until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._take_part())
                group.create_task(self._keep_told())
        finally:
            for tenure in list(self._held.values()):
                await self._lose(tenure)

    async def on_assigned(self, partitions: frozenset[Partition]) -> None:
        """Called by the consumer. The claims are written elsewhere: the group does not wait for them."""
        self._wanted = frozenset(p.number for p in partitions)
        self._changed.set()

    async def on_revoked(self, partitions: frozenset[Partition]) -> None:
        """Called by the consumer. Nobody else has them before the next assignment, which decides."""

    async def _take_part(self) -> None:
        while True:
            self.consumer = consumer = self._bus.consumer(f"lease.{self._topic.name}", [self._topic.name], self)
            try:
                await consumer.start()
                while True:
                    await consumer.poll(POLL_S)
            except (BusDown, NotFound) as error:
                log.warning("lease_waits", topic=self._topic.name, error=str(error))
                await self._clock.sleep(RETRY_S)
            finally:
                await consumer.stop()
                # out of the group: others may have them from now on
                self._wanted = frozenset()
                self._changed.set()

    async def _keep_told(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            for tenure in list(self._held.values()):
                if tenure.partition not in self._wanted or tenure.partition in self._renounced:
                    await self._lose(tenure)
            self._renounced.clear()
            for number in sorted(self._wanted - self._held.keys()):
                await self._claim(number)

    async def _is_ours(self, number: int) -> bool:
        return self.consumer is not None and await self.consumer.holds(Partition(self._topic.name, number))

    async def _claim(self, number: int) -> None:
        about = orjson.dumps({"owner": self._instance, "at": self._clock.now()})
        try:
            if not await self._is_ours(number):
                # a rebalance is under way, or we were forgotten and shall hear of it
                await self._clock.sleep(ASK_AGAIN_S)
                self._changed.set()
                return
            position = await self._bus.send(Message(self._topic.name, str(number), about, partition=number))
        except (BusDown, NotFound) as error:
            log.warning("claim_failed", topic=self._topic.name, partition=number, error=str(error))
            await self._clock.sleep(RETRY_S)
            self._changed.set()
            return
        if number in self._wanted:
            tenure = Tenure(number, position.offset)
            self._held[number] = tenure
            log.info("lease_acquired", topic=self._topic.name, partition=number, epoch=tenure.epoch)
            await self._holder.acquired(tenure)

    async def _lose(self, tenure: Tenure) -> None:
        del self._held[tenure.partition]
        log.info("lease_lost", topic=self._topic.name, partition=tenure.partition, epoch=tenure.epoch)
        await self._holder.lost(tenure)
