"""A broker inside the process, for `ipcc up` and tests: partitions, groups, compaction, retention, fencing, and faults to order.

All services of one process share one MemoryBroker; each may have its own MemoryBus on it. One event loop only.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from ipcc.bus.memory_group import Member, MemoryGroup
from ipcc.bus.memory_log import PartitionLog
from ipcc.bus.port import (
    BEGINNING,
    END,
    Fenced,
    Health,
    Listener,
    Message,
    Partition,
    Position,
    Record,
    Start,
    partition_of,
)
from ipcc.clock import Clock
from ipcc.contracts.topics import TOPICS, Topic
from ipcc.errors import BusDown, IpccError, NotFound
from ipcc.ids import new_id
from ipcc.tasks import Tasks

POLL_LIMIT = 500


class MemoryBroker:
    """Topics and groups, kept for as long as the process lives."""

    def __init__(self, clock: Clock, topics: Sequence[Topic] = TOPICS) -> None:
        self.clock = clock
        self.epochs: dict[str, int] = {}
        self.slow_s = 0.0
        self._logs: dict[str, list[PartitionLog]] = {}
        self._groups: dict[str, MemoryGroup] = {}
        self._tasks = Tasks()
        self._health = Health(True, clock.now())
        self._up = asyncio.Event()
        self._up.set()
        self._waiting: dict[asyncio.Event, frozenset[str]] = {}
        self.add_topics(topics)

    @property
    def health(self) -> Health:
        """Down only when told to be."""
        return self._health

    def go_down(self, reason: str = "told to be down") -> None:
        """From now on nothing is answered."""
        self._up.clear()
        self._health = Health(False, self.clock.now(), reason)

    def come_back(self) -> None:
        """Answer again; nothing stored was lost."""
        self._health = Health(True, self.clock.now(), self._health.last_error)
        self._up.set()
        self.announce()

    async def stop(self) -> None:
        """End what runs in the background; the stored records stay."""
        await self._tasks.stop()

    async def reachable(self) -> None:
        """Return when the broker answers, after the delay it was given by ``slow_s``."""
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        await self._up.wait()

    def add_topics(self, topics: Sequence[Topic]) -> None:
        """Make those that do not exist yet."""
        for topic in topics:
            if topic.name not in self._logs:
                places = (Partition(topic.name, n) for n in range(topic.partitions))
                self._logs[topic.name] = [PartitionLog(topic, p) for p in places]

    def logs(self, topic: str) -> list[PartitionLog]:
        """The partitions of ``topic``. Raises NotFound."""
        try:
            return self._logs[topic]
        except KeyError:
            raise NotFound("bus.no_such_topic", f"there is no topic {topic}", topic=topic) from None

    def log(self, place: Partition) -> PartitionLog:
        """One partition."""
        return self.logs(place.topic)[place.number]

    def partitions(self, topic: str) -> list[Partition]:
        """All partitions of ``topic``; none when it does not exist."""
        return [log.place for log in self._logs.get(topic, ())]

    def group(self, name: str) -> MemoryGroup:
        """The group of that name, made when first asked for."""
        if name not in self._groups:
            self._groups[name] = MemoryGroup(name, self, self._tasks)
        return self._groups[name]

    def write(self, message: Message) -> Position:
        """Append at once and wake the readers."""
        logs = self.logs(message.topic)
        number = partition_of(message.key, len(logs)) if message.partition is None else message.partition
        record = logs[number].append(message, self.clock.now())
        self.announce(message.topic)
        return Position(number, record.offset)

    def announce(self, topic: str | None = None) -> None:
        """Wake those who wait for something new in ``topic``, or everyone."""
        for event, topics in self._waiting.items():
            if topic is None or topic in topics:
                event.set()

    async def wait_for_news(self, topics: frozenset[str], wait_s: float | None = None) -> None:
        """Return when something arrives in one of ``topics``, or after ``wait_s``."""
        event = asyncio.Event()
        self._waiting[event] = topics
        try:
            async with asyncio.timeout(wait_s):
                await event.wait()
        except TimeoutError:
            return
        finally:
            del self._waiting[event]


class MemoryBus:
    """The Bus on a MemoryBroker. ``send_timeout_s`` is how long a broker that is down is waited for."""

    def __init__(self, broker: MemoryBroker, send_timeout_s: float = 5.0) -> None:
        self.broker = broker
        self.send_timeout_s = send_timeout_s

    async def start(self) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Nothing to close."""

    @property
    def health(self) -> Health:
        return self.broker.health

    async def answered(self) -> None:
        """Return when the broker answers. Raises BusDown after the send time."""
        try:
            async with asyncio.timeout(self.send_timeout_s):
                await self.broker.reachable()
        except TimeoutError:
            why = self.broker.health.last_error or "slow"
            raise BusDown("bus.down", f"the in-process broker does not answer: {why}") from None

    async def send(self, message: Message) -> Position:
        self.broker.logs(message.topic)
        await self.answered()
        return self.broker.write(message)

    async def create_topics(self, topics: Sequence[Topic]) -> None:
        await self.answered()
        self.broker.add_topics(topics)

    async def fenced(self, transactional_id: str) -> MemoryFencedProducer:
        await self.answered()
        epoch = self.broker.epochs.get(transactional_id, 0) + 1
        self.broker.epochs[transactional_id] = epoch
        return MemoryFencedProducer(self, transactional_id, epoch)

    def consumer(self, group: str, topics: Sequence[str], listener: Listener) -> MemoryConsumer:
        return MemoryConsumer(self, group, Member(new_id(), tuple(topics), listener))

    def replay(self, topic: str, start: Start, partitions: Sequence[int] | None = None) -> MemoryReader:
        return MemoryReader(self, topic, start, partitions, ends=True)

    def follow(self, topic: str, start: Start, partitions: Sequence[int] | None = None) -> MemoryReader:
        return MemoryReader(self, topic, start, partitions, ends=False)


