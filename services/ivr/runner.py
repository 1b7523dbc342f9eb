"""Carries out what one session wants and brings back what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

import structlog

from ipcc.contracts.acd import EntryOutcome
from ipcc.contracts.ivr import IvrPayload
from ipcc.errors import IpccError, SwitchDown, SwitchRefused
from ipcc.esl.wire import WireError
from services.ivr.asking import Asking
from services.ivr.core.actions import (
    Action,
    AskCallback,
    BankAnswer,
    CallBank,
    CallerGone,
    CallService,
    Collect,
    Connect,
    Connected,
    Faxed,
    Input,
    JoinQueue,
    Listen,
    Play,
    Played,
    QueueKeyed,
    QueueLeft,
    Record,
    Recorded,
    SendFax,
    Stopped,
)
from services.ivr.core.flow import Flow, Node
from services.ivr.core.proofs import Proof, proof_of
from services.ivr.core.session import Moved, Session, abort, advance, answered, note_answer
from services.ivr.ports import LineLost, Standing, Surroundings
from services.ivr.speaking import Speaking
from services.ivr.waiting import Stay

log = structlog.get_logger(__name__)

RETRY_S = 1.0
SAFETY_NET_EVERY_S = 60.0
# what was cut short on the switch comes back at once, or not at all
STOP_S = 1.0


class Runner:
    """One session from its first action to its end. ``session`` is where it stands now.

    ``is_back``: the caller was here before, served by another replica or over a link that was lost: he has been answered,
    and in a queue he may hear music already, or his agent.
    """

    def __init__(self, flow: Flow, moved: Moved, around: Surroundings, *, is_back: bool = False) -> None:
        self.session: Session = moved.session
        self.proof: Proof | None = proof_of(moved.session)
        """Who the customer has proved to be, and the number he has keyed: for what his agent orders in the same call."""
        self.since: datetime = around.clock.now()
        self.flow_id, self.flow_version = flow.id, flow.version
        self._flow = flow
        self._action = moved.action
        self._around = around
        self._is_back = is_back
        # the place in a queue that is his, also while he is asked for the number to be called back at
        self._place: JoinQueue | None = None
        self._ending: CallerGone | Stopped | None = None
        self._ending_at: datetime | None = None
        self._over = asyncio.Event()
        self._asking = Asking(moved.session.call_id, around.line, self._is_ending, self._note_loss)
        self._speaking = Speaking(around, self._asking, self._is_ending)

    @property
    def standing(self) -> Node:
        """The node where the session stands."""
        return self._flow.nodes[self.session.at]

    @property
    def queue(self) -> str:
        """The queue he waits in; empty when he does not."""
        return self._place.queue_id if self._place is not None else ""

    async def run(self) -> None:
        """Until the session is over. Cancelling it leaves the caller where he is, for another replica to find.

        Raises what is a fault of ours; the caller is then still on the line.
        """
        net = asyncio.get_running_loop().create_task(self._keep_safety_net())
        if self.session.lent_to:
            # whoever lent the leg looks after it: the net would carry off a caller who is expected back
            net.cancel()
        try:
            if await self._prepare() == CallerGone():
                self._take(CallerGone())
            while self._action is not None:
                action = self._action
                self._go_on(await self._safely(partial(self._perform, action)))
                self._is_back = False
        finally:
            net.cancel()
            self._over.set()

    def leave(self) -> bool:
        """The caller is gone. True when the bank is being asked for him, or he was leaving a message: what became of it is told first,
        then he is."""
        self._end_with(CallerGone())
        return self._asking.due is not None or isinstance(self._action, Record)

    async def stop(self) -> None:
        """Whoever lent the leg takes it back: what is said or asked is cut short, a question to the bank answered first."""
        self._end_with(Stopped())
        if self._asking.due is not None:
            await asyncio.wait({self._asking.due})
        else:
            await self._quieten()
        try:
            async with asyncio.timeout(STOP_S):
                await self._over.wait()
        except TimeoutError:
            log.warning("session_cut_short", call_id=self.session.call_id, flow_node=self.session.at)

    async def give_away(self) -> None:
        """He goes to the safety net: no agent shall be rung for a caller who waits in the queue no more."""
        if self._place is not None:
            await self._around.queues.leave(self._place.entry_id, self._place.queue_id)

    async def settle(self) -> None:
        """He is gone, or with somebody: what became of what a replica that died may have ordered for him is told all the same."""
        if isinstance(self._action, CallBank) and self._action.is_settled:
            given = await self._around.answer_of(self._action, self.session.order_key())
            self._around.tell(note_answer(self._flow, self.session, given))
            self.session = answered(self._flow, self.session, given)

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

    def taken(self) -> tuple[IvrPayload, ...]:
        """Somebody else has joined the caller to somebody while nobody of ours looked: end the session so and say so."""
        self._end_with(Stopped())
        return self.ended()

    def failed(self) -> tuple[IvrPayload, ...]:
        """We cannot go on: end the session where it stands and say so."""
        moved = abort(self._flow, self.session, self._around.clock.now())
        self.session, self._action = moved.session, None
        return moved.facts

    def _end_with(self, ending: CallerGone | Stopped) -> None:
        self._ending = ending
        self._ending_at = self._ending_at or self._around.clock.now()

    def _is_ending(self) -> bool:
        return self._ending is not None

    def _note_loss(self) -> None:
        self._end_with(CallerGone())

    def _moment(self) -> datetime:
        return self._ending_at or self._around.clock.now()

    def _go_on(self, given: Input) -> None:
        if self._ending is None or isinstance(given, CallerGone):
            self._take(given)
            return
        if isinstance(given, BankAnswer | Faxed | Recorded):
            self._around.tell(note_answer(self._flow, self.session, given))
            self.session = answered(self._flow, self.session, given)
        self._take(self._ending)

    def _take(self, given: Input) -> None:
        moved = advance(self._flow, self.session, given, self._moment())
        self.session, self._action = moved.session, moved.action
        if not moved.session.outcome:
            self.proof = proof_of(moved.session)
        self._around.tell(self._around.sealed(moved))

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
        if self._place is not None or isinstance(self._action, Connect | None):
            # he may be talking by now: acd, or the switch, is asked first
            return
        try:
            await self._around.line.cut_short()
            await self._around.line.wipe()
        except (LineLost, SwitchDown, SwitchRefused, WireError) as error:
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

    async def _prepare(self) -> Input:
        if not self._is_back:
            return await self._safely(self._answer)
        if isinstance(self._action, JoinQueue | Connect):
            # he may be talking: nothing is done to his leg before that is known
            return await self._safely(self._hear)
        given = await self._safely(self._answer)
        # what he keyed for the replica that died must not stay on his channel
        return given if isinstance(given, CallerGone) else await self._safely(self._wipe)

    async def _hear(self) -> Input:
        await self._around.line.hear()
        return Played()

    async def _answer(self) -> Input:
        await self._around.line.answer()
        return Played()

    async def _wipe(self) -> Input:
        await self._around.line.wipe()
        return Played()

    async def _perform(self, action: Action) -> Input:
        if isinstance(action, Play | Collect | Record | Listen):
            said = await self._speaking.say(self.session, action)
            self._asking.note_quiet()
            return said
        if isinstance(action, CallBank):
            return await self._asking.ask(self._around.answer_of(action, self.session.order_key()))
        if isinstance(action, CallService):
            return await self._asking.ask(self._around.systems.ask(action))
        if isinstance(action, SendFax):
            return await self._speaking.fax(self.session, action)
        if isinstance(action, JoinQueue):
            return await self._wait(action)
        if isinstance(action, AskCallback):
            return await self._ask_callback(action)
        if isinstance(action, Connect):
            # he may be talking already: a second call is not made beside the first
            how = await self._around.line.rejoin() if self._is_back else ""
            return Connected(how or await self._around.line.connect(action))
        await self._around.line.hang_up(action.cause)
        return Played()

    async def _wait(self, wanted: JoinQueue) -> Input:
        is_quiet = self._place is not None and not self._is_back
        self._place = wanted
        found = await Stay(self._around, self.session, wanted, is_back=self._is_back, is_quiet=is_quiet).last()
        if not isinstance(found, QueueKeyed):
            self._place = None
        self._asking.note_quiet()
        return found

    async def _ask_callback(self, wanted: AskCallback) -> Input:
        found = await self._asking.ask(self._around.queues.call_back(self.session, wanted))
        if found.outcome == "taken":
            # who hangs up now gives up nothing
            self._place = None
        return found

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
        if self._place is None:
            return True
        standing = await Stay(self._around, self.session, self._place).confirm()
        return isinstance(standing, Standing) and not standing.is_offered
