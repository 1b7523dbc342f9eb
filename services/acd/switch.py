"""ESL out and in: ring an agent, join him to his caller, end a leg; and report what the switch made of it.

``+OK`` is never taken for done: an originate is done when its job says so under our uuid, a bridge when CHANNEL_BRIDGE names
both legs. What was asked without an answer (the link broke) is looked up by its uuid, never asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from ipcc.dialling import is_outside
from ipcc.errors import Invalid, NotFound, SwitchDown, SwitchRefused
from ipcc.esl import meaning as m
from ipcc.esl.commands import UuidBridge, UuidDump, UuidKill
from ipcc.esl.headers import EventName, HangupCause
from ipcc.esl.listing import dump_from_json
from ipcc.esl.normalise import normalise
from ipcc.esl.port import SubscriptionPlan, Switches, SwitchNode
from ipcc.esl.wire import SwitchEvent, WireError
from ipcc.ids import LegId, NodeId
from ipcc.tasks import Tasks
from services.acd.core.effects import DialCustomer, Effect, EndLeg, JoinLegs, RingAgent
from services.acd.core.inputs import Joined, JoinFailed, PickedUp, Rang, RingFailed
from services.acd.originates import Dialling, originate_of

log = structlog.get_logger(__name__)

ACD_LEGS = SubscriptionPlan(
    events=(
        EventName.CHANNEL_PROGRESS,
        EventName.CHANNEL_PROGRESS_MEDIA,
        EventName.CHANNEL_ANSWER,
        EventName.CHANNEL_BRIDGE,
        EventName.CHANNEL_HANGUP,
    )
)
JOB_MARGIN_S = 10.0
LINK_RETRY_S = 0.5
LOOKS = 4
DIALLED_WITHIN_S = 1.0
UNKNOWN_CAUSE = "NETWORK_OUT_OF_ORDER"
UNRENDERABLE_CAUSE = "INVALID_NUMBER_FORMAT"

Report = Callable[[object], None]


@dataclass
class Hands:
    """Carries out the effects of one domain's owner and reports results to ``report``."""

    switches: Switches
    dialling: Dialling
    report: Report
    may_act: Callable[[], bool] = lambda: True
    """Asked right before something is begun on a switch that cannot be taken back."""
    tasks: Tasks = field(default_factory=Tasks)
    _ringing: dict[LegId, asyncio.Event] = field(default_factory=dict)
    """Legs whose dialling is under way, each with what tells that it is over."""
    _confirming: set[LegId] = field(default_factory=set)
    """Those of them that are answered only when a key was pressed: the end of the dialling tells, no event does."""
    _ended: dict[LegId, HangupCause] = field(default_factory=dict)
    _joining: dict[LegId, asyncio.Future[bool]] = field(default_factory=dict)
    _stop_listening: list[Callable[[], None]] = field(default_factory=list)

    def start(self) -> None:
        """Hear all nodes."""
        for node in self.switches.nodes():
            self._stop_listening.append(node.listen(self._hearing(node)))

    async def stop(self) -> None:
        """Do nothing more; what was begun is left to whoever reconciles."""
        for stop in self._stop_listening:
            stop()
        self._stop_listening.clear()
        await self.tasks.stop()

    def carry_out(self, effect: Effect) -> None:
        """Begin ``effect``; never waits."""
        match effect:
            case RingAgent() | DialCustomer():
                self._ringing[LegId(effect.leg_id)] = asyncio.Event()
                if isinstance(effect, RingAgent) and self.dialling.confirm_key and is_outside(effect.phone_id):
                    self._confirming.add(LegId(effect.offer_id))
                self.tasks.once(f"ring {effect.leg_id}", self._ring(effect))
            case JoinLegs():
                self.tasks.once(f"join {effect.offer_id}", self._join(effect))
            case EndLeg():
                leg = LegId(effect.leg_id)
                if leg in self._ringing:
                    # its dialling is under way: whatever comes of it later is ended, too
                    self._ended[leg] = HangupCause[effect.cause]
                self.tasks.once(f"end {effect.leg_id}", self._end(effect))

    def carry_out_unstored(self, effect: JoinLegs | EndLeg) -> None:
        """Begin ``effect`` without the broker, of which one who was cut off from it alone could be wrong: whoever has somebody to
        talk to is left with him. Never waits."""
        match effect:
            case JoinLegs():
                self.tasks.once(f"join {effect.offer_id}", self._join_unstored(effect))
            case EndLeg():
                node, leg, cause = self.switches.node(NodeId(effect.node_id)), LegId(effect.leg_id), effect.cause
                if leg in self._ringing:
                    self._ended[leg] = HangupCause[cause]
                self.tasks.once(f"end {leg}", self._end_late(node, leg, HangupCause[cause]))

    # --- ring ----------------------------------------------------------------------------------
    async def _ring(self, effect: RingAgent | DialCustomer) -> None:
        leg = LegId(effect.leg_id)
        if isinstance(effect, DialCustomer) and not effect.phone_number:
            log.warning("customer_not_dialled", leg_id=leg, reason="the dial plan does not allow his number any more")
            self._ringing.pop(leg).set()
            self.report(RingFailed(leg, HangupCause.OUTGOING_CALL_BARRED.name))
            return
        caller = [LegId(effect.caller_leg_id)] if isinstance(effect, RingAgent) and effect.caller_leg_id else []
        try:
            node = self.switches.node(NodeId(effect.node_id))
            if not self.may_act():
                log.warning(
                    "not_dialled", leg_id=leg, reason="this process stood still: the offer may be another's to make"
                )
                return
            # sent first and not waited for: a phone takes longer to ring than the switch to take a filter
            for other in [leg, *caller]:
                node.begin_watch(other)
            text = await node.job(originate_of(effect, self.dialling), effect.ring_s + JOB_MARGIN_S)
        except SwitchRefused as refused:
            self.report(RingFailed(leg, refused.cause or UNKNOWN_CAUSE))
            await self._forget(node, leg, *caller)
        except SwitchDown:
            await self._find_out(effect)
        except (Invalid, NotFound) as error:
            log.error("cannot_be_dialled", leg_id=leg, reason=error.message)
            self.report(RingFailed(leg, UNRENDERABLE_CAUSE))
        else:
            await self._rung(node, leg, LegId(text.strip()))
        finally:
            self._ringing.pop(leg).set()
            self._confirming.discard(leg)
            self._ended.pop(leg, None)

    async def _rung(self, node: SwitchNode, leg: LegId, came: LegId) -> None:
        if came != leg:
            # the uuid was in use: what came under another one is nobody's leg
            log.error("leg_came_under_another_uuid", offer_id=leg, leg_id=came)
            await self._kill(node, came, HangupCause.NORMAL_TEMPORARY_FAILURE)
            self.report(RingFailed(leg, HangupCause.DESTINATION_OUT_OF_ORDER.name))
        elif leg in self._ended:
            await self._kill(node, leg, self._ended[leg])
        else:
            self.report(PickedUp(leg, node.node_id))

    async def _find_out(self, effect: RingAgent | DialCustomer) -> None:
        """Whether the phone was dialled is unknown: look it up when the link is back."""
        node = self.switches.node(NodeId(effect.node_id))
        if not await self._exists(node, LegId(effect.leg_id)):
            self.report(RingFailed(effect.leg_id, UNKNOWN_CAUSE))

    # --- join ----------------------------------------------------------------------------------
    async def _join(self, effect: JoinLegs) -> None:
        caller, agent = LegId(effect.caller_leg_id), LegId(effect.agent_leg_id)
        if agent in self._joining:
            return
        node = self.switches.node(NodeId(effect.node_id))
        heard: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._joining[agent] = heard
        try:
            # CHANNEL_BRIDGE comes on the leg named first only (recorded fact 5)
            await node.watch(caller)
            await self._dialled(agent)
            await self._dialled(caller)
            await node.api(UuidBridge(caller, agent))
            async with asyncio.timeout(self.dialling.join_timeout_s):
                await heard
        except (TimeoutError, SwitchRefused, SwitchDown):
            await self._look_at_pair(node, caller, agent)
        else:
            self.report(Joined(agent))
        finally:
            del self._joining[agent]
            await self._forget(node, caller, agent)

    async def _join_unstored(self, effect: JoinLegs) -> None:
        caller, agent = LegId(effect.caller_leg_id), LegId(effect.agent_leg_id)
        node = self.switches.node(NodeId(effect.node_id))
        if await self._partner(node, caller) is None and await self._partner(node, agent) is None:
            await self._join(effect)

    async def _dialled(self, leg: LegId) -> None:
        """CHANNEL_ANSWER comes before the switch puts its parking on the leg, which would undo a bridge ordered in between:
        the end of the originate is the signal."""
        dialling = self._ringing.get(leg)
        if dialling is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(DIALLED_WITHIN_S):
                    await dialling.wait()

    async def _look_at_pair(self, node: SwitchNode, caller: LegId, agent: LegId) -> None:
        """Look until they are joined or one is gone. Two that are there and not joined yet get a little more time: to end one
        in the moment of joining would end both."""
        for _ in range(LOOKS):
            is_agent_alive = await self._exists(node, agent)
            is_caller_alive = await self._exists(node, caller)
            if not (is_agent_alive and is_caller_alive):
                break
            if await self._partner(node, agent) == caller:
                self.report(Joined(agent))
                return
            await asyncio.sleep(self.dialling.join_timeout_s)
        log.warning("legs_not_joined", offer_id=agent, caller_alive=is_caller_alive, agent_alive=is_agent_alive)
        self.report(JoinFailed(agent, is_caller_alive, is_agent_alive))

    # --- end -----------------------------------------------------------------------------------
    async def _end(self, effect: EndLeg) -> None:
        leg, cause = LegId(effect.leg_id), HangupCause[effect.cause]
        node = self.switches.node(NodeId(effect.node_id))
        try:
            await node.api(UuidKill(leg, cause))
        except SwitchRefused:
            return  # there is no such leg: done, or not yet there, which ``_ended`` remembers
        except SwitchDown:
            await self._end_late(node, leg, cause)
        finally:
            if leg not in self._ringing:
                await self._forget(node, leg)

    async def _end_late(self, node: SwitchNode, leg: LegId, cause: HangupCause) -> None:
        """The link was cut: meanwhile the leg may have become a conversation, and that is never ended blindly."""
        if await self._exists(node, leg) and await self._partner(node, leg) is None:
            await self._kill(node, leg, cause)

    async def _kill(self, node: SwitchNode, leg: LegId, cause: HangupCause) -> None:
        try:
            await node.api(UuidKill(leg, cause))
        except (SwitchRefused, SwitchDown) as error:
            log.info("leg_not_ended", leg_id=leg, reason=str(error))

    # --- watch ---------------------------------------------------------------------------------
    async def _forget(self, node: SwitchNode, *legs: LegId) -> None:
        for leg in legs:
            await node.unwatch(leg)

    # --- ask -----------------------------------------------------------------------------------
    async def _exists(self, node: SwitchNode, leg: LegId) -> bool:
        while True:
            try:
                return await node.exists(leg)
            except SwitchDown:
                await asyncio.sleep(LINK_RETRY_S)

    async def _partner(self, node: SwitchNode, leg: LegId) -> LegId | None:
        while True:
            try:
                return dump_from_json(await node.api(UuidDump(leg))).partner_id
            except SwitchDown:
                await asyncio.sleep(LINK_RETRY_S)
            except (SwitchRefused, WireError):
                return None

    # --- hear ----------------------------------------------------------------------------------
    def _hearing(self, node: SwitchNode) -> Callable[[SwitchEvent], None]:
        def hear(event: SwitchEvent) -> None:
            if event.name in ACD_LEGS.events:
                for meant in normalise(event):
                    self._hear(node, meant)

        return hear

    def _hear(self, node: SwitchNode, meant: m.Meaning) -> None:
        match meant:
            case m.LegRinging(leg) | m.LegEarlyMedia(leg) if leg in self._ringing:
                self._react(node, leg, Rang(leg, node.node_id))
            case m.LegAnswered(leg) if leg in self._ringing and leg not in self._confirming:
                self._react(node, leg, PickedUp(leg, node.node_id))
            case m.LegHungUp(leg_id=leg, cause=cause) if leg in self._ringing and leg not in self._joining:
                # one that is being joined is judged by the look at both: who left first cannot be told from here
                self.report(RingFailed(leg, cause))
            case m.LegsBridged(leg_id=one, other_leg_id=other):
                for leg in (one, other):
                    future = self._joining.get(leg)
                    if future is not None and not future.done():
                        future.set_result(True)

    def _react(self, node: SwitchNode, leg: LegId, given: Rang | PickedUp) -> None:
        if leg in self._ended:
            self.tasks.once(f"end late {leg}", self._kill(node, leg, self._ended[leg]))
        else:
            self.report(given)
