"""What report hears: everything, and keeps what a report needs."""

from __future__ import annotations

from ipcc.bus.handlers import Handlers
from ipcc.contracts.topics import ACD, CALL, CONFIG, IVR, OUTBOUND, RECORDING
from services.report.usecases import Reports

TOPICS = (CALL, ACD, IVR, RECORDING, OUTBOUND, CONFIG)


def handlers(reports: Reports) -> Handlers:
    """Every event goes to the history; what fills no column is passed over there."""
    return Handlers().otherwise(reports.write)
