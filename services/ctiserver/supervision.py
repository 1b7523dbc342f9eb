"""A supervisor in somebody's call: listen, whisper, barge, change between them, take the call over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ipcc.call.model import Leg
from ipcc.contracts import call as told
from ipcc.contracts.tags import LegRole
from ipcc.errors import NotNow
from ipcc.esl.commands import Words
from services.ctiserver.ringing import PARKED, Dialled, Ringing, Running
from services.ctiserver.steering import Steering, about


class Mode(StrEnum):
    """Who hears the supervisor: nobody, the agent, both."""

    LISTEN = "listen"
    WHISPER = "whisper"
    BARGE = "barge"


_KEYS: Mapping[Mode, str] = {Mode.LISTEN: "0", Mode.WHISPER: "2", Mode.BARGE: "3"}
"""What the switch's eavesdrop application does on which key of the supervisor (fact 36); it tells no event of it."""


@dataclass(frozen=True)
class Supervision:
    """Each returns the supervisor's leg when the switch has done it; see Steering for what they raise.

    The switch mixes the supervisor in only when he whispers or barges: on a recording he is heard only then. When the
    watched leg ends, so does his.
    """

    steering: Steering
    ringing: Ringing

    async def watch(self, target: Leg, dialled: Dialled, mode: Mode) -> Leg:
        """The supervisor's phone rings; once he answers he hears ``target`` and whom it talks to."""
        mine = await self.ringing.ring(target, dialled, LegRole.SUPERVISOR, Running("eavesdrop", target.leg_id))
        if not self.steering.leg(target.leg_id).is_live:
            await self.steering.end(mine)
            raise NotNow("leg.ended", f"leg {target.leg_id} ended meanwhile", leg_id=target.leg_id)
        return await self._speak(mine, target, mode, dialled.agent_id)

    async def change(self, leg: Leg, mode: Mode) -> Leg:
        """From one mode to another, during the call."""
        target = self._target(leg)
        return await self._speak(leg, target, mode, leg.agent_id)

    async def take_over(self, leg: Leg) -> Leg:
        """The supervisor talks to the customer instead of the agent, whose leg ends."""
        steering = self.steering
        target = self._target(leg)
        other = steering.partner(target)
        await steering.stay_after_bridge(target, stays=False)
        return await self._intercept(leg, target, other)

    async def intercept(self, target: Leg, dialled: Dialled) -> Leg:
        """The same by somebody who has not listened: his phone rings first."""
        steering = self.steering
        steering.partner(target)
        mine = await self.ringing.ring(target, dialled, LegRole.SUPERVISOR, PARKED)
        try:
            other = steering.partner(steering.leg(target.leg_id))
        except NotNow:
            await steering.end(mine)
            raise
        await steering.stay_after_bridge(target, stays=False)
        return await self._intercept(mine, target, other)

    async def _intercept(self, mine: Leg, target: Leg, other: Leg) -> Leg:
        joined = await self.steering.join(mine, other)
        await self.steering.end(self.steering.leg(target.leg_id))
        return joined

    async def _speak(self, leg: Leg, target: Leg, mode: Mode, agent_id: str) -> Leg:
        await self.steering.api(leg, Words("uuid_recv_dtmf", leg.leg_id, _KEYS[mode]))
        payload = told.SupervisionChanged(**about(leg), target_leg_id=target.leg_id, mode=mode.value, agent_id=agent_id)
        self.steering.tell(payload)
        return self.steering.leg(leg.leg_id)

    def _target(self, leg: Leg) -> Leg:
        found = self.steering.ear.book.leg(leg.supervises) if leg.supervises else None
        if not leg.is_live or found is None or not found.is_live:
            raise NotNow("leg.not_supervising", f"leg {leg.leg_id} listens to nobody", leg_id=leg.leg_id)
        return found
