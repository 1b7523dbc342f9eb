"""What a stroller hears while he waits, and an acd that refuses, is away, lets go of callers and answers them by dice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from ipcc.clock import Clock
from ipcc.contracts.acd import EntryEnded, EntryOutcome, OfferEnded, OfferOutcome
from ipcc.contracts.payload import Payload
from ipcc.errors import NotNow, Unavailable
from services.ivr.core.actions import AskCallback, CallbackAsked, CallService, JoinQueue, ServiceAnswer
from services.ivr.core.session import Session


@dataclass
class Ear:
    """What one caller hears: when sounds begin and end, and the longest silence in which it was not his turn."""

    clock: Clock
    longest_s: float = 0.0
    music_since: datetime | None = None
    quiet_since: datetime | None = None

    def sound(self) -> None:
        if self.quiet_since is not None and self.music_since is None:
            self.longest_s = max(self.longest_s, (self.clock.now() - self.quiet_since).total_seconds())
        self.quiet_since = None

    def silence(self) -> None:
        self.quiet_since = self.clock.now()

    def music(self, *, is_on: bool) -> None:
        self.sound()
        self.music_since = self.clock.now() if is_on else None
        if not is_on:
            self.silence()


class RandomQueues:
    """acd that refuses, is away, lets go of callers and answers them (ports.Queues)."""

    def __init__(self, clock: Clock, dice: random.Random, ear: Ear) -> None:
        self._clock, self._dice, self._ear = clock, dice, ear
        self.left: list[str] = []
        self.called_back = 0

    @contextmanager
    def stay(self, entry_id: str, hear: Callable[[Payload], None]) -> Iterator[None]:
        telling = asyncio.get_running_loop().create_task(self._tell(entry_id, hear))
        try:
            yield
        finally:
            telling.cancel()

    async def join(self, session: Session, wanted: JoinQueue) -> Mapping[str, object]:
        how = self._dice.random()
        if how < 0.1:
            raise NotNow("acd.queue_full", "1000 wait already")
        if how < 0.3:
            await self._clock.sleep(3)
            raise Unavailable("acd.away", "nobody owns the domain now")
        return {"offer_id": ""}

    async def call_back(self, session: Session, wanted: AskCallback) -> CallbackAsked:
        how = self._dice.choice(("taken", "taken", "refused", "unavailable"))
        await self._clock.sleep(self._dice.uniform(0, 9) if how == "unavailable" else 0.05)
        self.called_back += how == "taken"
        return CallbackAsked(how, "acd.no_callback" if how == "refused" else "")

    async def leave(self, entry_id: str, queue_id: str) -> None:
        self.left.append(entry_id)

    async def was_answered(self, entry_id: str, since: datetime) -> bool:
        return False

    async def _tell(self, entry_id: str, hear: Callable[[Payload], None]) -> None:
        ids = {"entry_id": entry_id, "call_id": "c", "queue_id": "q"}
        for _ in range(self._dice.randrange(3)):
            await self._clock.sleep(self._dice.uniform(1, 20))
            outcome = self._dice.choice((OfferOutcome.FAILED, OfferOutcome.NO_ANSWER))
            if outcome is OfferOutcome.FAILED:
                # the switch had ended the music to join them
                self._ear.music(is_on=False)
            hear(OfferEnded(**ids, offer_id="o", agent_id="a", outcome=outcome))
        await self._clock.sleep(self._dice.uniform(1, 90))
        how = self._dice.choice((EntryOutcome.ANSWERED, EntryOutcome.ANSWERED, EntryOutcome.OVERFLOWED))
        hear(EntryEnded(**ids, outcome=how, wait_ms=1))


class NoSystems:
    """Other systems that are away (ports.Systems)."""

    async def ask(self, wanted: CallService) -> ServiceAnswer:
        return ServiceAnswer("unavailable")
