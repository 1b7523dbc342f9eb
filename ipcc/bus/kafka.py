"""The Bus on Apache Kafka. Starts without a broker and recovers by itself when one comes (back); health tells the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from ipcc.bus.kafka_consumer import KafkaConsumer, KafkaReader
from ipcc.bus.kafka_link import KafkaSettings, errors_translated
from ipcc.bus.kafka_noise import Sparing
from ipcc.bus.kafka_producer import KafkaFencedProducer, KafkaProducer
from ipcc.bus.port import Health, Listener, Message, Position, Start
from ipcc.clock import Clock
from ipcc.contracts.topics import TOPICS, Topic
from ipcc.errors import BusDown
from ipcc.tasks import Tasks

log = structlog.get_logger(__name__)

PROBE_EVERY_S = 1.0
PROBE_TIMEOUT_S = 3.0
# the cleaner runs once this share of a compacted log is outdated: our compacted topics are small and read from the beginning
DIRTY_RATIO = "0.1"


class KafkaBus:
    """One process's way to Kafka. ``topics`` are made when they do not exist, as soon as the broker can be reached."""

    def __init__(self, settings: KafkaSettings, clock: Clock, topics: Sequence[Topic] = TOPICS) -> None:
        self._settings = settings
        self._clock = clock
        self._topics = topics
        self._health = Health(False, clock.now(), f"Kafka at {settings.servers} has not been reached yet")
        self._producer = KafkaProducer(settings, clock)
        self._fenced: list[KafkaFencedProducer] = []
        self._sparing = Sparing()
        self._tasks = Tasks()
        self._reached = asyncio.Event()

    @property
    def health(self) -> Health:
        return self._health

    async def start(self) -> None:
        self._sparing.install()
        self._tasks.spawn("watch Kafka", self._watch)

    async def stop(self) -> None:
        await self._tasks.stop()
        for producer in self._fenced:
            await producer.close()
        await self._producer.close()
        self._sparing.remove()

    async def reached(self, timeout_s: float) -> None:
        """Return when the broker answers and the topics exist. Raises BusDown after ``timeout_s``."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._reached.wait()
        except TimeoutError:
            raise BusDown("bus.down", self._health.last_error) from None

    async def send(self, message: Message) -> Position:
        return await self._producer.send(message)

    async def create_topics(self, topics: Sequence[Topic]) -> None:
        with errors_translated(self._settings, "create topics"):
            async with asyncio.timeout(self._settings.send_timeout_s):
                admin = await self._open_admin()
                try:
                    await self._create(admin, topics)
                finally:
                    await admin.close()

    async def fenced(self, transactional_id: str) -> KafkaFencedProducer:
        producer = KafkaFencedProducer(self._settings, self._clock, transactional_id)
        await producer.start()
        self._fenced = [*(p for p in self._fenced if not p.is_closed), producer]
        return producer

    def consumer(self, group: str, topics: Sequence[str], listener: Listener) -> KafkaConsumer:
        return KafkaConsumer(self._settings, group, topics, listener)

    def replay(self, topic: str, start: Start, partitions: Sequence[int] | None = None) -> KafkaReader:
        return KafkaReader(self._settings, topic, start, partitions, ends=True)

    def follow(self, topic: str, start: Start, partitions: Sequence[int] | None = None) -> KafkaReader:
        return KafkaReader(self._settings, topic, start, partitions, ends=False)

    async def _watch(self) -> None:
        while True:
            try:
                with errors_translated(self._settings, "watch"):
                    await self._probe_until_it_fails()
            except BusDown as error:
                self._note(is_up=False, error=error.message)
            await asyncio.sleep(PROBE_EVERY_S)

    async def _probe_until_it_fails(self) -> None:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            admin = await self._open_admin()
        try:
            async with asyncio.timeout(self._settings.send_timeout_s + PROBE_TIMEOUT_S):
                await self._create(admin, self._topics)
            while True:
                async with asyncio.timeout(PROBE_TIMEOUT_S):
                    await admin.list_topics()
                self._note(is_up=True)
                await asyncio.sleep(PROBE_EVERY_S)
        finally:
            await admin.close()

    async def _open_admin(self) -> AIOKafkaAdminClient:
        admin = AIOKafkaAdminClient(**self._settings.connection(), request_timeout_ms=self._settings.request_timeout_ms)
        try:
            await admin.start()
        except BaseException:
            await admin.close()
            raise
        return admin

    async def _create(self, admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
        existing = set(await admin.list_topics())
        missing = [self._new(t) for t in topics if self._settings.prefix + t.name not in existing]
        if not missing:
            return
        answer = await admin.create_topics(missing)
        for name, code, *text in answer.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise KafkaError(f"topic {name} could not be made: {error.__name__} {' '.join(map(str, text))}")
        log.info("topics_created", topics=[t.name for t in missing])

    def _new(self, topic: Topic) -> NewTopic:
        kept = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": DIRTY_RATIO}
        configs = kept if topic.compacted else {"retention.ms": str(topic.keep_s * 1000)}
        if self._settings.replicas >= 3:
            configs["min.insync.replicas"] = "2"
        return NewTopic(
            self._settings.prefix + topic.name, topic.partitions, self._settings.replicas, topic_configs=configs
        )

    def _note(self, *, is_up: bool, error: str = "") -> None:
        if is_up != self._health.is_up:
            log.warning("kafka_reached" if is_up else "kafka_lost", servers=self._settings.servers, error=error)
            self._health = Health(is_up, self._clock.now(), error or self._health.last_error)
        elif error:
            self._health = Health(is_up, self._health.since, error)
        if is_up:
            self._reached.set()
        else:
            self._reached.clear()
