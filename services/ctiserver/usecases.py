"""What is asked of ctiserver: agents who sign in, calls that are controlled; checked against what is known, answered when done."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ipcc.audit import Audit
from ipcc.bus import Requester
from ipcc.call.model import Call, Leg
from ipcc.contracts.acd import AcdCommand, EndWrapUp, SetNotReady, SetReady, SignIn, SignOut
from ipcc.contracts.config import DialRule
from ipcc.contracts.tags import is_line
from ipcc.dialling import Reacher, route_of
from ipcc.errors import Invalid, IpccError, NotAllowed, NotNow, Unavailable
from ipcc.ids import CallId
from ipcc.logging import SECRET_KEYS
from ipcc.metrics import CTI_CONTROL, Metrics
from services.ctiserver.acts import About, told
from services.ctiserver.consulting import Consulting
from services.ctiserver.core.control import Verb, check_data, check_legal, check_supervised
from services.ctiserver.core.dialling import Target, TargetKind
from services.ctiserver.dialling import Asker, Dialling
from services.ctiserver.directory import Directory
from services.ctiserver.flows import Errand, Flows, Order
from services.ctiserver.handovers import Handovers, Waiting
from services.ctiserver.requests import RequestBook
from services.ctiserver.steering import Steering
from services.ctiserver.supervision import Mode, Supervision
from services.ctiserver.switch import Ear
from services.ctiserver.telephony import Telephony

T = TypeVar("T")


@dataclass(frozen=True)
class AgentDesk:
    """What an agent can ask of acd. Every answer is acd's own, every refusal too."""

    directory: Directory
    requester: Requester
    ask_timeout_s: float
    rules: Sequence[DialRule] = ()
    """The dial rules where none are administered."""
    owner_of_line: Callable[[str], str] = lambda _: ""
    """Whose a nailed-up line is."""

    async def sign_in_outside(self, agent_id: str, number: str, ready: bool) -> Mapping[str, Any]:
        """Bind the agent to a number outside that his user and his dial rules allow him.

        Raises NotAllowed (agent.outside, dial.not_allowed) and Invalid (number.invalid).
        """
        user = self.directory.agent(agent_id)
        if user.outside == "no" or (user.outside == "own" and number != user.mobile):
            raise NotAllowed("agent.outside", f"agent {agent_id} may not be rung at this number", agent_id=agent_id)
        rules = self.directory.dial_rules(user.organisation, self.rules)
        route = route_of(number, rules, Reacher(user.roles, tuple(user.skills)))
        if not route.gateway:
            return await self.sign_in(agent_id, route.number, ready)
        return await self._ask(SignIn(domain=user.domain, agent_id=agent_id, phone_id=route.place, ready=ready))

    async def sign_in(self, agent_id: str, phone_id: str | None, ready: bool) -> Mapping[str, Any]:
        """Bind the agent to a phone that can be rung; without ``phone_id`` to the one configured for him.

        Raises NotAllowed (line.not_his) for somebody else's nailed-up line.
        """
        user = self.directory.agent(agent_id)
        chosen = phone_id or user.phone or ""
        if not chosen and not user.capacity.voice:
            # he takes no calls: acd lets him in without one
            return await self._ask(SignIn(domain=user.domain, agent_id=agent_id, phone_id="", ready=ready))
        if not chosen:
            raise NotNow("agent.no_phone", f"agent {agent_id} has no phone of his own: name one", agent_id=agent_id)
        if is_line(chosen) and self.owner_of_line(chosen) != agent_id:
            raise NotAllowed("line.not_his", f"{chosen} is not the line of {agent_id}", agent_id=agent_id)
        self.directory.check_phone(chosen)
        return await self._ask(SignIn(domain=user.domain, agent_id=agent_id, phone_id=chosen, ready=ready))

    async def sign_out(self, agent_id: str, force: bool) -> Mapping[str, Any]:
        """The agent goes."""
        user = self.directory.agent(agent_id)
        return await self._ask(SignOut(domain=user.domain, agent_id=agent_id, force=force))

    async def set_ready(self, agent_id: str) -> Mapping[str, Any]:
        """The agent takes contacts."""
        user = self.directory.agent(agent_id)
        return await self._ask(SetReady(domain=user.domain, agent_id=agent_id))

    async def set_not_ready(self, agent_id: str, reason: str, by: str = "") -> Mapping[str, Any]:
        """The agent takes none, for ``reason``; ``by`` is who puts him there, if it is not he."""
        user = self.directory.agent(agent_id)
        return await self._ask(SetNotReady(domain=user.domain, agent_id=agent_id, reason=reason, by=by))

    async def end_wrap_up(self, agent_id: str, code: str) -> Mapping[str, Any]:
        """The agent has finished his after-call work."""
        user = self.directory.agent(agent_id)
        return await self._ask(EndWrapUp(domain=user.domain, agent_id=agent_id, code=code))

    async def _ask(self, command: AcdCommand) -> Mapping[str, Any]:
        return await self.requester.ask(command, self.ask_timeout_s)


