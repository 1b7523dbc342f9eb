"""Reading from Kafka: as a member of a consumer group, and without a group by explicit positions."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError

from ipcc.bus.kafka_assignment import StayingAssignor
from ipcc.bus.kafka_link import KafkaSettings, close_quietly, errors_translated, partitions_of
from ipcc.bus.port import BEGINNING, END, Listener, Partition, Record, Start
from ipcc.contracts.topics import TOPICS

log = structlog.get_logger(__name__)

POLL_LIMIT = 500
FOLLOW_POLL_MS = 1_000
JOIN_SLACK_S = 10.0
# long handlers are the worker's affair: it polls all the time, whatever its lanes do
MAX_POLL_INTERVAL_MS = 24 * 3600 * 1000


def record_of(found: Any, prefix: str) -> Record:
    """A record of the Kafka library as ours. Bytes that are not UTF-8 are kept readable, never refused."""
    return Record(
        topic=found.topic.removeprefix(prefix),
        partition=found.partition,
        offset=found.offset,
        key=(found.key or b"").decode(errors="replace"),
        value=found.value,
        headers={name: (value or b"").decode(errors="replace") for name, value in found.headers},
        time=datetime.fromtimestamp(found.timestamp / 1000, UTC),
    )


class _Relay(ConsumerRebalanceListener):  # type: ignore[misc]
    """The library's rebalance callbacks, with our names."""

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self._consumer.lose()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        await self._consumer.gain(assigned)


