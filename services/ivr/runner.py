"""Carries out what one session wants and brings back what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog

from ipcc.clock import Clock
from ipcc.contracts.acd import EntryEnded, EntryOutcome, OfferEnded, OfferMade, OfferOutcome
from ipcc.contracts.ivr import IvrPayload
from ipcc.contracts.payload import Payload
from ipcc.errors import Invalid, IpccError, Refused, SwitchDown, SwitchRefused, Unavailable
from services.ivr.core.actions import (
    Action,
    BankAnswer,
    CallBank,
    CallerGone,
    CallService,
    Collect,
    Connect,
    Connected,
    Failed,
    Input,
    JoinQueue,
    Play,
    Played,
    QueueLeft,
    Record,
    ServiceAnswer,
    Stopped,
)
from services.ivr.core.flow import Flow
from services.ivr.core.session import Moved, Session, abort, advance, note_answer
from services.ivr.core.speech import prompts
from services.ivr.ports import Bank, Line, LineLost, Queues, Systems

log = structlog.get_logger(__name__)

# nobody hears more than 3 s of silence: after this much of a bank's thinking there is music
QUIET_S = 1.5
BUSY_MUSIC = "local_stream://ipcc"
RETRY_S = 1.0
SAFETY_NET_EVERY_S = 60.0
# what was cut short on the switch comes back at once, or not at all
STOP_S = 1.0
# so long he hears music while no queue can be reached; then the safety net has him
STRANDED_AFTER = timedelta(seconds=90)

Answer = TypeVar("Answer", BankAnswer, ServiceAnswer)
Tell = Callable[[tuple[IvrPayload, ...]], None]


@dataclass
class Surroundings:
    """What a runner works with."""

    line: Line
    bank: Bank
    queues: Queues
    systems: Systems
    clock: Clock
    tell: Tell


@dataclass(frozen=True)
class Standing:
    """He stands in the queue; ``is_offered``: an agent's phone rings for him already."""

    is_offered: bool