class MemoryFencedProducer:
    """Batches under an epoch: the broker refuses any epoch but the newest."""

    def __init__(self, bus: MemoryBus, transactional_id: str, epoch: int) -> None:
        self._bus = bus
        self._id = transactional_id
        self._epoch = epoch
        self._spent: IpccError | None = None

    async def append(self, messages: Sequence[Message]) -> list[Position]:
        if self._spent is not None:
            raise self._spent
        try:
            await self._check(messages)
        except IpccError as error:
            self._spent = error
            raise
        return [self._bus.broker.write(message) for message in messages]

    async def close(self) -> None:
        """Nothing is held."""

    async def _check(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self._bus.broker.logs(message.topic)
        await self._bus.answered()
        if self._bus.broker.epochs[self._id] != self._epoch:
            raise Fenced(self._id)


class MemoryConsumer:
    """A member of a MemoryGroup."""

    def __init__(self, bus: MemoryBus, group: str, member: Member) -> None:
        self._bus = bus
        self._broker = bus.broker
        self._group = bus.broker.group(group)
        self._member = member

    @property
    def assigned(self) -> frozenset[Partition]:
        return self._member.assigned

    async def start(self) -> None:
        await self._bus.answered()
        await self._group.join(self._member)

    async def poll(self, wait_s: float) -> list[Record]:
        found = await self._read()
        if not found:
            await self._broker.wait_for_news(frozenset(self._member.topics), wait_s)
            found = await self._read()
        return found

    def pause(self, partitions: frozenset[Partition]) -> None:
        self._member.paused |= partitions

    def resume(self, partitions: frozenset[Partition]) -> None:
        self._member.paused -= partitions
        self._broker.announce()

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        await self._bus.answered()
        self._group.commit(self._member, offsets)

    async def holds(self, partition: Partition) -> bool:
        await self._bus.answered()
        return partition in self._member.assigned

    def lag(self) -> dict[Partition, int]:
        return {p: self._broker.log(p).end - o for p, o in self._member.positions.items() if p in self.assigned}

    async def stop(self) -> None:
        if self.assigned:
            await self._member.listener.on_revoked(self.assigned)
        self._group.leave(self._member)

    def vanish(self) -> None:
        """Leave as a killed process does: nobody on this side is told anything (for tests)."""
        self._group.leave(self._member)

    async def _read(self) -> list[Record]:
        if not self._broker.health.is_up:
            return []
        if self._broker.slow_s:
            await self._broker.reachable()
        found: list[Record] = []
        for place in sorted(self.assigned - self._member.paused):
            records = self._broker.log(place).read(self._member.positions[place], POLL_LIMIT)
            if records:
                self._member.positions[place] = records[-1].offset + 1
                found += records
        return found


class MemoryReader:
    """Reads partitions of a MemoryBroker without a group."""

    def __init__(
        self, bus: MemoryBus, topic: str, start: Start, partitions: Sequence[int] | None, *, ends: bool
    ) -> None:
        self._bus = bus
        self._topic = topic
        self._start = start
        self._wanted = partitions
        self._ends = ends
        self._limits: dict[int, int] = {}
        self._found: deque[Record] = deque()
        self.positions: dict[int, int] = {}

    async def __aenter__(self) -> Self:
        await self._bus.answered()
        logs = self._bus.broker.logs(self._topic)
        wanted = range(len(logs)) if self._wanted is None else self._wanted
        self.positions = {n: _first_offset(logs[n], self._start) for n in wanted}
        if self._ends:
            self._limits = {n: logs[n].end for n in wanted}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._found.clear()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Record:
        while not self._found:
            self._found.extend(await self._fetch())
            if self._found:
                break
            if self._ends and self._bus.health.is_up:
                self.positions.update(self._limits)
                raise StopAsyncIteration
            await self._bus.broker.wait_for_news(frozenset((self._topic,)))
        record = self._found.popleft()
        self.positions[record.partition] = record.offset + 1
        return record

    async def _fetch(self) -> list[Record]:
        if not self._bus.health.is_up:
            return []
        if self._bus.broker.slow_s:
            await self._bus.broker.reachable()
        logs = self._bus.broker.logs(self._topic)
        found = [logs[n].read(o, POLL_LIMIT, self._limits.get(n)) for n, o in self.positions.items()]
        return sorted((r for records in found for r in records), key=lambda r: (r.time, r.partition, r.offset))


def _first_offset(log: PartitionLog, start: Start) -> int:
    if isinstance(start, datetime):
        return log.offset_at(start)
    if isinstance(start, Mapping):
        return start.get(log.place.number, log.beginning)
    return {BEGINNING: log.beginning, END: log.end}[start]
