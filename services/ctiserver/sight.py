"""What call control knows of a leg: itself, its partner, who waits for it, how it stands, and the switch that has it."""

from __future__ import annotations

from dataclasses import dataclass

from ipcc.call.model import Call, Leg
from ipcc.errors import NotFound, NotNow
from ipcc.esl.port import Switches, SwitchNode
from services.ctiserver.core.control import Standing, standing
from services.ctiserver.switch import Ear


@dataclass(frozen=True)
class Sight:
    """Looks things up; waits for nothing."""

    ear: Ear
    switches: Switches

    def call(self, call_id: str) -> Call:
        """Raises NotFound."""
        found = self.ear.book.call(call_id)
        if found is None:
            raise NotFound("call.unknown", f"there is no call {call_id}, or it ended long ago", call_id=call_id)
        return found

    def leg(self, leg_id: str) -> Leg:
        """Raises NotFound."""
        found = self.ear.book.leg(leg_id)
        if found is None:
            raise NotFound("leg.unknown", f"there is no leg {leg_id}, or it ended long ago", leg_id=leg_id)
        return found

    def partner(self, leg: Leg) -> Leg:
        """Whom the leg is bridged to. Raises NotNow."""
        found = self.ear.book.leg(leg.bridged_to) if leg.bridged_to else None
        if found is None or not found.is_live:
            raise NotNow("leg.no_partner", f"leg {leg.leg_id} talks to nobody", leg_id=leg.leg_id)
        return found

    def waiting_for(self, leg: Leg) -> list[Leg]:
        """The live legs that wait for this one."""
        call = self.ear.book.call(leg.call_id)
        others = (self.ear.book.leg(other) for other in (call.live if call else ()))
        return [other for other in others if other and other.waits_for == leg.leg_id]

    def the_one_waiting(self, leg: Leg) -> Leg:
        """Who waits for this leg. Raises NotNow."""
        found = self.waiting_for(leg)
        if not found:
            raise NotNow("leg.nobody_waits", f"nobody waits for leg {leg.leg_id}", leg_id=leg.leg_id)
        return min(found, key=lambda other: other.started_at)

    def standing(self, leg: Leg) -> Standing:
        """How the leg stands in its call."""
        consult = self.ear.book.leg(leg.consults) if leg.consults else None
        return standing(leg, self.waiting_for(leg), consult)

    def node(self, leg: Leg) -> SwitchNode:
        """The switch that has the leg. Raises NotFound."""
        return self.switches.node(leg.node_id)
