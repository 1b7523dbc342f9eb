"""A customer is sent through a flow of ivr (a password, a payment) and comes back with its results; his agent hears nothing of it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from ipcc.bus import Requester
from ipcc.call.model import Leg
from ipcc.contracts import call as told
from ipcc.contracts.ivr import RunFlow, StopFlow
from ipcc.contracts.tags import LegRole
from ipcc.errors import Invalid, IpccError, NotNow, Unavailable
from ipcc.esl.commands import UuidTransfer, Whose
from ipcc.ids import CallId
from ipcc.logging import SECRET_KEYS
from ipcc.tasks import Tasks
from services.ctiserver.consulting import SUITE
from services.ctiserver.core.control import attachable
from services.ctiserver.masking import mask, unmask
from services.ctiserver.steering import Steering, about
from services.ctiserver.telephony import Telephony

log = structlog.get_logger(__name__)

OVERDUE = "overdue"
"""The outcome when ivr does not let go of somebody: he was taken back by force."""
GONE_ON = frozenset({"transferred", "answered_by_agent"})
"""Outcomes of a flow that has sent the caller elsewhere: he is not fetched back from there."""
_FLOW_ID = re.compile(r"^[A-Za-z0-9_.-]{1,64}$")


@dataclass(frozen=True)
class Order:
    """What an agent has prepared for a flow, as which session: ``inputs`` to know the same order again, ``sealed`` for ivr."""

    session_id: str
    inputs: Mapping[str, str] = field(repr=False)
    sealed: str = field(repr=False, compare=False)
    roles: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()


@dataclass(frozen=True)
class Errand:
    """A walk through a flow: which, as which session, who wants it, and what he has prepared for it."""

    flow_id: str
    session_id: str
    by: str = ""
    order: Order | None = None


@dataclass(frozen=True)
class Back:
    """What became of it."""

    session_id: str
    outcome: str
    results: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Flows:
    """See Steering for what they raise.

    While the customer walks, nobody is bridged to him and the recording of the agent's leg is masked: of what he keys and says there is
    nothing to hear, at the phone or on the recording.
    """

    steering: Steering
    telephony: Telephony
    requester: Requester
    tasks: Tasks
    ask_timeout_s: float

    async def send(self, leg: Leg, errand: Errand) -> Leg:
        """The partner walks through the flow, the agent waits with music; returns his leg when the flow has begun.

        When ivr refuses or does not answer in time, the two are joined again and it is raised: flow.no_answer, or ivr's own code.
        """
        check_flow_id(errand.flow_id)
        leg, other = await self._part(leg)
        await self.steering.play_music(self.steering.leg(leg.leg_id))
        await self._begin(leg, other, errand)
        self._tell_sent(other, errand, leg)
        return self.steering.leg(leg.leg_id)

    async def send_for_good(self, leg: Leg, errand: Errand) -> Leg:
        """The partner walks through the flow and the agent is out. At its end, if it ends with him here, a human answers at the net."""
        check_flow_id(errand.flow_id)
        leg, other = await self._part(leg)
        await self._begin(leg, other, errand)
        self._tell_sent(other, errand, None)
        await self.steering.end(self.steering.leg(leg.leg_id))
        return self.steering.leg(other.leg_id)

    async def take_back(self, leg: Leg, by: str) -> Leg:
        """The agent wants him back before the flow is over; returns his leg when they talk. By force when ivr does not let go."""
        steering = self.steering
        walking = next(other for other in steering.waiting_for(leg) if other.in_flow)
        stay = walking.in_flow
        session_id = stay.session_id if stay else ""
        try:
            await self.requester.ask(StopFlow(call_id=leg.call_id, session_id=session_id, by=by), self.ask_timeout_s)
            return await steering.until(lambda now: now.bridged_to == walking.leg_id, leg, "take_back")
        except NotNow:
            if not steering.leg(leg.leg_id).is_live:
                raise
        except IpccError as error:
            log.warning("flow_not_stopped", session_id=session_id, reason=str(error))
        await self.bring_back(steering.leg(walking.leg_id), Back(session_id, OVERDUE))
        return await steering.until(lambda now: now.bridged_to == walking.leg_id, leg, "take_back")

    async def stop(self, walking: Leg) -> None:
        """Order ivr to let go of somebody; that it does not is looked for, not waited for."""
        if walking.in_flow:
            await self._stop(walking, walking.in_flow.session_id)

    async def bring_back(self, walking: Leg, back: Back) -> None:
        """He is out of the flow: its results go to the call, and he to the agent who waits, else to the net: a customer is not lost.

        Nothing when he is back already.
        """
        steering = self.steering
        walking = steering.leg(walking.leg_id)
        stay = walking.in_flow
        if stay is None or stay.session_id != back.session_id:
            return
        agent = steering.ear.book.leg(walking.waits_for) if walking.waits_for else None
        results = attachable(back.results, SECRET_KEYS)
        fields = about(walking) | {"session_id": stay.session_id, "flow_id": stay.flow_id}
        by = agent.leg_id if agent else ""
        steering.tell(told.PartyBackFromFlow(**fields, by_leg_id=by, outcome=back.outcome, results=results))
        self._attach(walking, results)
        if back.outcome in GONE_ON and walking.is_live:
            steering.retrieve(steering.leg(walking.leg_id))
        elif walking.is_live and agent and agent.is_live:
            # he still hears nothing but music, and who joins him next may be sent away again at once
            await unmask(steering, agent)
            await steering.join_for_good(agent, walking)
        elif walking.is_live:
            await steering.to_net(walking)

    async def _part(self, leg: Leg) -> tuple[Leg, Leg]:
        """Both are parked, apart, and the recording is silent from before that moment."""
        steering = self.steering
        if leg.is_held:
            leg = await self.telephony.unhold(leg)
        other = steering.partner(leg)
        if other.role is not LegRole.CUSTOMER:
            raise NotNow("party.not_customer", "only a customer is sent to a flow", leg_id=other.leg_id)
        await mask(self.steering, leg)
        steering.set_aside(other, leg)
        try:
            await steering.api(leg, UuidTransfer(leg.leg_id, "park", SUITE, whose=Whose.BOTH))
            await steering.until(lambda now: now.bridged_to is None, other, "send_to_flow")
        except IpccError:
            if steering.leg(other.leg_id).bridged_to == leg.leg_id:
                steering.retrieve(steering.leg(other.leg_id))
                await unmask(self.steering, leg)
            raise
        return steering.leg(leg.leg_id), steering.leg(other.leg_id)

    async def _begin(self, leg: Leg, other: Leg, errand: Errand) -> None:
        call, ordered = self.steering.call(other.call_id), errand.order
        order = RunFlow(
            call_id=other.call_id,
            session_id=errand.session_id,
            leg_id=other.leg_id,
            node_id=other.node_id,
            flow_id=errand.flow_id,
            language=call.data.get("language", ""),
            data=dict(call.data),
            by=errand.by,
            sealed=ordered.sealed if ordered else "",
            roles=ordered.roles if ordered else (),
            skills=ordered.skills if ordered else (),
        )
        try:
            await self.requester.ask(order, self.ask_timeout_s)
        except IpccError as error:
            is_unknown = isinstance(error, Unavailable)
            if is_unknown:
                # ivr may have begun at the last moment, and never said so
                self.tasks.once(f"stop flow {errand.session_id}", self._stop(other, errand.session_id))
            await unmask(self.steering, leg)
            await self.steering.join_for_good(self.steering.leg(leg.leg_id), self.steering.leg(other.leg_id))
            if is_unknown:
                raise Unavailable("flow.no_answer", f"flow {errand.flow_id} was not begun: {error.message}") from None
            raise

    async def _stop(self, walking: Leg, session_id: str) -> None:
        with contextlib.suppress(IpccError):
            await self.requester.ask(StopFlow(call_id=walking.call_id, session_id=session_id), self.ask_timeout_s)

    def _tell_sent(self, other: Leg, errand: Errand, waits: Leg | None) -> None:
        by = waits.leg_id if waits else ""
        fields = about(other) | {"session_id": errand.session_id, "flow_id": errand.flow_id}
        self.steering.tell(told.PartySentToFlow(**fields, by_leg_id=by))

    def _attach(self, walking: Leg, results: dict[str, str]) -> None:
        steering = self.steering
        call = steering.ear.book.call(walking.call_id)
        if results and call and call.ended_at is None:
            fold = steering.ear.fold
            steering.ear.tell(fold.attach(CallId(walking.call_id), results, steering.clock.now()))


def check_flow_id(flow_id: str) -> None:
    """Raises Invalid for what is no name of a flow; whether there is one, ivr says."""
    if not _FLOW_ID.match(flow_id):
        raise Invalid("flow.invalid", "a flow's name has letters, digits, _ . -")
