"""Writing the history and reading reports from it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from ipcc.bus.events import Received
from ipcc.contracts.payload import Payload
from ipcc.errors import NotFound
from services.report.core.intervals import interval_of, interval_starts
from services.report.core.kpis import SERVICE_LEVEL_FORMULA, Stay, figures
from services.report.schemas import FiguresView, IntervalReport, IntervalView, figures_view
from services.report.store import Journey, ReportStore

DEFAULT_SERVICE_LEVEL_S = 20


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

    async def queue_intervals(self, since: datetime, until: datetime, minutes: int) -> IntervalReport:
        """The interval report. Raises Invalid."""
        starts = interval_starts(since, until, minutes, self.zone)
        queues = await self.store.queues()
        cells: dict[tuple[datetime, str], list[Stay]] = defaultdict(list)
        by_queue: dict[str, list[Stay]] = defaultdict(list)
        for stay in await self.store.stays(starts[0], until):
            start = interval_of(stay.entered_at, starts, minutes)
            if start is not None:
                cells[start, stay.queue_id].append(stay)
                by_queue[stay.queue_id].append(stay)

        def view(queue_id: str, stays: list[Stay]) -> FiguresView:
            name, limit_s = queues.get(queue_id, ("", DEFAULT_SERVICE_LEVEL_S))
            return figures_view(queue_id, name, figures(stays, limit_s))

        return IntervalReport(
            timezone=self.zone.key,
            minutes=minutes,
            service_level_formula=SERVICE_LEVEL_FORMULA,
            intervals=[
                IntervalView(start=s, queues=[view(q, cells[s, q]) for q in sorted(by_queue) if (s, q) in cells])
                for s in starts
            ],
            totals=[view(queue_id, stays) for queue_id, stays in sorted(by_queue.items())],
        )
