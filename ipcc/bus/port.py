"""What every bus can do, at the level of raw records: small protocols, kept alike by memory.py and kafka.py.

Nothing here knows about events; see events.py for envelopes, worker.py for the consume loop.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Final, Literal, NamedTuple, Protocol, Self

from ipcc.contracts.topics import Topic
from ipcc.errors import IpccError

BEGINNING: Final = "beginning"
END: Final = "end"

# where reading starts: an end of the log, the first record at or after a time, or an offset for each partition
Start = Literal["beginning", "end"] | datetime | Mapping[int, int]


class Partition(NamedTuple):
    """One partition of one topic."""

    topic: str
    number: int


class Position(NamedTuple):
    """Where the broker put a record."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Message:
    """A record to be sent. ``value`` None is a tombstone: a compacted topic forgets the key.

    ``partition`` overrides the choice made from the key by ``partition_of``.
    """

    topic: str
    key: str
    value: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict)
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A record as the broker keeps it. ``time`` is when it was sent."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes | None
    headers: Mapping[str, str]
    time: datetime

    @property
    def place(self) -> Partition:
        """Its partition."""
        return Partition(self.topic, self.partition)


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the broker answers, since when that is so, and the last thing that went wrong ("" if nothing ever did)."""

    is_up: bool
    since: datetime
    last_error: str = ""


class Fenced(IpccError):
    """Somebody newer holds the same transactional id: nothing was written, and this producer can never write again."""

    status = 409

    def __init__(self, transactional_id: str) -> None:
        super().__init__("bus.fenced", f"a newer owner writes as {transactional_id}", transactional_id=transactional_id)


def partition_of(key: str, partitions: int) -> int:
    """The partition of ``key`` in a topic of that many: the same on every bus, so that topics of one width line up."""
    return zlib.crc32(key.encode()) % partitions


class Producer(Protocol):
    """Writes records."""

    async def send(self, message: Message) -> Position:
        """Write and return where, once every replica in sync has it; records of one key keep the order of the calls.

        Raises BusDown when the broker does not acknowledge in the bus's send time: whether it was written is then unknown.
        """


class FencedProducer(Protocol):
    """Writes batches, all or nothing, as the one live holder of a transactional id."""

    async def append(self, messages: Sequence[Message]) -> list[Position]:
        """Write all of ``messages`` or none. Raises Fenced when a newer holder exists, BusDown when the outcome is unknown.

        Any failure spends the producer: take a new one by ``Bus.fenced``, read what was written, and go on from there.
        """

    async def close(self) -> None:
        """Let go of it. Never raises."""


class Listener(Protocol):
    """Told when partitions of a group come and go. Every rebalance revokes all, then assigns anew."""

    async def on_assigned(self, partitions: frozenset[Partition]) -> None:
        """These are ours now, read from the committed offset on."""

    async def on_revoked(self, partitions: frozenset[Partition]) -> None:
        """These are no longer ours once this returns: finish and commit here."""


class Consumer(Protocol):
    """A member of a consumer group."""

    @property
    def assigned(self) -> frozenset[Partition]:
        """What is ours now."""

    async def start(self) -> None:
        """Join the group. Raises BusDown when the broker does not answer in time."""

    async def poll(self, wait_s: float) -> list[Record]:
        """What has arrived in our partitions, at least one record or nothing after ``wait_s``; none of a paused partition."""

    def pause(self, partitions: frozenset[Partition]) -> None:
        """Deliver nothing from these until resumed or assigned anew."""

    def resume(self, partitions: frozenset[Partition]) -> None:
        """Deliver again, from where it stopped."""

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Remember the next offset to read; those of partitions no longer ours are dropped. Raises BusDown."""

    async def holds(self, partition: Partition) -> bool:
        """Whether the group itself counts ``partition`` as ours: a member that stood still may have been forgotten and not know it.

        For members that commit nothing, such as leases: it is asked by committing. Raises BusDown.
        """

    def lag(self) -> dict[Partition, int]:
        """Per assigned partition the records not yet read, as far as the broker has told."""

    async def stop(self) -> None:
        """Tell the listener, then leave the group. Never raises."""


class Reader(Protocol):
    """Reads partitions without a group. Opened by ``async with``: raises BusDown, NotFound (no such topic).

    Once open it waits out a broker that goes away and continues behind the last record it gave.
    """

    @property
    def positions(self) -> dict[int, int]:
        """The next offset of every partition read, to go on from by ``follow``."""

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> Record: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Bus(Producer, Protocol):
    """One service's way to the broker."""

    async def start(self) -> None:
        """Begin to connect. Never fails for an absent broker: health says so and it connects as soon as there is one."""

    async def stop(self) -> None:
        """Flush and close all that is open."""

    @property
    def health(self) -> Health:
        """Whether the broker answers."""

    async def create_topics(self, topics: Sequence[Topic]) -> None:
        """Make those that do not exist yet. Raises BusDown."""

    async def fenced(self, transactional_id: str) -> FencedProducer:
        """Become the holder of ``transactional_id``; every earlier holder is fenced from now on. Raises BusDown."""

    def consumer(self, group: str, topics: Sequence[str], listener: Listener) -> Consumer:
        """A member of ``group``; a group with nothing committed starts at the beginning."""

    def replay(self, topic: str, start: Start, partitions: Sequence[int] | None = None) -> Reader:
        """From ``start`` to the end as it stands when opened; then the iteration is over."""

    def follow(self, topic: str, start: Start, partitions: Sequence[int] | None = None) -> Reader:
        """From ``start`` for ever."""