@dataclass(frozen=True)
class Ask:
    """One order about one leg; ``digits`` may be secret. ``order`` is what an agent has prepared for the flow he sends to."""

    verb: Verb
    leg_id: str
    target: Target | None = None
    digits: str = field(default="", repr=False)
    order: Order | None = None


@dataclass(frozen=True)
class Hands:
    """Those who carry verbs out."""

    steering: Steering
    telephony: Telephony
    consulting: Consulting
    handovers: Handovers
    supervision: Supervision
    dialling: Dialling
    flows: Flows


@dataclass
class CallControl:
    """Calls and legs, and what can be done to them. One order at a time per call, but hanging up waits for nobody."""

    hands: Hands
    requests: RequestBook
    metrics: Metrics
    audit: Audit
    _locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    @property
    def ear(self) -> Ear:
        """Who knows the calls."""
        return self.hands.steering.ear

    def call(self, call_id: str) -> Call:
        """Raises NotFound."""
        return self.hands.steering.call(call_id)

    def leg(self, leg_id: str) -> Leg:
        """Raises NotFound."""
        return self.hands.steering.leg(leg_id)

    def has_part(self, agent_id: str, call: Call) -> bool:
        """Whether a leg of the call is or was his."""
        legs = (self.ear.book.leg(leg_id) for leg_id in call.leg_ids)
        return any(leg is not None and leg.agent_id == agent_id for leg in legs)

    def is_in_room(self, agent_id: str, leg: Leg) -> bool:
        """Whether he takes part in the conference of this leg now."""
        legs = (self.ear.book.leg(other) for other in self.call(leg.call_id).live)
        return any(other is not None and other.agent_id == agent_id and other.room == leg.room for other in legs)

    def is_busy(self, call_id: str) -> bool:
        """Whether an order is at work on the call."""
        return call_id in self._locks

    async def do(self, ask: Ask, asker: Asker) -> Leg:
        """Carry the order out and return the leg it is about when the switch has done it.

        Raises NotFound, NotNow (wrong state, or the leg ended meanwhile), NotAllowed (dial rules), Invalid, SwitchDown,
        SwitchRefused, and Unavailable (leg.not_done) when the switch accepted it and did nothing in time.
        """
        # what is remembered holds no digits
        meant = replace(ask, digits="")
        about = About.leg(self.ear.book.leg(ask.leg_id), ask.leg_id, ask.target)
        return await self._once((ask.verb.value, meant), asker, about, lambda: self._do(ask, asker))

    async def dial(self, agent_id: str, target: Target, asker: Asker) -> Leg:
        """Ring the agent's phone, then the target; returns the agent's leg. Raises as ``do``."""
        about = About("agent", agent_id, agent_id)
        return await self._once(
            ("dial", (agent_id, target)), asker, about, lambda: self.hands.dialling.dial(agent_id, target, asker)
        )

    async def pick_up(self, agent_id: str, leg_id: str, asker: Asker) -> Leg:
        """Ring the agent and join him to somebody parked; returns the agent's leg. Raises as ``do``."""
        hands = self.hands

        async def pick() -> Leg:
            parked = self.leg(leg_id)
            return await hands.handovers.pick_up(parked, hands.dialling.agent(agent_id, asker))

        about = About("agent", agent_id, agent_id)
        return await self._once(("pick_up", (agent_id, leg_id)), asker, about, pick)

    async def watch(self, supervisor_id: str, leg_id: str, mode: Mode, asker: Asker) -> Leg:
        """Ring the supervisor and let him hear the leg; returns his leg. Raises as ``do``."""
        hands = self.hands

        async def begin() -> Leg:
            target = self._supervised(leg_id)
            return await hands.supervision.watch(target, hands.dialling.agent(supervisor_id, asker), mode)

        about = About.leg(self.ear.book.leg(leg_id), leg_id)
        return await self._once((mode.value, (supervisor_id, leg_id, mode)), asker, about, begin)

    async def change_mode(self, leg_id: str, mode: Mode, asker: Asker) -> Leg:
        """Listen, whisper or barge from now on; ``leg_id`` is the supervisor's. Raises as ``do``."""
        change = self.hands.supervision.change
        return await self._once(
            (mode.value, (leg_id, mode)), asker, self._heard(leg_id), lambda: change(self.leg(leg_id), mode)
        )

    async def intercept(self, supervisor_id: str, leg_id: str, asker: Asker) -> Leg:
        """The supervisor takes over the call of an agent's leg, or of the one his own leg listens to; returns his leg."""
        hands = self.hands

        async def take() -> Leg:
            leg = self.leg(leg_id)
            if leg.supervises:
                return await hands.supervision.take_over(leg)
            target = self._supervised(leg_id)
            return await hands.supervision.intercept(target, hands.dialling.agent(supervisor_id, asker))

        return await self._once(("intercept", (supervisor_id, leg_id)), asker, self._heard(leg_id), take)

    async def hang_up_call(self, call_id: str, asker: Asker) -> Call:
        """Hang up every leg of the call and return it when all have ended. Raises as ``do``, and NotNow when it is over."""
        call = self.call(call_id)
        his = asker.subject if self.has_part(asker.subject, call) else ""
        async with told(self.audit, asker.subject, "hang_up", About("call", call_id, his)):
            return await self._hang_up_call(call)

    async def _hang_up_call(self, call: Call) -> Call:
        call_id = call.call_id
        if call.ended_at is not None and not call.live:
            raise NotNow("call.ended", f"call {call_id} has ended", call_id=call_id)
        for leg_id in sorted(call.live):
            try:
                await self.do(Ask(Verb.HANG_UP, leg_id), Asker("", ()))
            except NotNow:
                # it ended by itself, often because its partner did
                continue
        return self.call(call_id)

    def attach(self, call_id: str, data: Mapping[str, str]) -> Call:
        """Join business data to a live call. Raises NotFound, NotNow, Invalid, Unavailable."""
        call = self.call(call_id)
        if call.ended_at is not None:
            raise NotNow("call.ended", f"call {call_id} has ended", call_id=call_id)
        check_data(data, SECRET_KEYS)
        if not self.ear.is_attentive:
            raise Unavailable("call.not_ready", "what was told about calls is being read back")
        now = self.hands.steering.clock.now()
        self.ear.tell(self.ear.fold.attach(CallId(call_id), dict(data), now))
        return self.call(call_id)

    def _heard(self, leg_id: str) -> About:
        """An order about an agent's leg, or about the leg of the supervisor who hears it."""
        leg = self.ear.book.leg(leg_id)
        return About.leg(self.ear.book.leg(leg.supervises) if leg and leg.supervises else leg, leg_id)

    async def _once(self, what: tuple[str, Any], asker: Asker, about: About, act: Callable[[], Awaitable[T]]) -> T:
        verb = what[0]

        async def counted() -> T:
            try:
                async with told(self.audit, asker.subject, verb, about):
                    done = await act()
            except IpccError as error:
                self.metrics.count(CTI_CONTROL, verb=verb, result=error.code)
                raise
            self.metrics.count(CTI_CONTROL, verb=verb, result="done")
            return done

        return await self.requests.once((asker.subject, asker.request_id), what, counted)

    async def _do(self, ask: Ask, asker: Asker) -> Leg:
        leg = self.leg(ask.leg_id)
        if ask.verb is Verb.HANG_UP:
            return await self._act(ask, asker)
        lock = self._locks[leg.call_id]
        try:
            async with lock:
                return await self._act(ask, asker)
        finally:
            if not lock.locked():
                self._locks.pop(leg.call_id, None)

    async def _act(self, ask: Ask, asker: Asker) -> Leg:
        leg = self.leg(ask.leg_id)
        check_legal(ask.verb, leg, self.hands.steering.standing(leg))
        return await _ACTS[ask.verb](self.hands, leg, ask, replace(asker, behalf=leg.agent_id))

    def _supervised(self, leg_id: str) -> Leg:
        leg = self.leg(leg_id)
        check_supervised(leg, self.hands.steering.standing(leg))
        return leg


