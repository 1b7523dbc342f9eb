"""A caller's stay in a queue: put there, kept company, and let go of; what acd tells is asked again before a sound is made on it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from ipcc.contracts.acd import EntryEnded, EntryOutcome, OfferAnswered, OfferEnded, OfferMade, OfferOutcome
from ipcc.contracts.payload import Payload
from ipcc.errors import Refused, Unavailable
from services.ivr.core.actions import JoinQueue, QueueLeft
from services.ivr.core.session import Session
from services.ivr.core.speech import prompts
from services.ivr.ports import LineLost, Standing, Surroundings

log = structlog.get_logger(__name__)

RETRY_S = 1.0
# so long he hears music while no queue can be reached; then the safety net has him
STRANDED_AFTER = timedelta(seconds=90)


class Stay:
    """One stay in one queue. ``is_back``: he may stand there already, with music, or with his agent."""

    def __init__(self, around: Surroundings, session: Session, wanted: JoinQueue, *, is_back: bool = False) -> None:
        self._around = around
        self._session = session
        self._wanted = wanted
        self._is_back = is_back
        # music was begun while a phone rang: should the agent have answered meanwhile, it must not sound into their talk
        self._is_daring = False
        # an agent has answered, and the switch is joining them: that ends the music
        self._is_joining = False

    async def last(self) -> QueueLeft:
        """Until he leaves the queue. Raises LineLost, Unavailable when acd is silent too long."""
        line = self._around.line
        async with self._around.queues.stay(self._wanted.entry_id) as news:
            if not self._is_back:
                await line.start_music(self._wanted.music)
            found = await self._join()
            if isinstance(found, QueueLeft):
                left = found
            else:
                if self._is_back and not found.is_offered:
                    # nobody knows what he hears; what was queued on the leg must not sound into a conversation later
                    await self._music_anew()
                left = await self._keep_company(news)
        if left.outcome != EntryOutcome.ANSWERED.value or self._is_daring:
            await line.interrupt()
        return left

    async def confirm(self) -> QueueLeft | Standing | None:
        """Where he stands by acd's own word; None when it cannot be had.

        What acd tells may be late, and whoever makes a sound on its word alone may speak into a conversation.
        """
        try:
            return await self._ask()
        except Unavailable as error:
            log.warning("queue_unreachable", call_id=self._session.call_id, error=str(error))
            return None

    async def _join(self) -> QueueLeft | Standing:
        """Queue him; where acd or the bus do not answer, again and again. Raises Unavailable when that lasts too long."""
        clock = self._around.clock
        began = clock.now()
        while True:
            try:
                return await self._ask()
            except Unavailable as error:
                log.warning("queue_unreachable", call_id=self._session.call_id, error=str(error))
                if not await self._around.line.exists():
                    raise LineLost from error
                if clock.now() - began > STRANDED_AFTER:
                    raise
                await clock.sleep(RETRY_S)

    async def _ask(self) -> QueueLeft | Standing:
        """Where he stands; puts him there when he does not yet. Raises Unavailable."""
        try:
            found = await self._around.queues.join(self._session, self._wanted)
        except Refused as error:
            return QueueLeft("refused", error.code)
        outcome = str(found.get("outcome") or "")
        if outcome == EntryOutcome.ABANDONED.value:
            raise LineLost
        if outcome:
            return QueueLeft(outcome)
        return Standing(is_offered=bool(found.get("offer_id")))

    async def _keep_company(self, news: asyncio.Queue[Payload]) -> QueueLeft:
        left: QueueLeft | None = None
        while left is None:
            try:
                async with asyncio.timeout(self._wanted.announce_every_s):
                    told = await news.get()
            except TimeoutError:
                left = await self._comfort()
            else:
                left = self._left(told) if isinstance(told, EntryEnded) else await self._hear(told)
        return left

    async def _comfort(self) -> QueueLeft | None:
        standing = await self.confirm()
        if standing is None or isinstance(standing, QueueLeft):
            return standing
        # while a phone rings the line is left alone: the bridge may come at any moment
        if not standing.is_offered:
            await self._announce()
        return None

    async def _hear(self, told: Payload) -> QueueLeft | None:
        if isinstance(told, OfferMade):
            self._is_joining = False
        elif isinstance(told, OfferAnswered):
            self._is_joining = True
        elif isinstance(told, OfferEnded):
            was_joining, self._is_joining = self._is_joining, False
            if told.outcome is not OfferOutcome.ANSWERED and (was_joining or told.outcome is OfferOutcome.FAILED):
                return await self._after_failed_join()
        return None

    async def _after_failed_join(self) -> QueueLeft | None:
        """The switch has ended his music to join him to an agent, and nobody is there: music again, at once.

        Another phone may ring already. He is not left in silence for that: should he be joined in this very moment, the music is
        taken back (``last``); a break harms no conversation.
        """
        standing = await self.confirm()
        if standing is None or isinstance(standing, QueueLeft):
            return standing
        self._is_daring = standing.is_offered
        await self._music_anew()
        if not standing.is_offered:
            return None
        standing = await self.confirm()
        return standing if isinstance(standing, QueueLeft) else None

    async def _music_anew(self) -> None:
        await self._around.line.interrupt()
        await self._around.line.start_music(self._wanted.music)

    @staticmethod
    def _left(told: EntryEnded) -> QueueLeft:
        if told.outcome is EntryOutcome.ABANDONED:
            raise LineLost
        return QueueLeft(told.outcome.value, told.target)

    async def _announce(self) -> None:
        line, session = self._around.line, self._session
        await line.interrupt()
        said = prompts(self._wanted.announcement, session.speakable(), session.language)
        await line.play(said, session.language)
        # an agent may have answered while it was said, and the bridge have cut it short: no music into their conversation
        standing = await self.confirm()
        if isinstance(standing, Standing) and not standing.is_offered:
            await line.start_music(self._wanted.music)
