"""A caller's stay in a queue: put there, kept company, and let go of; what acd tells is asked again before a sound is made on it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from ipcc.contracts.acd import EntryEnded, EntryOutcome, OfferAnswered, OfferEnded, OfferMade, OfferOutcome
from ipcc.contracts.payload import Payload
from ipcc.errors import Refused, Unavailable
from services.ivr.core.actions import ELSEWHERE, JoinQueue, QueueLeft
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
            found = await self._join(news)
            if isinstance(found, QueueLeft):
                left = found
            else:
                if self._is_back and not found.is_offered:
                    # nobody knows what he hears; what was queued on the leg must not sound into a conversation later
                    await self._music_anew()
                left = await self._keep_company(news)
        is_served = left.outcome == EntryOutcome.ANSWERED.value
        if left.outcome == EntryOutcome.TRANSFERRED.value and await line.is_joined():
            # the safety net had him while acd, or we, were away: nothing more is said to him, and nobody ends his call
            left, is_served = QueueLeft(ELSEWHERE), True
        if not is_served or self._is_daring:
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

    async def _join(self, news: asyncio.Queue[Payload]) -> QueueLeft | Standing:
        """Queue him; where acd or the bus do not answer, again and again. Raises Unavailable when that lasts too long."""
        clock = self._around.clock
        began = clock.now()
        while True:
            try:
                return await self._ask_and_hear(news)
            except Unavailable as error:
                log.warning("queue_unreachable", call_id=self._session.call_id, error=str(error))
                if not await self._around.line.exists():
                    raise LineLost from error
                if clock.now() - began > STRANDED_AFTER:
                    raise
                await clock.sleep(RETRY_S)

    async def _ask_and_hear(self, news: asyncio.Queue[Payload]) -> QueueLeft | Standing:
        """Where he stands. An acd that is slow to answer keeps nobody from hearing what it tells meanwhile. Raises Unavailable."""
        loop = asyncio.get_running_loop()
        asking = loop.create_task(self._ask())
        hearing = loop.create_task(news.get())
        try:
            while True:
                await asyncio.wait({asking, hearing}, return_when=asyncio.FIRST_COMPLETED)
                if not hearing.done():
                    return asking.result()
                told = hearing.result()
                if isinstance(told, EntryEnded):
                    return self._left(told)
                await self._hear(told)
                hearing = loop.create_task(news.get())
        finally:
            asking.cancel()
            hearing.cancel()

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
                left = await self._comfort(news)
            else:
                left = self._left(told) if isinstance(told, EntryEnded) else None
                await self._hear(told)
        return left

    async def _comfort(self, news: asyncio.Queue[Payload]) -> QueueLeft | None:
        try:
            standing = await self._ask_and_hear(news)
        except Unavailable as error:
            log.warning("queue_unreachable", call_id=self._session.call_id, error=str(error))
            return None
        if isinstance(standing, QueueLeft):
            return standing
        # while a phone rings the line is left alone: the bridge may come at any moment
        if not standing.is_offered:
            await self._announce()
        return None

    async def _hear(self, told: Payload) -> None:
        if isinstance(told, OfferMade):
            # his music goes on since before that: it ends by itself when they are joined
            self._is_joining = self._is_daring = False
        elif isinstance(told, OfferAnswered):
            self._is_joining = True
        elif isinstance(told, OfferEnded):
            was_joining, self._is_joining = self._is_joining, False
            if told.outcome is not OfferOutcome.ANSWERED and (was_joining or told.outcome is OfferOutcome.FAILED):
                # the switch had ended his music to join him to an agent, and nobody is there
                await self._music_unless_joined()

    async def _music_unless_joined(self) -> None:
        """Music again at once, by the switch's own word: acd may be silent, or another phone may ring already.

        He is not left in silence for that. Should he be joined in this very moment, the music is taken back when that is heard
        (``last``): a break harms no conversation.
        """
        if not await self._around.line.is_joined():
            self._is_daring = True
            await self._music_anew()

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
        await self._music_unless_joined()