class KafkaConsumer:
    """A group member with sticky assignment. Reads only what was committed by its writer."""

    def __init__(self, settings: KafkaSettings, group: str, topics: Sequence[str], listener: Listener) -> None:
        self._settings = settings
        self._group = group
        self._topics = topics
        self._listener = listener
        self._assigned: frozenset[Partition] = frozenset()
        self._client: AIOKafkaConsumer | None = None
        # the assignor keeps its memory on the class: each consumer needs a class of its own
        stays = any(topic.stays for topic in TOPICS if topic.name in topics)
        self._assignor: Any = type("Sticky", (StayingAssignor if stays else StickyPartitionAssignor,), {})

    @property
    def assigned(self) -> frozenset[Partition]:
        return self._assigned

    async def start(self) -> None:
        patience_s = self._settings.rebalance_timeout_s + JOIN_SLACK_S
        self._client = client = self._new_client(patience_s)
        client.subscribe([self._settings.prefix + t for t in self._topics], listener=_Relay(self))
        with errors_translated(self._settings, f"join group {self._group}"):
            async with asyncio.timeout(patience_s):
                await client.start()

    async def poll(self, wait_s: float) -> list[Record]:
        client = self._started()
        with errors_translated(self._settings, f"read as {self._group}"):
            found = await client.getmany(timeout_ms=int(wait_s * 1000), max_records=POLL_LIMIT)
        return [record_of(r, self._settings.prefix) for records in found.values() for r in records]

    def pause(self, partitions: frozenset[Partition]) -> None:
        self._started().pause(*self._theirs(partitions & self._assigned))

    def resume(self, partitions: frozenset[Partition]) -> None:
        self._started().resume(*self._theirs(partitions & self._assigned))

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        ours = {self._their(p): o for p, o in offsets.items() if p in self._assigned}
        if not ours:
            return
        with errors_translated(self._settings, f"commit as {self._group}"):
            async with asyncio.timeout(self._settings.send_timeout_s):
                await self._commit(ours)

    async def holds(self, partition: Partition) -> bool:
        client = self._client
        # one that is in no group commits for nobody, and an empty group would take it
        if client is None or partition not in self._assigned or client._coordinator.generation < 1:
            return False
        with errors_translated(self._settings, f"ask group {self._group}"):
            async with asyncio.timeout(self._settings.send_timeout_s):
                return await self._commit({self._their(partition): 0})

    def lag(self) -> dict[Partition, int]:
        if self._client is None:
            return {}
        found = {}
        for place in self._assigned:
            state = self._client._subscription.subscription.assignment.state_value(self._their(place))
            if state is not None and state.has_valid_position and state.highwater is not None:
                found[place] = max(0, state.highwater - state.position)
        return found

    async def stop(self) -> None:
        await self.lose()
        client, self._client = self._client, None
        if client is not None:
            await close_quietly(client, f"consumer {self._group}")

    async def lose(self) -> None:
        """Everything is revoked; the listener may still commit."""
        if self._assigned:
            await self._listener.on_revoked(self._assigned)
        self._assigned = frozenset()

    async def gain(self, assigned: set[TopicPartition]) -> None:
        """These are ours."""
        # the library never tells it: of two members that claim the same, the one that slept would be believed as well
        self._assignor.on_generation_assignment(self._started()._coordinator.generation)
        self._assigned = frozenset(
            Partition(t.topic.removeprefix(self._settings.prefix), t.partition) for t in assigned
        )
        await self._listener.on_assigned(self._assigned)

    async def _commit(self, offsets: dict[TopicPartition, int]) -> bool:
        try:
            await self._started().commit(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            # the group went on without us: whoever has the partitions now reads these records again
            log.info("commit_dropped", group=self._group, reason=str(error))
            return False
        return True

    def _new_client(self, patience_s: float) -> AIOKafkaConsumer:
        settings = self._settings
        return AIOKafkaConsumer(
            **settings.connection(),
            group_id=settings.prefix + self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            partition_assignment_strategy=(self._assignor,),
            session_timeout_ms=int(settings.session_timeout_s * 1000),
            heartbeat_interval_ms=int(settings.session_timeout_s * 1000 / 4),
            rebalance_timeout_ms=int(settings.rebalance_timeout_s * 1000),
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
            request_timeout_ms=int(patience_s * 1000),
        )

    def _started(self) -> AIOKafkaConsumer:
        if self._client is None:
            raise RuntimeError("the consumer has not been started")
        return self._client

    def _their(self, place: Partition) -> TopicPartition:
        return TopicPartition(self._settings.prefix + place.topic, place.number)

    def _theirs(self, places: frozenset[Partition]) -> list[TopicPartition]:
        return [self._their(p) for p in places]


class KafkaReader:
    """Reads explicit partitions; waits out a broker that is away."""

    def __init__(
        self, settings: KafkaSettings, topic: str, start: Start, partitions: Sequence[int] | None, *, ends: bool
    ) -> None:
        self._settings = settings
        self._topic = settings.prefix + topic
        self._start = start
        self._wanted = partitions
        self._ends = ends
        self._limits: dict[TopicPartition, int] = {}
        self._found: deque[Record] = deque()
        self._client: AIOKafkaConsumer | None = None
        self.positions: dict[int, int] = {}

    async def __aenter__(self) -> Self:
        self._client = client = AIOKafkaConsumer(
            **self._settings.connection(),
            group_id=None,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            request_timeout_ms=self._settings.request_timeout_ms,
        )
        try:
            with errors_translated(self._settings, f"read {self._topic}"):
                async with asyncio.timeout(self._settings.send_timeout_s):
                    await client.start()
                    await self._take_position(client)
        except BaseException:
            await close_quietly(client, f"reader of {self._topic}")
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await close_quietly(self._client, f"reader of {self._topic}")

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Record:
        if self._client is None:
            raise RuntimeError("open the reader with async with")
        while not self._found:
            if self._ends and await self._is_over(self._client):
                self.positions.update({t.partition: end for t, end in self._limits.items()})
                raise StopAsyncIteration
            with errors_translated(self._settings, f"read {self._topic}"):
                found = await self._client.getmany(timeout_ms=FOLLOW_POLL_MS, max_records=POLL_LIMIT)
            for place, records in found.items():
                end = self._limits.get(place)
                self._found.extend(
                    record_of(r, self._settings.prefix) for r in records if end is None or r.offset < end
                )
        record = self._found.popleft()
        self.positions[record.partition] = record.offset + 1
        return record

    async def _take_position(self, client: AIOKafkaConsumer) -> None:
        known = await partitions_of(client._client, self._topic)
        places = [TopicPartition(self._topic, n) for n in sorted(known if self._wanted is None else self._wanted)]
        client.assign(places)
        first = await self._first_offsets(client, places)
        for place, offset in first.items():
            client.seek(place, offset)
        self.positions = {place.partition: offset for place, offset in first.items()}
        if self._ends:
            self._limits = await client.end_offsets(places)

    async def _first_offsets(self, client: AIOKafkaConsumer, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        start = self._start
        if start == END:
            return dict(await client.end_offsets(places))
        beginning: dict[TopicPartition, int] = await client.beginning_offsets(places)
        if start == BEGINNING:
            return beginning
        if isinstance(start, Mapping):
            return {p: start.get(p.partition, beginning[p]) for p in places}
        if isinstance(start, datetime):
            # in this order: what is written in between must not lie before an end that is asked for later
            ends = await client.end_offsets(places)
            at = await client.offsets_for_times(dict.fromkeys(places, int(start.timestamp() * 1000)))
            return {p: at[p].offset if at.get(p) else ends[p] for p in places}
        raise ValueError(f"not a place to start: {start!r}")

    async def _is_over(self, client: AIOKafkaConsumer) -> bool:
        # positions, not records: the last offsets may be compacted away or be marks of transactions
        for place, end in self._limits.items():
            if await client.position(place) < end:
                return False
        return True
