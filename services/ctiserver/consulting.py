"""Talking to a third while the other waits: consult, alternate, complete, cancel; and all together in a conference."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from ipcc.call.model import Leg
from ipcc.contracts import call as told
from ipcc.contracts.tags import LegRole, is_line
from ipcc.errors import NotNow, SwitchRefused, Unavailable
from ipcc.esl.commands import UuidBridge, UuidTransfer, Whose, Words
from ipcc.esl.dialstring import offered_by
from ipcc.esl.headers import HangupCause
from services.ctiserver.ringing import Dialled, Ringing, Running
from services.ctiserver.steering import PARK_AFTER, Steering, about
from services.ctiserver.telephony import Telephony

SUITE = "suite"
"""The context of freeswitch/conf that the suite's own transfers go to."""
RINGBACK = "%(1000,4000,450)"
"""What one who dials hears until it is answered, when the far end sends nothing itself: the Chinese ringing tone."""
LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Consulting:
    """Each returns the agent's leg when the switch has done it; see Steering for what they raise."""

    steering: Steering
    ringing: Ringing
    telephony: Telephony

    async def consult(self, leg: Leg, dialled: Dialled) -> Leg:
        """The partner waits with music while the agent dials a third; returns when it is being dialled.

        The agent's own leg dials, so he hears what the far end sends; whatever becomes of it, he is parked after it and
        the one who waits is his to retrieve, with every service down, too. Raises NotNow (party.unreachable) when nothing
        could be dialled: then he has his partner back.
        """
        steering = self.steering
        if leg.is_held:
            leg = await self.telephony.unhold(leg)
        other = steering.partner(leg)
        # a phone that is held hears what the far end sends; one that rings does not know the customer
        variables = self.ringing.tags_of(dialled, leg.call_id, LegRole.CONSULT) | {PARK_AFTER: "true"}
        variables |= offered_by(is_line(leg.address))
        await steering.stay_after_bridge(other)
        await steering.set(leg, {PARK_AFTER: "true", "continue_on_fail": "true", "transfer_ringback": RINGBACK})
        steering.set_aside(other, leg)
        steering.tell(told.ConsultStarted(**about(leg), consult_leg_id=dialled.leg_id))
        way = f"m:^:bridge:{self.ringing.dial_string(leg.node_id, dialled, variables)}^park:"
        try:
            await steering.api(leg, UuidTransfer(leg.leg_id, way, SUITE, dialplan="inline"))
            await steering.until(lambda now: now.bridged_to != other.leg_id, leg, "consult")
        except (NotNow, SwitchRefused, Unavailable):
            await self._unwind(leg, other)
            raise
        await steering.play_music(other)
        third = await steering.until_known(dialled.leg_id)
        if third is None or not third.is_live:
            await steering.join_for_good(steering.leg(leg.leg_id), steering.leg(other.leg_id))
            cause = third.cause if third else HangupCause.DESTINATION_OUT_OF_ORDER.name
            raise NotNow("party.unreachable", f"nobody could be dialled: {cause}", cause=cause)
        return steering.leg(leg.leg_id)

    async def alternate(self, leg: Leg) -> Leg:
        """The one talked to waits, and the one who waited is talked to."""
        steering = self.steering
        other, waiting = steering.partner(leg), steering.the_one_waiting(leg)
        await steering.stay_after_bridge(other)
        await steering.stay_after_bridge(leg)
        steering.set_aside(other, leg)
        try:
            now = await steering.join(leg, waiting)
        except (NotNow, Unavailable):
            if steering.leg(other.leg_id).bridged_to == leg.leg_id:
                steering.retrieve(other)
            raise
        await steering.play_music(other)
        return now

    async def complete(self, leg: Leg) -> Leg:
        """The two others talk to each other, and the agent is out. Raises NotNow (consult.not_answered)."""
        steering = self.steering
        other, waiting = steering.partner(leg), steering.the_one_waiting(leg)
        if other.answered_at is None:
            raise NotNow("consult.not_answered", "the third has not answered: cancel, or wait", leg_id=leg.leg_id)
        for one in (other, waiting):
            # whoever hangs up first ends it for both from now on
            await steering.stay_after_bridge(one, stays=False)
        await steering.stay_after_bridge(leg)
        await steering.join(waiting, other)
        steering.retrieve(waiting)
        await steering.end(steering.leg(leg.leg_id))
        return await steering.until(lambda now: not now.is_live, leg, "complete")

    async def cancel(self, leg: Leg) -> Leg:
        """The third is let go, whether he has answered or not, and the agent talks to the one who waited."""
        steering = self.steering
        waiting = steering.the_one_waiting(leg)
        third = steering.ear.book.leg(leg.bridged_to or leg.consults or "")
        if third and third.is_live:
            answered = third.answered_at is not None
            await steering.stay_after_bridge(leg)
            cause = HangupCause.NORMAL_CLEARING if answered else HangupCause.ORIGINATOR_CANCEL
            await steering.end(third, cause)
            with contextlib.suppress(NotNow):
                await steering.until(lambda now: not now.is_live, third, "cancel")
            await steering.until(lambda now: now.bridged_to is None, leg, "cancel")
        return await steering.join_for_good(steering.leg(leg.leg_id), steering.leg(waiting.leg_id))

    async def confer(self, leg: Leg) -> Leg:
        """The agent, whom he talks to and who waits for him meet in one room, that of their call."""
        steering = self.steering
        if leg.is_held:
            leg = await self.telephony.unhold(leg)
        other, waiting = steering.partner(leg), steering.waiting_for(leg)
        room = leg.call_id
        await steering.api(leg, UuidTransfer(leg.leg_id, f"conference-{room}", SUITE, whose=Whose.BOTH))
        for one in waiting:
            with contextlib.suppress(NotNow, SwitchRefused):
                await steering.api(one, UuidTransfer(one.leg_id, f"conference-{room}", SUITE))
        members = [leg, other, *waiting]
        await self._until_in(room, members)
        for one in members:
            # the list is quicker than the events of the bridge that ends
            with contextlib.suppress(NotNow):
                await steering.until(lambda now: now.bridged_to is None, one, "conference")
        for one in members:
            now = steering.leg(one.leg_id)
            if now.is_live:
                steering.tell(told.LegConferenced(**about(now), room=room))
        return steering.leg(leg.leg_id)

    async def add(self, leg: Leg, dialled: Dialled) -> Leg:
        """One more is dialled into the room; returns when he is being dialled."""
        steering = self.steering
        variables = self.ringing.tags_of(dialled, leg.call_id, LegRole.CONSULT)
        room = Running("conference", f"{leg.room}@ipcc")
        self.ringing.begin(steering.node(leg), self.ringing.order(leg.node_id, dialled, room, variables))
        third = await steering.until_known(dialled.leg_id)
        if third is None or not third.is_live:
            cause = third.cause if third else HangupCause.DESTINATION_OUT_OF_ORDER.name
            raise NotNow("party.unreachable", f"nobody could be dialled: {cause}", cause=cause)
        steering.tell(told.LegConferenced(**about(third), room=leg.room))
        return steering.leg(leg.leg_id)

    async def _until_in(self, room: str, members: list[Leg]) -> None:
        """Wait until the switch lists all of them that are left. Raises Unavailable (leg.not_done)."""
        steering, node = self.steering, self.steering.node(members[0])
        for _ in range(int(steering.ways.timeout_s / LOOK_EVERY_S) + 1):
            with contextlib.suppress(SwitchRefused):
                listed = await node.api(Words("conference", room, "list"), timeout=steering.ways.timeout_s)
                left = [one for one in members if steering.leg(one.leg_id).is_live]
                if all(one.leg_id in listed for one in left):
                    return
            await steering.clock.sleep(LOOK_EVERY_S)
        raise Unavailable("leg.not_done", f"the switch did not bring everybody into the room {room}", room=room)

    async def _unwind(self, leg: Leg, other: Leg) -> None:
        """The consult never began: whoever is left is where he was."""
        now, then = self.steering.leg(leg.leg_id), self.steering.leg(other.leg_id)
        if not then.is_live:
            return
        if now.is_live and now.bridged_to == other.leg_id:
            self.steering.retrieve(then)
        elif now.is_live:
            with contextlib.suppress(SwitchRefused, NotNow):
                await self.steering.api(now, UuidBridge(now.leg_id, other.leg_id))
