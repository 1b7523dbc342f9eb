"""Sending to Kafka: the ordinary producer, shared by a process, and the fenced one, one per ownership."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerFenced
from aiokafka.structs import TopicPartition

from ipcc.bus.kafka_link import KafkaSettings, close_quietly, errors_translated, partitions_of
from ipcc.bus.kafka_sender import quicken
from ipcc.bus.port import Fenced, Message, Position, partition_of
from ipcc.clock import Clock
from ipcc.errors import BusDown, IpccError
from ipcc.tasks import Tasks

log = structlog.get_logger(__name__)

CONNECT_RETRY_S = 0.2
TRANSACTION_TIMEOUT_MS = 15_000
# well below it: a transaction opened ahead and not needed for so long is ended
AHEAD_S = 5.0


def _choose(key: bytes, everything: list[int], available: list[int]) -> int:
    return partition_of(key.decode(), len(everything))


def new_client(settings: KafkaSettings, transactional_id: str | None = None) -> AIOKafkaProducer:
    """A producer of the Kafka library, not yet started: acknowledged by all replicas in sync, idempotent."""
    return AIOKafkaProducer(
        **settings.connection(),
        acks="all",
        enable_idempotence=True,
        partitioner=_choose,
        request_timeout_ms=settings.request_timeout_ms,
        transactional_id=transactional_id,
        **({"transaction_timeout_ms": TRANSACTION_TIMEOUT_MS} if transactional_id else {}),
    )


def arguments_of(message: Message, settings: KafkaSettings, clock: Clock) -> dict[str, Any]:
    """``message`` as the library's send wants it."""
    return {
        "topic": settings.prefix + message.topic,
        "key": message.key.encode(),
        "value": message.value,
        "partition": message.partition,
        "timestamp_ms": int(clock.now().timestamp() * 1000),
        "headers": [(name, value.encode()) for name, value in message.headers.items()],
    }


