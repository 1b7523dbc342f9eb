"""One bench for every bus: makes buses on one broker, breaks the broker, kills members, so that one test runs on all of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from ipcc.bus.kafka import KafkaBus
from ipcc.bus.kafka_consumer import KafkaConsumer
from ipcc.bus.kafka_link import KafkaSettings
from ipcc.bus.memory import MemoryBroker, MemoryBus, MemoryConsumer
from ipcc.bus.port import BEGINNING, Bus, Consumer, Message, Partition, Record, Start
from ipcc.clock import Clock, FakeClock, SystemClock
from ipcc.contracts.topics import TOPICS, Topic
from ipcc.ids import new_id
from tests.support.kafka_broker import KafkaBroker

RAW = Topic("test.raw.v1", "tests", partitions=4)
LASTING = Topic("test.lasting.v1", "tests", partitions=2, compacted=True)
ALL_TOPICS = (*TOPICS, RAW, LASTING)


class Rig(Protocol):
    """The bench. Every test has a namespace of its own on the broker."""

    clock: Clock

    async def bus(self, topics: Sequence[Topic]) -> Bus:
        """One more bus, started, with ``topics`` in being."""

    async def new_bus(self, topics: Sequence[Topic]) -> Bus:
        """One more bus, started, whether there is a broker or not."""

    async def crash(self, consumer: Consumer) -> None:
        """End a group member as kill -9 ends its process."""

    def mute(self, consumer: Consumer) -> None:
        """Whatever ends this member next, it will say no good-bye to the group."""

    async def break_broker(self) -> None:
        """It dies."""

    async def mend_broker(self) -> None:
        """It comes back with its data."""

    async def freeze_broker(self) -> None:
        """It keeps its connections and answers nothing."""

    async def thaw_broker(self) -> None:
        """It goes on."""

    async def close(self) -> None:
        """Stop every bus."""


@dataclass
class MemoryRig:
    """On the in-process broker."""

    clock: Clock = field(default_factory=SystemClock)
    send_timeout_s: float = 5.0
    _broker: MemoryBroker | None = None

    @property
    def broker(self) -> MemoryBroker:
        """Made when first asked for: it needs a running loop."""
        self._broker = self._broker or MemoryBroker(self.clock, ALL_TOPICS)
        return self._broker

    async def bus(self, topics: Sequence[Topic]) -> Bus:
        return MemoryBus(self.broker, self.send_timeout_s)

    async def new_bus(self, topics: Sequence[Topic]) -> Bus:
        return await self.bus(topics)

    async def crash(self, consumer: Consumer) -> None:
        self.mute(consumer)

    def mute(self, consumer: Consumer) -> None:
        assert isinstance(consumer, MemoryConsumer)
        consumer.vanish()

    async def break_broker(self) -> None:
        self.broker.go_down()

    async def mend_broker(self) -> None:
        self.broker.come_back()

    freeze_broker = break_broker
    thaw_broker = mend_broker

    async def close(self) -> None:
        if self._broker is not None:
            await self._broker.stop()


@dataclass
class KafkaRig:
    """On a real broker."""

    broker: KafkaBroker
    clock: Clock = field(default_factory=SystemClock)
    send_timeout_s: float = 10.0
    prefix: str = field(default_factory=lambda: f"t{new_id()}.")
    _buses: list[KafkaBus] = field(default_factory=list)

    async def bus(self, topics: Sequence[Topic]) -> Bus:
        bus = self._make(topics)
        await bus.start()
        await bus.reached(20)
        return bus

    async def new_bus(self, topics: Sequence[Topic]) -> Bus:
        bus = self._make(topics)
        await bus.start()
        return bus

    async def crash(self, consumer: Consumer) -> None:
        self.mute(consumer)
        assert isinstance(consumer, KafkaConsumer)
        client, consumer._client = consumer._client, None
        assert client is not None
        await client.stop()

    def mute(self, consumer: Consumer) -> None:
        assert isinstance(consumer, KafkaConsumer)
        assert consumer._client is not None
        # a generation below one makes the library believe it is in no group, so that it says no good-bye
        consumer._client._coordinator.generation = -1

    async def break_broker(self) -> None:
        await asyncio.to_thread(self.broker.kill)

    async def mend_broker(self) -> None:
        await asyncio.to_thread(self.broker.start)

    async def freeze_broker(self) -> None:
        self.broker.freeze()

    async def thaw_broker(self) -> None:
        self.broker.thaw()

    async def close(self) -> None:
        for bus in self._buses:
            await bus.stop()

    def _make(self, topics: Sequence[Topic]) -> KafkaBus:
        settings = KafkaSettings(
            self.broker.address,
            prefix=self.prefix,
            send_timeout_s=self.send_timeout_s,
            session_timeout_s=2.0,
            rebalance_timeout_s=10.0,
        )
        bus = KafkaBus(settings, self.clock, topics)
        self._buses.append(bus)
        return bus


@dataclass
class Member:
    """A listener that writes down what it is told."""

    gained: list[frozenset[Partition]] = field(default_factory=list)
    lost: list[frozenset[Partition]] = field(default_factory=list)

    async def on_assigned(self, partitions: frozenset[Partition]) -> None:
        self.gained.append(partitions)

    async def on_revoked(self, partitions: frozenset[Partition]) -> None:
        self.lost.append(partitions)


async def everything(bus: Bus, topic: Topic, start: Start = BEGINNING) -> list[Record]:
    """All records of ``topic`` from ``start`` to its end now."""
    async with bus.replay(topic.name, start) as reader:
        return [record async for record in reader]


def raw(key: str, value: str = "x", partition: int | None = None) -> Message:
    """A message on RAW."""
    return Message(RAW.name, key, value.encode(), partition=partition)


@asynccontextmanager
async def polled(*consumers: Consumer) -> AsyncIterator[list[Record]]:
    """Polls ``consumers`` all the time, as a worker would; gives the records as they come."""
    found: list[Record] = []

    async def poll(consumer: Consumer) -> None:
        while True:
            found.extend(await consumer.poll(0.1))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(poll(c)) for c in consumers]
        try:
            yield found
        finally:
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task


def movable_clock() -> FakeClock:
    """A clock to be moved by hand that starts near the real time: brokers refuse records from another age."""
    return FakeClock(datetime.now(UTC).replace(microsecond=0))  # noqa: TID251
