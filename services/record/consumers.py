"""What record hears on the bus."""

from __future__ import annotations

from ipcc.bus.handlers import Handlers
from ipcc.contracts.call import LegAnswered, LegEnded
from ipcc.contracts.ivr import MessageLeft
from ipcc.contracts.topics import CALL, IVR
from services.record.usecases import Recordings

TOPICS = (CALL, IVR)


def handlers(recordings: Recordings) -> Handlers:
    """The table of the consumer group."""
    found = Handlers().on(LegAnswered, recordings.leg_answered).on(LegEnded, recordings.leg_ended)
    return found.on(MessageLeft, recordings.message_left)
