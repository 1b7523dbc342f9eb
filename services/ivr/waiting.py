"""A caller's stay in a queue: put there, kept company, and let go of; what acd tells is asked again before a sound is made on it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import structlog

from ipcc.contracts.acd import EntryEnded, EntryOutcome, OfferAnswered, OfferEnded, OfferMade, OfferOutcome
from ipcc.contracts.callback import CallbackRequested
from ipcc.contracts.payload import Payload
from ipcc.errors import Invalid, Refused, SwitchDown, Unavailable
from services.ivr.core.actions import CALLBACK, ELSEWHERE, JoinQueue, QueueKeyed, QueueLeft
from services.ivr.core.session import Session
from services.ivr.core.speech import Spoken, prompts
from services.ivr.ports import LineLost, Standing, Surroundings

log = structlog.get_logger(__name__)

RETRY_S = 1.0
# so long he hears music while no queue can be reached; then the safety net has him
STRANDED_AFTER = timedelta(seconds=90)


# what comes to one who waits: acd's news, a key of his own, or why nothing more is heard of his keys
News = Payload | QueueKeyed | LineLost | SwitchDown


class Stay:
    """One stay in one queue. ``is_back``: he may stand there already, with music, or with his agent. ``is_quiet``: he does, and
    hears nothing, for he was asked something meanwhile."""

    def __init__(
        self,
        around: Surroundings,
        session: Session,
        wanted: JoinQueue,
        *,
        is_back: bool = False,
        is_quiet: bool = False,
    ) -> None:
        self._around = around
        self._session = session
        self._wanted = wanted
        self._is_back = is_back
        self._is_quiet = is_quiet
        self._news: asyncio.Queue[News] = asyncio.Queue()
        self._listening: asyncio.Task[None] | None = None
        # music was begun while a phone rang: should the agent have answered meanwhile, it must not sound into their talk
        self._is_daring = False
        # an agent has answered, and the switch is joining them: that ends the music
        self._is_joining = False
        self._is_offered = False

    async def last(self) -> QueueLeft | QueueKeyed:
        """Until he leaves the queue, or keys one of its keys. Raises LineLost, Unavailable when acd is silent too long."""
        try:
            with self._around.queues.stay(self._wanted.entry_id, self._news.put_nowait):
                await self._begin()
                left = await self._wait()
        finally:
            self._stop_listening()
        if isinstance(left, QueueKeyed):
            # the key has ended his music; he keeps his place
            return left
        return await self._leave(left)

    async def _begin(self) -> None:
        if self._is_quiet:
            await self._music_unless_joined()
        elif not self._is_back:
            await self._music()

    async def _wait(self) -> QueueLeft | QueueKeyed:
        found = await self._join()
        if not isinstance(found, Standing):
            return found
        self._is_offered = found.is_offered
        if not found.is_offered:
            if self._is_back and not self._is_quiet:
                # nobody knows what he hears; what was queued on the leg must not sound into a conversation later
                await self._music_anew()
            if self._wanted.first:
                keyed = await self._announce(self._wanted.first)
                if keyed is not None:
                    return keyed
        return await self._keep_company()

    async def _leave(self, left: QueueLeft) -> QueueLeft:
        line = self._around.line
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

    async def _join(self) -> QueueLeft | QueueKeyed | Standing:
        """Queue him; where acd or the bus do not answer, again and again. Raises Unavailable when that lasts too long."""
        clock = self._around.clock
        began = clock.now()
        while True:
            try:
                return await self._ask_and_hear()
            except Unavailable as error:
                log.warning("queue_unreachable", call_id=self._session.call_id, error=str(error))
                if not await self._around.line.exists():
                    raise LineLost from error
                if clock.now() - began > STRANDED_AFTER:
                    raise
                await clock.sleep(RETRY_S)

    async def _ask_and_hear(self) -> QueueLeft | QueueKeyed | Standing:
        """Where he stands. An acd that is slow to answer keeps nobody from hearing what it tells meanwhile. Raises Unavailable."""
        loop = asyncio.get_running_loop()
        asking = loop.create_task(self._ask())
        hearing = loop.create_task(self._news.get())
        try:
            while True:
                await asyncio.wait({asking, hearing}, return_when=asyncio.FIRST_COMPLETED)
                if not hearing.done():
                    return asking.result()
                told = await self._hear(hearing.result())
                if told is not None:
                    return told
                hearing = loop.create_task(self._news.get())
        finally:
            asking.cancel()
            hearing.cancel()

    async def _ask(self) -> QueueLeft | Standing:
        """Where he stands; puts him there when he does not yet. Raises Unavailable."""
        try:
            found = await self._around.queues.join(self._session, self._wanted)
        except Refused as error:
            return QueueLeft("refused", error.code)
        if found.get("is_callback"):
            # asked for by a replica that died before it heard the answer, or by somebody else
            return QueueLeft(CALLBACK)
        outcome = str(found.get("outcome") or "")
        if outcome == EntryOutcome.ABANDONED.value:
            raise LineLost
        if outcome:
            return QueueLeft(outcome)
        return Standing(is_offered=bool(found.get("offer_id")))

    async def _keep_company(self) -> QueueLeft | QueueKeyed:
        left: QueueLeft | QueueKeyed | None = None
        while left is None:
            try:
                async with asyncio.timeout(self._wanted.announce_every_s):
                    told = await self._news.get()
            except TimeoutError:
                left = await self._comfort()
            else:
                left = await self._hear(told)
        return left

    async def _comfort(self) -> QueueLeft | QueueKeyed | None:
        try:
            standing = await self._ask_and_hear()
        except Unavailable as error:
            log.warning("queue_unreachable", call_id=self._session.call_id, error=str(error))
            return None
        if not isinstance(standing, Standing):
            return standing
        # while a phone rings the line is left alone: the bridge may come at any moment
        if not standing.is_offered:
            return await self._announce(self._wanted.announcement)
        return None

    async def _hear(self, told: News) -> QueueLeft | QueueKeyed | None:
        """What it means for him: gone, a key to be looked at, or None. Raises LineLost, SwitchDown."""
        if isinstance(told, LineLost | SwitchDown):
            raise told
        if isinstance(told, EntryEnded):
            return self._left(told)
        if isinstance(told, CallbackRequested):
            return QueueLeft(CALLBACK)
        if isinstance(told, QueueKeyed):
            return replace(told, is_offered=self._is_offered)
        await self._follow(told)
        return None

    async def _follow(self, told: Payload) -> None:
        if isinstance(told, OfferMade | OfferEnded):
            self._is_offered = isinstance(told, OfferMade)
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
        self._stop_listening()
        await self._around.line.interrupt()
        await self._music()

    async def _music(self) -> None:
        if not self._wanted.keys:
            await self._around.line.start_music(self._wanted.music)
            return
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    async def _listen(self) -> None:
        """Music that a key of his ends; when anything else ends it, what acd tells says what is to be done."""
        try:
            key = await self._around.line.play_until_key(self._wanted.music, self._wanted.keys)
        except (LineLost, SwitchDown) as error:
            self._news.put_nowait(error)
            return
        if key:
            self._news.put_nowait(QueueKeyed(key))

    def _stop_listening(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None

    @staticmethod
    def _left(told: EntryEnded) -> QueueLeft:
        if told.outcome is EntryOutcome.ABANDONED:
            raise LineLost
        return QueueLeft(told.outcome.value, told.target)

    async def _announce(self, spoken: tuple[Spoken, ...]) -> QueueKeyed | None:
        """Say it; the key that cut it short, if it is one of those that mean something here."""
        line, session = self._around.line, self._session
        self._stop_listening()
        await line.interrupt()
        said = prompts(spoken, session.speakable(), session.language)
        try:
            key = await line.play(said, session.language)
        except Invalid as error:
            # he waits on with music: that is better than losing him for a text that could not be made
            log.error("cannot_be_said", call_id=session.call_id, flow_node=session.at, code=error.code)
            key = ""
        if key and key in self._wanted.keys:
            return QueueKeyed(key)
        # an agent may have answered while it was said, and the bridge have cut it short: no music into their conversation
        await self._music_unless_joined()
        return None
