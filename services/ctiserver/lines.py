"""Nailed-up lines: an agent's phone is rung once and stays up; each contact is joined to it, and its end leaves it standing.

A line is a phone to everybody else (``line-<leg>`` where a phone is named), registered from its answer to its end.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ipcc.bus import Requester
from ipcc.contracts import tags
from ipcc.contracts.acd import SignIn
from ipcc.contracts.config import User
from ipcc.errors import IpccError, NotNow, SwitchDown, SwitchRefused, Unavailable
from ipcc.esl.commands import Originate, UuidKill
from ipcc.esl.headers import HangupCause
from ipcc.ids import LegId, NodeId
from services.ctiserver.core.standing_lines import StandingLines
from services.ctiserver.dialling import Asker, Dialling
from services.ctiserver.ringing import JOB_MARGIN_S
from services.ctiserver.steering import PARK_AFTER

LOOK_EVERY_S = 0.05


@dataclass(frozen=True)
class Lines:
    """Makes and ends lines."""

    dialling: Dialling
    requester: Requester
    ask_timeout_s: float
    standing: StandingLines
    _making: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def nail_up(self, agent_id: str, ready: bool, asker: Asker) -> Mapping[str, Any]:
        """Ring the agent's own phone, leave it standing when he answers, and sign him in there; acd's answer.

        A line of his that stands from before he signed out, or since a moment ago, is not rung for again. Raises NotFound, NotNow
        (agent.no_phone, phone.not_registered, line.stands, party.unreachable), SwitchDown, and, the line hung up again, Unavailable
        (line.not_told) and what acd refuses.
        """
        user = self.dialling.directory.agent(agent_id)
        now = self.dialling.desktops.agents.get(agent_id)
        if now and tags.is_line(now.changed.phone_id) and self._stands(now.changed.phone_id):
            raise NotNow("line.stands", f"the line of {agent_id} stands already", agent_id=agent_id)
        async with self._making[agent_id]:
            for place in filter(self._stands, self.standing.of(agent_id)):
                command = SignIn(domain=user.domain, agent_id=agent_id, phone_id=place, ready=ready)
                return await self.requester.ask(command, self.ask_timeout_s)
            return await self._ring(user, ready, asker)

    async def _ring(self, user: User, ready: bool, asker: Asker) -> Mapping[str, Any]:
        agent_id = user.id
        if not user.phone:
            raise NotNow("agent.no_phone", f"agent {agent_id} has no phone of his own", agent_id=agent_id)
        self.dialling.directory.check_phone(user.phone)
        node, leg_id = self.dialling.node_of(user.phone), asker.leg("line")
        steering = self.dialling.steering
        order = Originate(
            self.dialling.phone(user.phone, leg_id).endpoint,
            leg_id,
            application="park",
            timeout_s=steering.ways.ring_s,
            variables={tags.ROLE: tags.TRANSPORT, tags.LINE: agent_id, PARK_AFTER: "true"},
        )
        try:
            await node.job(order, timeout=steering.ways.ring_s + JOB_MARGIN_S)
        except SwitchRefused as refused:
            cause = refused.cause or HangupCause.NORMAL_UNSPECIFIED.name
            raise NotNow("party.unreachable", f"his phone could not be rung: {cause}", cause=cause) from None
        place = tags.line_place(leg_id)
        command = SignIn(domain=user.domain, agent_id=agent_id, phone_id=place, ready=ready)
        try:
            await self._until_stands(place)
            self.standing.belong(place, agent_id)
            return await self.requester.ask(command, self.ask_timeout_s)
        except IpccError:
            # a line at which nobody is signed in would stand all day
            with contextlib.suppress(SwitchRefused, SwitchDown):
                await node.api(UuidKill(leg_id))
            raise

    async def end(self, agent_id: str) -> None:
        """Hang the line up; acd sets him not ready for it. Raises NotNow (line.none)."""
        now = self.dialling.desktops.agents.get(agent_id)
        place = now.changed.phone_id if now else ""
        if not tags.is_line(place) or not self._stands(place):
            raise NotNow("line.none", f"agent {agent_id} has no line", agent_id=agent_id)
        state = self.dialling.directory.phone_state(place)
        node = self.dialling.steering.switches.node(NodeId(state.node_id if state else ""))
        await node.api(UuidKill(LegId(place.removeprefix("line-"))))

    async def _until_stands(self, place: str) -> None:
        """Raises Unavailable (line.not_told)."""
        steering = self.dialling.steering
        for _ in range(int(steering.ways.timeout_s / LOOK_EVERY_S) + 1):
            if self._stands(place):
                return
            await steering.clock.sleep(LOOK_EVERY_S)
        raise Unavailable("line.not_told", "his phone answered, and the switch did not tell that it is parked")

    def _stands(self, place: str) -> bool:
        state = self.dialling.directory.phone_state(place)
        return state is not None and state.registered
