"""Whom a request means, and how he is dialled: the agent's phone first, then the number he wants."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ipcc.call.model import Leg
from ipcc.contracts.acd import AgentState
from ipcc.contracts.call import Direction
from ipcc.contracts.config import DialRule
from ipcc.contracts.tags import LegRole, is_line
from ipcc.dialling import Reacher, Route, is_outside, route_of
from ipcc.errors import Invalid, NotFound, NotNow, SwitchDown
from ipcc.esl.dialstring import Gateway, User, offered_by, place_of
from ipcc.esl.headers import HangupCause
from ipcc.esl.port import SwitchNode
from ipcc.ids import LegId, NodeId
from services.ctiserver.core.desktop import Desktops
from services.ctiserver.core.dialling import Target, TargetKind
from services.ctiserver.directory import Directory
from services.ctiserver.requests import leg_for
from services.ctiserver.ringing import Dialled, Ringing, Running
from services.ctiserver.steering import Steering


@dataclass(frozen=True)
class Asker:
    """Who asks, with what rights, by which request; ``behalf`` is the agent whose leg or phone it is about."""

    subject: str
    roles: Collection[str]
    request_id: str = ""
    behalf: str = ""

    def leg(self, part: str = "") -> LegId:
        """The leg this request dials."""
        return leg_for(self.subject, self.request_id, part)


@dataclass(frozen=True)
class Dialling:
    """Knows phones, agents and dial rules; ``rules`` hold where none are administered."""

    directory: Directory
    desktops: Desktops
    steering: Steering
    ringing: Ringing
    rules: Sequence[DialRule]

    def whom(self, target: Target, asker: Asker, part: str = "") -> Dialled:
        """How ``target`` is dialled.

        Raises NotFound, NotNow (phone.not_registered, agent.no_phone), NotAllowed and Invalid of the dial rules.
        """
        if target.kind in (TargetKind.QUEUE, TargetKind.FLOW):
            raise Invalid(f"target.{target.kind}", f"a {target.kind} can only be sent to")
        if target.kind is TargetKind.AGENT:
            return self.agent(target.value, asker, part)
        if target.kind is TargetKind.PHONE:
            return self.phone(target.value, asker.leg(part))
        route = self.route(target.value, asker)
        if not route.gateway:
            return self.phone(route.number, asker.leg(part))
        return Dialled(Gateway(route.gateway, route.number), asker.leg(part), address=route.number)

    def route(self, number: str, asker: Asker) -> Route:
        """Where a number goes by the rules of who asks; a system of the bank has those of the agent it asks for.

        Raises Invalid and NotAllowed as `ipcc.dialling.route_of`, and Unavailable while the configuration is not read.
        """
        known = self.directory.user_or_none(asker.subject)
        judged = known or (self.directory.user_or_none(asker.behalf) if asker.behalf else None)
        roles = set(asker.roles) if known or judged is None else {*asker.roles, *judged.roles}
        rules = self.directory.dial_rules(judged.organisation if judged else "", self.rules)
        return route_of(number, rules, Reacher(roles, tuple(judged.skills) if judged else ()))

    def agent(self, agent_id: str, asker: Asker, part: str = "") -> Dialled:
        """An agent (or supervisor) at the phone or number he signed in at, else at his own phone."""
        place = self.phone_of(agent_id)
        endpoint = place_of(place, self.steering.ways.phone_domain)
        return Dialled(endpoint, asker.leg(part), agent_id, place, self._registered_at(place))

    def phone_of(self, agent_id: str) -> str:
        """The phone, or the number outside, he is rung at. Raises NotFound, NotNow."""
        user = self.directory.user(agent_id)
        now = self.desktops.agents.get(agent_id)
        is_in = now is not None and now.changed.state is not AgentState.OUT and bool(now.changed.phone_id)
        phone = now.changed.phone_id if now and is_in else user.phone
        if not phone:
            raise NotNow("agent.no_phone", f"{agent_id} is signed in at no phone and has none", agent_id=agent_id)
        if not is_outside(phone):
            self.directory.check_phone(phone)
        return phone

    def agent_at(self, phone_id: str) -> str:
        """Who is signed in at the phone, else whose own it is. Raises NotFound."""
        for agent_id, now in self.desktops.agents.items():
            if now.changed.phone_id == phone_id and now.changed.state is not AgentState.OUT:
                return agent_id
        for user in self.directory.users():
            if user.phone == phone_id:
                return user.id
        raise NotFound("phone.unknown", f"nobody is at phone {phone_id}", phone_id=phone_id)

    async def dial(self, agent_id: str, target: Target, asker: Asker) -> Leg:
        """Ring the agent's phone; when he answers, the switch itself dials the target from there. Returns his leg, dialled.

        A target that cannot be reached ends his leg with the cause. Raises as ``whom``, and NotNow (party.unreachable).
        """
        steering = self.steering
        mine = self.agent(agent_id, asker, "agent")
        theirs = self.whom(target, replace(asker, behalf=agent_id), "target")
        outside = isinstance(theirs.endpoint, Gateway) and not theirs.agent_id
        direction = Direction.OUTBOUND if outside else Direction.INTERNAL
        call_id = mine.leg_id
        there = {"ipcc_direction": direction.value, "ipcc_dialled": theirs.address}
        role = LegRole.CUSTOMER if outside else LegRole.AGENT
        node = self.node_of(mine.address)
        tagged = self.ringing.tags_of(theirs, call_id, role) | there | offered_by(is_line(mine.address))
        string = self.ringing.dial_string(node.node_id, theirs, tagged)
        variables = self.ringing.tags_of(mine, call_id, LegRole.AGENT) | there
        self.ringing.begin(node, self.ringing.order(node.node_id, mine, Running("bridge", string), variables))
        leg = await steering.until_known(mine.leg_id)
        if leg is None or not leg.is_live:
            cause = leg.cause if leg else HangupCause.DESTINATION_OUT_OF_ORDER.name
            raise NotNow("party.unreachable", f"phone {mine.address} could not be rung: {cause}", cause=cause)
        return leg

    def phone(self, phone_id: str, leg_id: LegId) -> Dialled:
        """A phone of ours. Raises NotFound, NotNow."""
        self.directory.check_phone(phone_id)
        endpoint = User(phone_id, self.steering.ways.phone_domain)
        return Dialled(endpoint, leg_id, address=phone_id, node_id=self._registered_at(phone_id))

    def _registered_at(self, phone_id: str) -> str:
        state = self.directory.phone_state(phone_id)
        return state.node_id if state else ""

    def node_of(self, phone_id: str) -> SwitchNode:
        """Where a phone is rung: its own node, else any that is reached. Raises SwitchDown."""
        state = self.directory.phone_state(phone_id)
        if state and state.node_id:
            return self.steering.switches.node(NodeId(state.node_id))
        for node in self.steering.switches.nodes():
            if node.is_up:
                return node
        raise SwitchDown("switch.down", "no switch is reached")
