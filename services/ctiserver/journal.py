"""What was told on a topic, by us in a former life or by other replicas: read back at start, then followed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta

import structlog

from ipcc.bus import END, Bus, Received, received_from
from ipcc.bus.port import Record
from ipcc.clock import Clock
from ipcc.contracts.topics import Topic
from ipcc.errors import InvalidMessage, NotFound, Unavailable

log = structlog.get_logger(__name__)

RETRY_S = 1.0


class Journal:
    """Reads ``topic`` from ``back`` before now, giving each event to ``take``; then everything new.

    ``begin`` is called before every reading back, with where it starts: what ``take`` builds is empty then.
    """

    def __init__(self, bus: Bus, topic: Topic, clock: Clock, back: timedelta, take: Callable[[Received], None]) -> None:
        self.begin: Callable[[Mapping[int, int]], None] = lambda _: None
        self.unreadable = 0
        self._bus = bus
        self._topic = topic
        self._clock = clock
        self._back = back
        self._take = take
        self._ready = asyncio.Event()
        self._positions: dict[int, int] = {}
        self._moved = asyncio.Event()
        self._interrupt: asyncio.Timeout | None = None
        self._is_stale = True

    @property
    def is_ready(self) -> bool:
        """Whether everything that was on the topic has been read back."""
        return self._ready.is_set()

    async def ready(self) -> None:
        """Wait until everything that was on the topic has been read back."""
        await self._ready.wait()

    def reload(self) -> None:
        """Read all of it back once more."""
        self._ready.clear()
        self._is_stale = True
        if self._interrupt is not None:
            self._interrupt.reschedule(asyncio.get_running_loop().time())

    async def catch_up(self) -> None:
        """Wait until what is on the topic now has been taken. Raises Unavailable."""
        await self._ready.wait()
        async with self._bus.replay(self._topic.name, END) as reader:
            ends = dict(reader.positions)
        while any(self._positions.get(number, 0) < end for number, end in ends.items()):
            self._moved.clear()
            await self._moved.wait()

    async def run(self) -> None:
        """Read back and follow, for ever."""
        while True:
            try:
                while self._is_stale:
                    await self._read_back()
                self._ready.set()
                self._moved.set()
                await self._follow()
            except (Unavailable, NotFound) as error:
                self._is_stale = self._is_stale or not self._ready.is_set()
                log.warning("journal_waits", topic=self._topic.name, reason=str(error))
                await self._clock.sleep(RETRY_S)

    async def _read_back(self) -> None:
        self._is_stale = False
        async with self._bus.replay(self._topic.name, self._clock.now() - self._back) as past:
            self.begin(dict(past.positions))
            async for record in past:
                self._hear(record)
            self._positions = dict(past.positions)
        log.info("journal_read_back", topic=self._topic.name, unreadable=self.unreadable)

    async def _follow(self) -> None:
        try:
            async with asyncio.timeout(None) as self._interrupt:
                async with self._bus.follow(self._topic.name, self._positions) as live:
                    async for record in live:
                        self._hear(record)
                        self._positions[record.partition] = record.offset + 1
                        self._moved.set()
        except TimeoutError:
            log.info("journal_reloads", topic=self._topic.name)
        finally:
            self._interrupt = None

    def _hear(self, record: Record) -> None:
        try:
            received = received_from(record)
        except InvalidMessage as error:
            self.unreadable += 1
            log.error("unreadable_event", topic=record.topic, offset=record.offset, reason=str(error))
            return
        self._take(received)