async def _transfer(hands: Hands, leg: Leg, ask: Ask, asker: Asker) -> Leg:
    target = _target(ask)
    if target.kind is TargetKind.QUEUE:
        queue = hands.dialling.directory.queue(target.value)
        return await hands.handovers.enqueue(leg, Waiting(asker.leg("entry"), queue.id, queue.domain))
    if target.kind is TargetKind.FLOW:
        return await hands.flows.send_for_good(leg, Errand(target.value, asker.leg("flow"), asker.subject))
    return await hands.handovers.transfer(leg, hands.dialling.whom(target, asker))


async def _consult(hands: Hands, leg: Leg, ask: Ask, asker: Asker) -> Leg:
    return await hands.consulting.consult(leg, hands.dialling.whom(_target(ask), asker))


async def _add(hands: Hands, leg: Leg, ask: Ask, asker: Asker) -> Leg:
    return await hands.consulting.add(leg, hands.dialling.whom(_target(ask), asker))


async def _send_to_flow(hands: Hands, leg: Leg, ask: Ask, asker: Asker) -> Leg:
    target = _target(ask)
    if target.kind is not TargetKind.FLOW:
        raise Invalid("target.flow", f"send_to_flow needs a flow, not a {target.kind.value}")
    session_id = ask.order.session_id if ask.order else asker.leg("flow")
    return await hands.flows.send(leg, Errand(target.value, session_id, asker.subject, ask.order))


