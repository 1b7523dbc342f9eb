"""What ivr hears on the bus."""

from __future__ import annotations

from ipcc.bus.handlers import Handlers
from ipcc.contracts.call import CallArrived, LegEnded
from services.ivr.usecases import Sessions


def handlers(sessions: Sessions) -> Handlers:
    """The table of the consumer group on calls."""
    return Handlers().on(CallArrived, sessions.arrived).on(LegEnded, sessions.leg_ended)
