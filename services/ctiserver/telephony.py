"""What one party does by himself: answer, hang up, hold, retrieve, mute, key digits."""

from __future__ import annotations

from dataclasses import dataclass

from ipcc.call.model import Leg
from ipcc.contracts import call as told
from ipcc.contracts.tags import is_line
from ipcc.errors import NotNow, SwitchRefused, Unavailable
from ipcc.esl.commands import UuidHold, UuidKill, UuidMute, UuidTransfer, Whose, Words
from services.ctiserver.core.control import check_digits
from services.ctiserver.masking import unmask
from services.ctiserver.steering import Steering, about


@dataclass(frozen=True)
class Telephony:
    """Each returns the leg when the switch has done it; see Steering for what they raise."""

    steering: Steering

    async def answer(self, leg: Leg) -> Leg:
        """The phone answers by itself, if it is one that understands ``Event: talk`` (else: leg.not_done)."""
        await self.steering.api(leg, Words("uuid_phone_event", leg.leg_id, "talk"))
        return await self.steering.until(lambda now: now.answered_at is not None, leg, "answer")

    async def hang_up(self, leg: Leg) -> Leg:
        """The leg ends."""
        await self.steering.api(leg, UuidKill(leg.leg_id))
        return await self.steering.until(lambda now: not now.is_live, leg, "hang_up")

    async def hold(self, leg: Leg) -> Leg:
        """The phone is put on hold, and the other party hears music: uuid_hold alone leaves him in silence."""
        other = self.steering.partner(leg)
        if is_line(leg.address):
            return await self._set_apart(leg, other)
        await self.steering.api(leg, UuidHold(leg.leg_id))
        held = await self.steering.until(lambda now: now.is_held, leg, "hold")
        await self.steering.play_music(other)
        return held

    async def _set_apart(self, leg: Leg, other: Leg) -> Leg:
        """On a nailed-up line there is no phone to be put on hold (measured on 1.10.12: its loopback is not let go of hold again):
        both are parked, and the other waits for him."""
        steering = self.steering
        steering.set_aside(other, leg)
        try:
            await steering.api(leg, UuidTransfer(leg.leg_id, "park", "suite", whose=Whose.BOTH))
            await steering.until(lambda now: now.bridged_to is None, other, "hold")
        except (NotNow, SwitchRefused, Unavailable):
            if steering.leg(other.leg_id).bridged_to == leg.leg_id:
                steering.retrieve(other)
            raise
        await steering.play_music(other)
        return steering.leg(leg.leg_id)

    async def retrieve(self, leg: Leg) -> Leg:
        """He takes back who is on hold, or who waits for him."""
        if leg.is_held:
            return await self.unhold(leg)
        waiting = self.steering.the_one_waiting(leg)
        # should a flow of his have come to nothing, and whoever silenced the recording with it
        await unmask(self.steering, leg)
        return await self.steering.join_for_good(leg, waiting)

    async def unhold(self, leg: Leg) -> Leg:
        """The hold ends, and the music."""
        other = self.steering.partner(leg)
        await self.steering.api(leg, UuidHold(leg.leg_id, is_on=False))
        await self.steering.stop_music(other)
        return await self.steering.until(lambda now: not now.is_held, leg, "retrieve")

    async def mute(self, leg: Leg, is_on: bool) -> Leg:
        """Nobody hears what he says, or they do again. The answer of the switch is all the word there is."""
        await self.steering.api(leg, UuidMute(leg.leg_id, is_on=is_on))
        self.steering.tell((told.LegMuted if is_on else told.LegUnmuted)(**about(leg)))
        return self.steering.leg(leg.leg_id)

    async def send_digits(self, leg: Leg, digits: str) -> Leg:
        """Key digits to the other party. They may be secret: nothing of them is kept or told."""
        check_digits(digits)
        other = self.steering.partner(leg)
        await self.steering.api(other, Words("uuid_send_dtmf", other.leg_id, digits))
        return self.steering.leg(leg.leg_id)