class KafkaProducer:
    """Connects at the first send and again whenever the library's producer has died."""

    def __init__(self, settings: KafkaSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._client: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()
        self._entering: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def send(self, message: Message) -> Position:
        """See port.Producer. Raises BusDown, NotFound, Invalid (too large)."""
        with errors_translated(self._settings, f"send to {message.topic}"):
            async with asyncio.timeout(self._settings.send_timeout_s):
                sent = await self._enqueue(message)
                # shielded: giving up waiting must not touch the batch others wait for
                placed = await asyncio.shield(sent)
        return Position(placed.partition, placed.offset)

    async def close(self) -> None:
        """Flush and close."""
        client, self._client = self._client, None
        if client is not None:
            await close_quietly(client, "producer")

    async def _enqueue(self, message: Message) -> asyncio.Future[Any]:
        # one at a time per topic: the library lets those overtake each other that wait for a topic's metadata or for room
        async with self._entering[message.topic]:
            client = await self._ready()
            await partitions_of(client.client, self._settings.prefix + message.topic)
            sent: asyncio.Future[Any] = await client.send(**arguments_of(message, self._settings, self._clock))
        sent.add_done_callback(_mark_seen)
        return sent

    async def _ready(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._client is not None and _is_dead(self._client):
                await self.close()
            while self._client is None:
                self._client = await self._connect()
        return self._client

    async def _connect(self) -> AIOKafkaProducer | None:
        client = new_client(self._settings)
        try:
            await client.start()
        except (KafkaError, OSError) as error:
            log.info("producer_waits", error=str(error) or repr(error))
            await close_quietly(client, "producer")
            await asyncio.sleep(CONNECT_RETRY_S)
            return None
        except asyncio.CancelledError:
            await close_quietly(client, "producer")
            raise
        return client


@dataclass
class _Entry:
    """One append that waits for its transaction."""

    messages: Sequence[Message]
    done: bool = False
    positions: list[Position] = field(default_factory=list)
    error: IpccError | None = None

    def finish(self, positions: list[Position], error: IpccError | None) -> None:
        """Its transaction is over."""
        self.done, self.positions, self.error = True, positions, error


class KafkaFencedProducer:
    """A transactional producer: appends that come together share a transaction. Any failure spends it.

    The next transaction is opened as soon as one is over, with the partitions of the last: an append then costs two round trips
    instead of three, and does not wait for the end of the one before. One that nobody needs for a while is ended again, since the
    broker would spend its writer for leaving it open.
    """

    def __init__(self, settings: KafkaSettings, clock: Clock, transactional_id: str) -> None:
        self._settings = settings
        self._clock = clock
        self._id = transactional_id
        self._client = quicken(new_client(settings, settings.prefix + transactional_id))
        self._writing = asyncio.Lock()
        self._queue: list[_Entry] = []
        self._spent: IpccError | None = None
        self._tasks = Tasks()
        self.is_ahead = False
        self._appends = 0
        self.is_closed = False

    async def start(self) -> None:
        """Take the id over. Raises BusDown."""
        try:
            with errors_translated(self._settings, f"become the writer {self._id}"):
                async with asyncio.timeout(self._settings.send_timeout_s):
                    await self._client.start()
        except (BusDown, asyncio.CancelledError):
            await self.close()
            raise

    async def append(self, messages: Sequence[Message]) -> list[Position]:
        entry = _Entry(messages)
        self._queue.append(entry)
        async with self._writing:
            # who comes first writes for all that queued up meanwhile: one transaction costs several round trips
            if not entry.done:
                queue, self._queue = self._queue, []
                await self._write(queue)
        if entry.error is not None:
            raise entry.error
        return entry.positions

    async def close(self) -> None:
        self.is_closed = True
        await self._tasks.stop()
        await close_quietly(self._client, f"producer {self._id}")

    async def _write(self, entries: Sequence[_Entry]) -> None:
        outcome_unknown = BusDown("bus.down", f"append as {self._id} was cut short")
        error: IpccError | None = self._spent or outcome_unknown
        positions: list[Position] = []
        try:
            if self._spent is None:
                with errors_translated(self._settings, f"append as {self._id}"):
                    async with asyncio.timeout(self._settings.send_timeout_s):
                        positions = await self._transact([m for e in entries for m in e.messages])
                error = None
        except IpccError as failure:
            error = failure
        finally:
            self._spent = error
            for entry in entries:
                entry.finish(positions[: len(entry.messages)], error)
                del positions[: len(entry.messages)]

    async def _transact(self, messages: Sequence[Message]) -> list[Position]:
        try:
            await self._begin()
            sent = [await self._enqueue(message) for message in messages]
            await self._client.commit_transaction()
        except ProducerFenced as error:
            raise Fenced(self._id) from error
        await self._look_ahead({f.result().topic_partition for f in sent})
        return [Position(f.result().partition, f.result().offset) for f in sent]

    async def _begin(self) -> None:
        self._appends += 1
        if not self.is_ahead:
            await self._client.begin_transaction()
            # read whether or not the append is still waiting when the transaction fails
            self._client._txn_manager.wait_for_transaction_end().add_done_callback(_mark_seen)
        self.is_ahead = False

    async def _look_ahead(self, partitions: set[TopicPartition]) -> None:
        """Open the next transaction with the ``partitions`` of this one; its sender adds them in the background."""
        appends = self._appends
        await self._begin()
        self.is_ahead, self._appends = True, appends
        for place in partitions:
            self._client._txn_manager.maybe_add_partition_to_txn(place)
        asyncio.get_running_loop().call_later(AHEAD_S, self._end_if_idle, appends)

    def _end_if_idle(self, appends: int) -> None:
        if self._appends == appends and not self.is_closed:
            self._tasks.once(f"end idle transaction of {self._id}", self._end_idle(appends))

    async def _end_idle(self, appends: int) -> None:
        async with self._writing:
            if self._appends == appends and self.is_ahead and self._spent is None:
                self.is_ahead = False
                self._spent = await self._commit_nothing()

    async def _commit_nothing(self) -> IpccError | None:
        """End a transaction in which nothing was written; what went wrong."""
        try:
            with errors_translated(self._settings, f"end a transaction as {self._id}"):
                async with asyncio.timeout(self._settings.send_timeout_s):
                    await self._client.commit_transaction()
        except ProducerFenced:
            return Fenced(self._id)
        except IpccError as failure:
            return failure
        return None

    async def _enqueue(self, message: Message) -> asyncio.Future[Any]:
        await partitions_of(self._client.client, self._settings.prefix + message.topic)
        future: asyncio.Future[Any] = await self._client.send(**arguments_of(message, self._settings, self._clock))
        future.add_done_callback(_mark_seen)
        return future


def _mark_seen(future: asyncio.Future[Any]) -> None:
    # whoever gave up waiting does not come back for the error
    if not future.cancelled():
        future.exception()


def _is_dead(client: AIOKafkaProducer) -> bool:
    task = client._sender.sender_task
    return task is not None and task.done()
