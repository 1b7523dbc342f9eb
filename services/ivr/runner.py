"""Carries out what one session wants and brings back what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from ipcc.clock import Clock
from ipcc.contracts.acd import EntryEnded, EntryOutcome, OfferEnded, OfferMade, OfferOutcome
from ipcc.contracts.ivr import IvrPayload
from ipcc.contracts.payload import Payload
from ipcc.errors import Refused, SwitchDown, Unavailable
from services.ivr.core.actions import (
    Action,
    BankAnswer,
    CallBank,
    CallerGone,
    Collect,
    HangUp,
    Input,
    JoinQueue,
    Play,
    Played,
    QueueLeft,
)
from services.ivr.core.flow import Flow
from services.ivr.core.session import Moved, Session, advance
from services.ivr.core.speech import prompts
from services.ivr.ports import Bank, Line, LineLost, Queues

log = structlog.get_logger(__name__)

# nobody hears more than 3 s of silence: after this much of a bank's thinking there is music
QUIET_S = 1.5
BUSY_MUSIC = "local_stream://ipcc"
RETRY_S = 1.0
SAFETY_NET_EVERY_S = 60.0

Tell = Callable[[tuple[IvrPayload, ...]], None]


@dataclass
class Surroundings:
    """What a runner works with."""

    line: Line
    bank: Bank
    queues: Queues
    clock: Clock
    tell: Tell


class Runner:
    """One session from its first action to its end. ``session`` is where it stands now."""

    def __init__(self, flow: Flow, moved: Moved, around: Surroundings) -> None:
        self.session: Session = moved.session
        self.since: datetime = around.clock.now()
        self.flow_id = flow.id
        self._flow = flow
        self._action = moved.action
        self._around = around

    async def run(self) -> None:
        """Until the session is over. Cancelling it leaves the caller where he is, for another replica to find."""
        net = asyncio.get_running_loop().create_task(self._keep_safety_net())
        try:
            while self._action is not None:
                given = await self._outcome_of(self._action)
                moved = advance(self._flow, self.session, given, self._around.clock.now())
                self.session, self._action = moved.session, moved.action
                self._around.tell(moved.facts)
        finally:
            net.cancel()

    def hung_up(self) -> tuple[IvrPayload, ...]:
        """The caller is gone: end the session where it stands and say so."""
        moved = advance(self._flow, self.session, CallerGone(), self._around.clock.now())
        self.session, self._action = moved.session, None
        return moved.facts

    async def _outcome_of(self, action: Action) -> Input:
        try:
            return await self._perform(action)
        except LineLost:
            return CallerGone()
        except SwitchDown as error:
            # commands in flight are lost; whether the leg still lives is looked up when the link is back
            log.warning("switch_lost", call_id=self.session.call_id, error=str(error))
            return await self._after_the_gap(action)

    async def _after_the_gap(self, action: Action) -> Input:
        while True:
            await self._around.clock.sleep(RETRY_S)
            try:
                if not await self._around.line.exists():
                    return CallerGone()
                return await self._perform(action)
            except LineLost:
                return CallerGone()
            except SwitchDown:
                continue

    async def _perform(self, action: Action) -> Input:
        line = self._around.line
        if isinstance(action, Play):
            await line.play(self._said(action.prompts), self.session.language)
            return Played()
        if isinstance(action, Collect):
            return await line.collect(self._said(action.prompts), self.session.language, action)
        if isinstance(action, CallBank):
            return await self._ask_bank(action)
        if isinstance(action, JoinQueue):
            return await self._wait_for_agent(action)
        if isinstance(action, HangUp):
            await line.hang_up(action.cause)
        return Played()

    def _said(self, spoken: tuple[Any, ...]) -> tuple[str, ...]:
        return prompts(spoken, self.session.variables, self.session.language)

    async def _ask_bank(self, action: CallBank) -> BankAnswer:
        key = f"{self.session.session_id}/{self.session.at}/{self.session.visits}"
        loop = asyncio.get_running_loop()
        asking = loop.create_task(self._around.bank.ask(action.operation, action.inputs, key))
        try:
            done, _ = await asyncio.wait({asking}, timeout=QUIET_S)
            if not done:
                await self._around.line.start_music(BUSY_MUSIC)
                await asyncio.wait({asking})
                await self._around.line.interrupt()
            return asking.result()
        finally:
            asking.cancel()

    async def _wait_for_agent(self, action: JoinQueue) -> Input:
        async with self._around.queues.stay(action.entry_id) as news:
            await self._around.line.start_music(action.music)
            left = await self._join(action)
            if left is None:
                left = await self._keep_company(action, news)
        if left.outcome != EntryOutcome.ANSWERED.value:
            await self._around.line.interrupt()
        return left

    async def _join(self, action: JoinQueue) -> QueueLeft | None:
        """Queue him, however long acd or the bus take to come back; None when he stands in the queue."""
        while True:
            try:
                found = await self._around.queues.join(self.session, action)
            except Refused as error:
                return QueueLeft("refused", error.code)
            except Unavailable as error:
                log.warning("queue_unreachable", call_id=self.session.call_id, error=str(error))
                if not await self._around.line.exists():
                    raise LineLost from error
                await self._around.clock.sleep(RETRY_S)
                continue
            outcome = str(found.get("outcome") or "")
            return QueueLeft(outcome) if outcome else None

    async def _keep_company(self, action: JoinQueue, news: asyncio.Queue[Payload]) -> QueueLeft:
        offered = False
        while True:
            try:
                async with asyncio.timeout(action.announce_every_s):
                    told = await news.get()
            except TimeoutError:
                if not offered:
                    await self._announce(action)
                continue
            if isinstance(told, EntryEnded):
                return self._left(told)
            # while a phone rings the line is left alone: the bridge may come at any moment
            if isinstance(told, OfferMade):
                offered = True
            elif isinstance(told, OfferEnded):
                offered = told.outcome is OfferOutcome.ANSWERED

    @staticmethod
    def _left(told: EntryEnded) -> QueueLeft:
        if told.outcome is EntryOutcome.ABANDONED:
            raise LineLost
        return QueueLeft(told.outcome.value, told.target)

    async def _announce(self, action: JoinQueue) -> None:
        line = self._around.line
        await line.interrupt()
        await line.play(self._said(action.announcement), self.session.language)
        await line.start_music(action.music)

    async def _keep_safety_net(self) -> None:
        while True:
            await self._around.clock.sleep(SAFETY_NET_EVERY_S)
            try:
                await self._around.line.push_safety_net()
            except (LineLost, Unavailable) as error:
                log.info("safety_net_not_pushed", call_id=self.session.call_id, error=str(error))