def _target(ask: Ask) -> Target:
    if ask.target is None:
        raise Invalid("target.missing", f"{ask.verb.value} needs to know whom: to")
    return ask.target


_ACTS: Mapping[Verb, Callable[[Hands, Leg, Ask, Asker], Awaitable[Leg]]] = {
    Verb.ANSWER: lambda hands, leg, *_: hands.telephony.answer(leg),
    Verb.HANG_UP: lambda hands, leg, *_: hands.telephony.hang_up(leg),
    Verb.HOLD: lambda hands, leg, *_: hands.telephony.hold(leg),
    Verb.RETRIEVE: lambda hands, leg, *_: hands.telephony.retrieve(leg),
    Verb.MUTE: lambda hands, leg, *_: hands.telephony.mute(leg, True),
    Verb.UNMUTE: lambda hands, leg, *_: hands.telephony.mute(leg, False),
    Verb.SEND_DIGITS: lambda hands, leg, ask, _: hands.telephony.send_digits(leg, ask.digits),
    Verb.TRANSFER: _transfer,
    Verb.CONSULT: _consult,
    Verb.ALTERNATE: lambda hands, leg, *_: hands.consulting.alternate(leg),
    Verb.COMPLETE: lambda hands, leg, *_: hands.consulting.complete(leg),
    Verb.CANCEL: lambda hands, leg, *_: hands.consulting.cancel(leg),
    Verb.CONFERENCE: lambda hands, leg, *_: hands.consulting.confer(leg),
    Verb.ADD: _add,
    Verb.PARK: lambda hands, leg, *_: hands.handovers.park(leg),
    Verb.SEND_TO_FLOW: _send_to_flow,
    Verb.TAKE_BACK: lambda hands, leg, _, asker: hands.flows.take_back(leg, asker.subject),
}
