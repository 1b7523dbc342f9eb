"""What record hears on the bus."""

from __future__ import annotations

from ipcc.bus.handlers import Handlers
from ipcc.contracts.call import LegAnswered, LegEnded
from services.record.usecases import Recordings


def handlers(recordings: Recordings) -> Handlers:
    """The table of the consumer group on calls."""
    return Handlers().on(LegAnswered, recordings.leg_answered).on(LegEnded, recordings.leg_ended)
