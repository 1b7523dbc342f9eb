"""What monitor hears: everything, from the beginning of the bank's day, in every replica."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from ipcc.bus.events import received_from
from ipcc.bus.port import BEGINNING, Bus, Record, Start
from ipcc.clock import Clock
from ipcc.contracts.topics import ACD, CALL, CONFIG, IVR, PHONE, RECORDING, Topic
from ipcc.errors import InvalidMessage, NotFound, Unavailable
from services.monitor.usecases import Live

log = structlog.get_logger(__name__)

LAST_WORDS = (CONFIG, PHONE)
STREAMS = (CALL, ACD, IVR, RECORDING)
# a stay in a queue or a call may have begun before midnight
BEFORE_MIDNIGHT = timedelta(hours=6)
RETRY_S = 1.0


class Feed:
    """Reads the topics into the board; ``live.behind`` names those not read up to their end yet."""

    def __init__(self, bus: Bus, clock: Clock, live: Live) -> None:
        live.behind = {topic.name for topic in (*LAST_WORDS, *STREAMS)}
        self._bus = bus
        self._clock = clock
        self._live = live

    def readers(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """A task for every topic."""
        return {f"follow {topic.name}": partial(self._follow, topic) for topic in (*LAST_WORDS, *STREAMS)}

    async def _follow(self, topic: Topic) -> None:
        start: Start = BEGINNING if topic in LAST_WORDS else self._midnight_or_before()
        while True:
            try:
                async with self._bus.replay(topic.name, start) as past:
                    async for record in past:
                        self._apply(record)
                        start = past.positions
                start = past.positions
                self._live.behind.discard(topic.name)
                async with self._bus.follow(topic.name, start) as live:
                    async for record in live:
                        self._apply(record)
                        start = live.positions
            except (Unavailable, NotFound) as error:
                log.warning("feed_waits", topic=topic.name, error=str(error))
                await self._clock.sleep(RETRY_S)

    def _midnight_or_before(self) -> Start:
        local = self._clock.now().astimezone(self._live.board.timezone)
        return local.replace(hour=0, minute=0, second=0, microsecond=0) - BEFORE_MIDNIGHT

    def _apply(self, record: Record) -> None:
        if record.value is None:
            return
        try:
            self._live.apply(received_from(record).event)
        except InvalidMessage as error:
            log.error("unreadable_event", topic=record.topic, offset=record.offset, error=str(error))
