"""A dictionary kept up to date from a compacted topic: the newest event of every key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import structlog

from ipcc.bus.events import received_from
from ipcc.bus.port import BEGINNING, Bus, Record
from ipcc.clock import Clock
from ipcc.contracts.envelope import Event
from ipcc.contracts.topics import Topic
from ipcc.errors import InvalidMessage, NotFound, Unavailable

log = structlog.get_logger(__name__)

RETRY_S = 1.0
# so many keys are named in a sentence
NAMED = 5
Salvage: TypeAlias = Callable[[bytes], Event | None]
OnChange: TypeAlias = Callable[[str, Event | None], None]


class View(Mapping[str, Event]):
    """Key to newest event. Run it by ``tasks.spawn(name, view.run)``; complete once ``is_ready``, and kept through outages.

    A message that cannot be read is passed over and counted in ``unreadable``: the key keeps its last good event, and ``stale``
    says why until a newer one can be read. A key that never had a good one has what ``salvage`` makes of the message, if anything.
    """

    def __init__(self, bus: Bus, topic: Topic, clock: Clock, salvage: Salvage | None = None) -> None:
        self.unreadable = 0
        self.stale: dict[str, str] = {}
        self._bus = bus
        self._topic = topic.name
        self._clock = clock
        self._salvage = salvage
        self._salvaged: set[str] = set()
        self._events: dict[str, Event] = {}
        self._callbacks: list[OnChange] = []
        self._ready = asyncio.Event()

    def __getitem__(self, key: str) -> Event:
        return self._events[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)

    @property
    def is_ready(self) -> bool:
        """Whether everything that was on the topic when first reached has been read."""
        return self._ready.is_set()

    async def ready(self, timeout_s: float | None = None) -> None:
        """Return once ready. Raises Unavailable after ``timeout_s``."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._ready.wait()
        except TimeoutError:
            raise Unavailable("bus.view_not_ready", f"{self._topic} has not been read within {timeout_s} s") from None

    def on_change(self, callback: OnChange) -> None:
        """Call ``callback(key, event)`` for every change from now on; None when the key was removed. It must not block."""
        self._callbacks.append(callback)

    async def run(self) -> None:
        """Read the topic from its beginning, then follow it for ever."""
        while True:
            try:
                await self._read()
            except (Unavailable, NotFound) as error:
                log.warning("view_waits", topic=self._topic, error=str(error))
                await self._clock.sleep(RETRY_S)

    async def _read(self) -> None:
        async with self._bus.replay(self._topic, BEGINNING) as past:
            async for record in past:
                self._apply(record)
        self._ready.set()
        async with self._bus.follow(self._topic, past.positions) as live:
            async for record in live:
                self._apply(record)

    def problem(self) -> str | None:
        """Which keys are not at their newest version, and why, in a sentence."""
        kept = {key: "a part" if key in self._salvaged else "its last good version" for key in self._events}
        told = (
            f"{key}: {kept.get(key, 'nothing')} is in force ({why})" for key, why in sorted(self.stale.items())[:NAMED]
        )
        return "; ".join(told) or None

    def _apply(self, record: Record) -> None:
        if record.value is None:
            self._settle(record.key)
            if self._events.pop(record.key, None) is not None:
                self._tell(record.key, None)
            return
        try:
            event = received_from(record).event
        except InvalidMessage as error:
            self._pass_over(record, record.value, error.message)
            return
        self._settle(record.key)
        self._events[record.key] = event
        self._tell(record.key, event)

    def _settle(self, key: str) -> None:
        self.stale.pop(key, None)
        self._salvaged.discard(key)

    def _pass_over(self, record: Record, value: bytes, why: str) -> None:
        self.unreadable += 1
        self.stale[record.key] = why
        log.error("unreadable_event", topic=self._topic, key=record.key, offset=record.offset, error=why)
        if self._salvage is None or (record.key in self._events and record.key not in self._salvaged):
            return
        event = self._salvage(value)
        if event is not None:
            self._salvaged.add(record.key)
            self._events[record.key] = event
            self._tell(record.key, event)

    def _tell(self, key: str, event: Event | None) -> None:
        for callback in self._callbacks:
            callback(key, event)
