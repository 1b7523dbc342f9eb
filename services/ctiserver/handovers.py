"""Sending the other party on: blind transfer to a number, an agent, a phone or a queue; parking and picking up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ipcc.bus import Requester
from ipcc.call.model import Leg
from ipcc.contracts import call as told
from ipcc.contracts.acd import Enqueue
from ipcc.contracts.tags import LegRole
from ipcc.errors import IpccError, NotNow
from ipcc.esl.commands import UuidTransfer, Whose
from ipcc.esl.headers import HangupCause
from services.ctiserver.consulting import RINGBACK, SUITE
from services.ctiserver.ringing import PARKED, Dialled, Ringing
from services.ctiserver.steering import Steering, about
from services.ctiserver.telephony import Telephony

FALLBACK = "transfer:fallback XML safety"
"""Where a customer goes whom nobody answers: the net of freeswitch/conf, announcement and ring group."""


@dataclass(frozen=True)
class Waiting:
    """A place in a queue to be taken."""

    entry_id: str
    queue_id: str
    domain: str


@dataclass(frozen=True)
class Handovers:
    """Each returns the leg of the party sent on; see Steering for what they raise."""

    steering: Steering
    ringing: Ringing
    telephony: Telephony
    requester: Requester
    ask_timeout_s: float

    async def transfer(self, leg: Leg, dialled: Dialled) -> Leg:
        """The partner is sent on, the agent is out; returns when the target is being dialled.

        The switch dials by itself, and a customer whom nobody answers meets the safety net, with every service down, too.
        Raises NotNow (party.unreachable) when nothing could be dialled: he is at the net then.
        """
        steering = self.steering
        leg = await self._unheld(leg)
        other = steering.partner(leg)
        role = LegRole.AGENT if dialled.agent_id else LegRole.CONSULT
        variables = self.ringing.tags_of(dialled, leg.call_id, role) | {"ignore_early_media": "true"}
        lost = FALLBACK if other.role is LegRole.CUSTOMER else "hangup:"
        await steering.stay_after_bridge(leg, stays=False)
        await steering.set(
            other,
            {
                "continue_on_fail": "true",
                "hangup_after_bridge": "true",
                "park_after_bridge": "false",
                "transfer_ringback": RINGBACK,
            },
        )
        way = f"m:^:bridge:{self.ringing.dial_string(other.node_id, dialled, variables)}^{lost}"
        steering.tell(told.PartyTransferred(**about(other), by_leg_id=leg.leg_id, address=dialled.address))
        await steering.api(other, UuidTransfer(other.leg_id, way, SUITE, dialplan="inline"))
        await steering.until(lambda now: now.bridged_to != leg.leg_id, other, "transfer")
        await steering.end(steering.leg(leg.leg_id))
        target = await steering.until_known(dialled.leg_id)
        if target is None or (not target.is_live and target.answered_at is None):
            cause = target.cause if target else HangupCause.DESTINATION_OUT_OF_ORDER.name
            raise NotNow("party.unreachable", f"nobody could be dialled: {cause}", cause=cause)
        return steering.leg(other.leg_id)

    async def enqueue(self, leg: Leg, place: Waiting) -> Leg:
        """The partner waits in a queue with music, the agent is out. acd's refusal gives him his partner back, and is raised."""
        steering = self.steering
        leg = await self._unheld(leg)
        other = steering.partner(leg)
        steering.set_aside(other, leg)
        await steering.api(leg, UuidTransfer(leg.leg_id, "park", SUITE, whose=Whose.BOTH))
        await steering.until(lambda now: now.bridged_to is None, other, "transfer")
        await steering.play_music(other)
        try:
            await self.requester.ask(self._enqueue(other, place), self.ask_timeout_s)
        except IpccError:
            await steering.join(steering.leg(leg.leg_id), steering.leg(other.leg_id))
            raise
        steering.retrieve(other)
        await steering.end(steering.leg(leg.leg_id))
        return steering.leg(other.leg_id)

    async def park(self, leg: Leg) -> Leg:
        """The partner waits with music for whoever picks him up, the agent is out."""
        steering = self.steering
        leg = await self._unheld(leg)
        other = steering.partner(leg)
        await steering.stay_after_bridge(leg, stays=False)
        steering.set_aside(other, None)
        await steering.api(other, UuidTransfer(other.leg_id, "park", SUITE))
        parked = await steering.until(lambda now: now.bridged_to is None, other, "park")
        await steering.play_music(other)
        await steering.end(steering.leg(leg.leg_id))
        return parked

    async def pick_up(self, parked: Leg, dialled: Dialled) -> Leg:
        """An agent is rung and joined to somebody parked. Raises NotNow (party.not_parked, or why he could not be rung)."""
        steering = self.steering
        check_parked(parked)
        mine = await self.ringing.ring(parked, dialled, LegRole.AGENT, PARKED)
        now = steering.leg(parked.leg_id)
        if not is_parked(now):
            await steering.end(mine)
        check_parked(now)
        return await steering.join(mine, now)

    async def _unheld(self, leg: Leg) -> Leg:
        return await self.telephony.unhold(leg) if leg.is_held else leg

    def _enqueue(self, other: Leg, place: Waiting) -> Enqueue:
        call = self.steering.call(other.call_id)
        attributes: Mapping[str, Any] = dict(call.data)
        return Enqueue(
            domain=place.domain,
            entry_id=place.entry_id,
            call_id=other.call_id,
            leg_id=other.leg_id,
            node_id=other.node_id,
            queue_id=place.queue_id,
            entered_at=self.steering.clock.now(),
            caller_number=call.caller_number,
            caller_name=call.caller_name,
            attributes=dict(attributes),
        )


def is_parked(leg: Leg) -> bool:
    """Whether he waits for whoever picks him up."""
    return leg.is_live and leg.is_waiting and leg.waits_for is None and leg.in_flow is None


def check_parked(leg: Leg) -> None:
    """Raises NotNow for somebody who is not parked for anybody."""
    if not is_parked(leg):
        raise NotNow("party.not_parked", f"leg {leg.leg_id} is not parked", leg_id=leg.leg_id)