class Runner:
    """One session from its first action to its end. ``session`` is where it stands now.

    ``is_back``: the caller was here before, served by another replica or over a link that was lost: he has been answered,
    and in a queue he may hear music already, or his agent.
    """

    def __init__(self, flow: Flow, moved: Moved, around: Surroundings, *, is_back: bool = False) -> None:
        self.session: Session = moved.session
        self.since: datetime = around.clock.now()
        self.flow_id = flow.id
        self._flow = flow
        self._action = moved.action
        self._around = around
        self._is_back = is_back
        self._asking: asyncio.Task[Any] | None = None
        self._ending: CallerGone | Stopped | None = None
        self._ending_at: datetime | None = None
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Until the session is over. Cancelling it leaves the caller where he is, for another replica to find.

        Raises what is a fault of ours; the caller is then still on the line.
        """
        net = asyncio.get_running_loop().create_task(self._keep_safety_net())
        if self.session.lent_to:
            # whoever lent the leg looks after it: the net would carry off a caller who is expected back
            net.cancel()
        try:
            if not (self._is_back and isinstance(self._action, JoinQueue)):
                given = await self._safely(self._answer)
                if self._is_back:
                    # what he keyed for the replica that died must not stay on his channel
                    given = await self._safely(self._wipe)
                if isinstance(given, CallerGone):
                    self._take(given)
            while self._action is not None:
                action = self._action
                self._go_on(await self._safely(partial(self._perform, action)))
                self._is_back = False
        finally:
            net.cancel()
            self._over.set()

    def leave(self) -> bool:
        """The caller is gone. True when the bank is being asked for him: what became of it is told first, then he is."""
        self._end_with(CallerGone())
        return self._asking is not None

    async def stop(self) -> None:
        """Whoever lent the leg takes it back: what is said or asked is cut short, a question to the bank answered first."""
        self._end_with(Stopped())
        if self._asking is not None:
            await asyncio.wait({self._asking})
        else:
            await self._quieten()
        try:
            async with asyncio.timeout(STOP_S):
                await self._over.wait()
        except TimeoutError:
            log.warning("session_cut_short", call_id=self.session.call_id, flow_node=self.session.at)

    def was_answered(self) -> tuple[IvrPayload, ...]:
        """An agent had taken him from the queue while nobody of ours looked: end the session so and say so."""
        moved = advance(self._flow, self.session, QueueLeft(EntryOutcome.ANSWERED.value), self._around.clock.now())
        self.session, self._action = moved.session, None
        return moved.facts

    def ended(self) -> tuple[IvrPayload, ...]:
        """The caller is gone, or was taken back: end the session where it stands and say so."""
        moved = advance(self._flow, self.session, self._ending or CallerGone(), self._moment())
        self.session, self._action = moved.session, None
        return moved.facts

    def failed(self) -> tuple[IvrPayload, ...]:
        """We cannot go on: end the session where it stands and say so."""
        moved = abort(self.session, self._around.clock.now())
        self.session, self._action = moved.session, None
        return moved.facts

    def _end_with(self, ending: CallerGone | Stopped) -> None:
        self._ending = ending
        self._ending_at = self._ending_at or self._around.clock.now()

    def _moment(self) -> datetime:
        return self._ending_at or self._around.clock.now()

    def _go_on(self, given: Input) -> None:
        if self._ending is None or isinstance(given, CallerGone):
            self._take(given)
            return
        if isinstance(given, BankAnswer):
            self._around.tell(note_answer(self.session, given))
        self._take(self._ending)

    def _take(self, given: Input) -> None:
        moved = advance(self._flow, self.session, given, self._moment())
        self.session, self._action = moved.session, moved.action
        self._around.tell(moved.facts)

    async def _safely(self, work: Callable[[], Awaitable[Input]]) -> Input:
        """``work``, done again when the link to the switch was lost meanwhile and the leg has outlived that."""
        while True:
            try:
                return await work()
            except LineLost:
                return CallerGone()
            except SwitchDown as error:
                # commands in flight are lost; whether the leg still lives is looked up when the link is back
                log.warning("switch_lost", call_id=self.session.call_id, error=str(error))
                self._is_back = True
                if not await self._is_there():
                    return CallerGone()
                await self._quieten()

    async def _quieten(self) -> None:
        """After a gap: endless music that nobody stopped would hold up whatever is sent next, and half-said prompts repeat."""
        if isinstance(self._action, JoinQueue | Connect | None):
            # he may be talking by now: acd, or the switch, is asked first
            return
        try:
            await self._around.line.interrupt()
            await self._around.line.wipe()
        except (LineLost, SwitchDown, SwitchRefused) as error:
            log.info("not_quietened", call_id=self.session.call_id, error=str(error))

    async def _is_there(self) -> bool:
        while True:
            await self._around.clock.sleep(RETRY_S)
            try:
                return await self._around.line.exists()
            except LineLost:
                return False
            except SwitchDown:
                continue

    async def _answer(self) -> Input:
        await self._around.line.answer()
        return Played()

    async def _wipe(self) -> Input:
        await self._around.line.wipe()
        return Played()

    async def _perform(self, action: Action) -> Input:
        if isinstance(action, Play | Collect | Record):
            return await self._speak(action)
        if isinstance(action, CallBank):
            key = f"{self.session.session_id}/{self.session.at}/{self.session.visits}"
            return await self._ask(self._around.bank.ask(action.operation, action.inputs, key))
        if isinstance(action, CallService):
            return await self._ask(self._around.systems.ask(action))
        if isinstance(action, JoinQueue):
            return await self._wait_for_agent(action)
        if isinstance(action, Connect):
            return Connected(await self._around.line.connect(action))
        await self._around.line.hang_up(action.cause)
        return Played()

    async def _speak(self, action: Play | Collect | Record) -> Input:
        line, language = self._around.line, self.session.language
        try:
            said = self._said(action.prompts)
        except Invalid as error:
            log.error("cannot_be_said", call_id=self.session.call_id, flow_node=self.session.at, code=error.code)
            return Failed(error.code)
        if isinstance(action, Collect):
            return await line.collect(said, language, action)
        if isinstance(action, Record):
            return await line.record(said, language, action)
        await line.play(said, language)
        return Played()

    def _said(self, spoken: tuple[Any, ...]) -> tuple[str, ...]:
        return prompts(spoken, self.session.speakable(), self.session.language)

    async def _ask(self, question: Coroutine[Any, Any, Answer]) -> Answer:
        """The answer of another system; music when it takes long."""
        asking: asyncio.Task[Answer] = asyncio.get_running_loop().create_task(question)
        self._asking = asking
        try:
            done, _ = await asyncio.wait({asking}, timeout=QUIET_S)
            if not done and self._ending is None:
                await self._play_during(asking)
            await asyncio.wait({asking})
            return asking.result()
        finally:
            # only a replica that lets go of its callers cuts a question off: the next one asks it again by the same key
            asking.cancel()
            self._asking = None

    async def _play_during(self, asking: asyncio.Task[Answer]) -> None:
        try:
            await self._around.line.start_music(BUSY_MUSIC)
            await asyncio.wait({asking})
            await self._around.line.interrupt()
        except LineLost:
            # nobody listens any more: the answer is told all the same, it may be money
            self._end_with(CallerGone())
        except SwitchDown as error:
            # the answer is what counts: asking again might count a wrong PIN twice
            log.warning("no_music", call_id=self.session.call_id, error=str(error))

    async def _wait_for_agent(self, action: JoinQueue) -> Input:
        line = self._around.line
        async with self._around.queues.stay(action.entry_id) as news:
            if not self._is_back:
                await line.start_music(action.music)
            found = await self._join(action)
            if isinstance(found, QueueLeft):
                left = found
            else:
                if self._is_back and not found.is_offered:
                    # nobody knows what he hears; what was queued on the leg must not sound into a conversation later
                    await line.interrupt()
                    await line.start_music(action.music)
                left = await self._keep_company(action, news, is_offered=found.is_offered)
        if left.outcome != EntryOutcome.ANSWERED.value:
            await line.interrupt()
        return left

    async def _join(self, action: JoinQueue) -> QueueLeft | Standing:
        """Queue him; where acd or the bus do not answer, again and again. Raises Unavailable when that lasts too long."""
        began = self._around.clock.now()
        while True:
            try:
                return await self._ask_queue(action)
            except Unavailable as error:
                log.warning("queue_unreachable", call_id=self.session.call_id, error=str(error))
                if not await self._around.line.exists():
                    raise LineLost from error
                if self._around.clock.now() - began > STRANDED_AFTER:
                    raise
                await self._around.clock.sleep(RETRY_S)

    async def _ask_queue(self, action: JoinQueue) -> QueueLeft | Standing:
        """Where he stands; puts him there when he does not yet. Raises Unavailable."""
        try:
            found = await self._around.queues.join(self.session, action)
        except Refused as error:
            return QueueLeft("refused", error.code)
        outcome = str(found.get("outcome") or "")
        if outcome == EntryOutcome.ABANDONED.value:
            raise LineLost
        if outcome:
            return QueueLeft(outcome)
        return Standing(is_offered=bool(found.get("offer_id")))

    async def _keep_company(self, action: JoinQueue, news: asyncio.Queue[Payload], *, is_offered: bool) -> QueueLeft:
        offered = is_offered
        while True:
            try:
                async with asyncio.timeout(action.announce_every_s):
                    told = await news.get()
            except TimeoutError:
                standing = await self._confirm(action)
                if isinstance(standing, QueueLeft):
                    return standing
                offered = offered if standing is None else standing.is_offered
                if standing is not None and not offered:
                    await self._announce(action)
                continue
            if isinstance(told, EntryEnded):
                return self._left(told)
            # while a phone rings the line is left alone: the bridge may come at any moment
            if isinstance(told, OfferMade):
                offered = True
            elif isinstance(told, OfferEnded):
                offered = told.outcome is OfferOutcome.ANSWERED

    async def _confirm(self, action: JoinQueue) -> QueueLeft | Standing | None:
        """Where he stands by acd's own word; None when it cannot be had.

        What acd tells may be late, and whoever makes a sound on its word alone may speak into a conversation.
        """
        try:
            return await self._ask_queue(action)
        except Unavailable as error:
            log.warning("queue_unreachable", call_id=self.session.call_id, error=str(error))
            return None

    @staticmethod
    def _left(told: EntryEnded) -> QueueLeft:
        if told.outcome is EntryOutcome.ABANDONED:
            raise LineLost
        return QueueLeft(told.outcome.value, told.target)

    async def _announce(self, action: JoinQueue) -> None:
        line = self._around.line
        await line.interrupt()
        await line.play(self._said(action.announcement), self.session.language)
        # an agent may have answered while it was said, and the bridge have cut it short: no music into their conversation
        standing = await self._confirm(action)
        if isinstance(standing, Standing) and not standing.is_offered:
            await line.start_music(action.music)

    async def _keep_safety_net(self) -> None:
        while True:
            await self._around.clock.sleep(SAFETY_NET_EVERY_S)
            try:
                if await self._is_ours():
                    await self._around.line.push_safety_net()
            except (LineLost, IpccError) as error:
                log.info("safety_net_not_pushed", call_id=self.session.call_id, error=str(error))

    async def _is_ours(self) -> bool:
        """Whether he is surely with nobody else: pushed into a conversation, the net would tear it apart later."""
        if not isinstance(self._action, JoinQueue):
            return True
        standing = await self._confirm(self._action)
        return isinstance(standing, Standing) and not standing.is_offered
