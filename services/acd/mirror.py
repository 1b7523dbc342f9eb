"""What screens and programs are shown: the log of a domain followed by every replica, owner or not, and the story of each contact."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from ipcc.bus.port import Bus
from ipcc.clock import Clock
from ipcc.contracts.acd import (
    EntryChanged,
    EntryEnded,
    EntryQueued,
    OfferAnswered,
    OfferEnded,
    OfferMade,
    OfferRinging,
    WaitForetold,
)
from ipcc.contracts.callback import (
    CallbackDialled,
    CallbackPaused,
    CallbackRequested,
    CallbackResumed,
    CallbackTried,
)
from ipcc.contracts.topics import ACD
from ipcc.errors import NotFound, Unavailable
from services.acd.core.state import State
from services.acd.log import AcdLog, Fact

log = structlog.get_logger(__name__)

RETRY_S = 1.0
StoryEvent = (
    EntryQueued
    | EntryChanged
    | WaitForetold
    | OfferMade
    | OfferRinging
    | OfferAnswered
    | OfferEnded
    | EntryEnded
    | CallbackRequested
    | CallbackPaused
    | CallbackResumed
    | CallbackDialled
    | CallbackTried
)


@dataclass
class Stories:
    """What happened to the newest contacts, by entry."""

    limit: int
    _by_entry: OrderedDict[str, list[Fact]] = field(default_factory=OrderedDict)
    _entries_of_call: dict[str, list[str]] = field(default_factory=dict)

    def take(self, fact: Fact) -> None:
        """Remember ``fact`` if it is about a contact."""
        event = fact.event
        if not isinstance(event, StoryEvent):
            return
        if isinstance(event, EntryQueued):
            self._by_entry.setdefault(event.entry_id, [])
        if isinstance(event, EntryQueued | OfferMade) and event.entry_id in self._by_entry:
            # a callback belongs to the call it was asked for in, and to those in which it was tried
            entries = self._entries_of_call.setdefault(event.call_id, [])
            if event.entry_id not in entries:
                entries.append(event.entry_id)
        story = self._by_entry.get(event.entry_id)
        if story is not None:
            story.append(fact)
        while len(self._by_entry) > self.limit:
            self._drop_oldest()

    def clear(self) -> None:
        """Forget all, before they are read again."""
        self._by_entry.clear()
        self._entries_of_call.clear()

    def of(self, contact_id: str) -> list[list[Fact]]:
        """The stories of a call (one per stay in a queue) or of one entry; empty when not known."""
        entries = self._entries_of_call.get(contact_id, [contact_id])
        return [self._by_entry[entry] for entry in entries if entry in self._by_entry]

    def _drop_oldest(self) -> None:
        entry_id, story = self._by_entry.popitem(last=False)
        for call_id in {fact.event.call_id for fact in story if isinstance(fact.event, EntryQueued | OfferMade)}:
            rest = [e for e in self._entries_of_call.get(call_id, []) if e != entry_id]
            if rest:
                self._entries_of_call[call_id] = rest
            else:
                self._entries_of_call.pop(call_id, None)


class Mirror:
    """Follows one domain. Run it by ``tasks.spawn(name, mirror.run)``."""

    def __init__(self, bus: Bus, domain: str, clock: Clock, history: timedelta, stories: Stories) -> None:
        self.domain = domain
        self.stories = stories
        self._bus = bus
        self._clock = clock
        self._log = AcdLog(bus, domain)
        self._history = history
        self._state: State | None = None
        self._ready = asyncio.Event()

    @property
    def is_ready(self) -> bool:
        """Whether the log was read once."""
        return self._ready.is_set()

    @property
    def state(self) -> State:
        """The domain as its log tells it. Raises Unavailable before it was read."""
        if self._state is None:
            raise Unavailable("acd.not_read_yet", f"the log of domain {self.domain} has not been read yet")
        return self._state

    async def run(self) -> None:
        """Read, then follow for ever."""
        while True:
            try:
                await self._read_stories()
                await self._follow()
            except (Unavailable, NotFound) as error:
                log.warning("log_not_followed", domain=self.domain, reason=str(error))
                await self._clock.sleep(RETRY_S)

    async def _read_stories(self) -> None:
        self.stories.clear()
        start = self._clock.now() - self._history
        async with self._bus.replay(ACD.name, start, [self._log.partition]) as reader:
            async for record in reader:
                fact = self._log.fact_of(record)
                if fact is not None:
                    self.stories.take(fact)
            self._stories_to = dict(reader.positions)

    async def _follow(self) -> None:
        folded = await self._log.read()
        self._state = folded.state
        self._ready.set()
        start = min(folded.next_offset, self._stories_to[self._log.partition])
        async with self._bus.follow(ACD.name, {self._log.partition: start}, [self._log.partition]) as reader:
            async for record in reader:
                fact = self._log.fact_of(record)
                if fact is None:
                    continue
                if record.offset >= self._stories_to[self._log.partition]:
                    self.stories.take(fact)
                if record.offset >= folded.next_offset:
                    folded.take(fact)
                    self._state = folded.state
