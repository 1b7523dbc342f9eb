"""Writing the history and reading reports from it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ipcc.bus.events import Received
from ipcc.contracts.payload import Payload
from ipcc.errors import NotFound
from services.report.core.intervals import interval_starts
from services.report.core.kpis import SERVICE_LEVEL_FORMULA, UNKNOWN_QUEUE, QueueFigures
from services.report.core.self_service import VOICEMAIL_FORMULA, VoicemailFigures
from services.report.schemas import (
    FiguresView,
    IntervalReport,
    IntervalView,
    VoicemailFiguresView,
    VoicemailIntervalView,
    VoicemailReport,
    figures_view,
    voicemail_view,
)
from services.report.store import Journey, ReportStore


@dataclass
class Reports:
    """The use cases of report."""

    store: ReportStore
    zone: ZoneInfo

    async def write(self, data: Payload, received: Received) -> None:
        """Take one event into the history."""
        await self.store.write(received.event)

    async def journey(self, call_id: str) -> Journey:
        """One call with all that happened in it. Raises NotFound."""
        found = await self.store.journey(call_id)
        if found is None:
            raise NotFound("call.unknown", f"there is no call {call_id} in the history")
        return found

    async def queue_intervals(self, since: datetime, until: datetime, minutes: int, medium: str = "") -> IntervalReport:
        """The interval report, of the queues of one medium or of all. Raises Invalid."""
        starts = interval_starts(since, until, minutes, self.zone)
        known = defaultdict(lambda: UNKNOWN_QUEUE, await self.store.queues())
        cells = await self.store.figures(starts[0], until, timedelta(minutes=minutes))
        by_interval: dict[int, list[FiguresView]] = defaultdict(list)
        totals: dict[str, QueueFigures] = defaultdict(QueueFigures)
        for (number, queue_id), found in sorted(cells.items()):
            if medium in ("", known[queue_id].medium):
                by_interval[number].append(figures_view(queue_id, known[queue_id], found))
                totals[queue_id] += found
        return IntervalReport(
            timezone=self.zone.key,
            minutes=minutes,
            service_level_formula=SERVICE_LEVEL_FORMULA,
            intervals=[IntervalView(start=start, queues=by_interval[n]) for n, start in enumerate(starts)],
            totals=[figures_view(queue_id, known[queue_id], found) for queue_id, found in sorted(totals.items())],
        )

    async def voicemails(self, since: datetime, until: datetime, minutes: int) -> VoicemailReport:
        """Voicemails by queue and interval. Raises Invalid."""
        starts = interval_starts(since, until, minutes, self.zone)
        names = {queue_id: queue.name for queue_id, queue in (await self.store.queues()).items()}
        cells = await self.store.voicemail_figures(starts[0], until, timedelta(minutes=minutes))
        by_interval: dict[int, list[VoicemailFiguresView]] = defaultdict(list)
        totals: dict[str, VoicemailFigures] = defaultdict(VoicemailFigures)
        for (number, queue_id), found in sorted(cells.items()):
            by_interval[number].append(voicemail_view(queue_id, names.get(queue_id, ""), found))
            totals[queue_id] += found
        return VoicemailReport(
            timezone=self.zone.key,
            minutes=minutes,
            service_level_formula=VOICEMAIL_FORMULA,
            intervals=[VoicemailIntervalView(start=start, queues=by_interval[n]) for n, start in enumerate(starts)],
            totals=[
                voicemail_view(queue_id, names.get(queue_id, ""), found) for queue_id, found in sorted(totals.items())
            ],
        )
