"""Composition root: settings, adapters, use cases, routes; the only place that wires."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from zoneinfo import ZoneInfo

from ipcc.auth.tokens import authenticator_for
from ipcc.bus import Consumption, Worker
from ipcc.db.database import Database
from ipcc.db.migrate import prepare
from ipcc.http.health import Health
from ipcc.http.service import Service
from ipcc.metrics import Metrics
from ipcc.parts import Parts, check_bus, check_worker, running_bus
from ipcc.tasks import Tasks
from services.report.api import router
from services.report.consumers import TOPICS, handlers
from services.report.settings import ReportSettings
from services.report.store import MIGRATIONS, ReportStore
from services.report.usecases import Reports


def build(settings: ReportSettings, parts: Parts | None = None) -> Service:
    """The service, ready to be served."""
    parts = parts or Parts()
    clock, metrics, health, tasks = parts.clock, Metrics(settings.service), Health(), Tasks()
    bus = parts.bus(settings)
    database = Database(settings.database, settings.service, metrics)
    store = ReportStore(database, clock)
    reports = Reports(store, ZoneInfo(settings.timezone))
    # the store remembers what it has written, in the same transaction
    worker = Worker(bus, Consumption(settings.service, TOPICS), handlers(reports), clock)

    @asynccontextmanager
    async def run() -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(database.close)
            await stack.enter_async_context(running_bus(bus, tasks))
            tasks.spawn("prepare database", lambda: prepare(database, MIGRATIONS, clock))
            tasks.spawn("forget old events", lambda: store.inbox.keep_short(clock))
            tasks.spawn("consume everything", lambda: database.once_ready(worker.run))
            yield

    check_bus(health, bus)
    check_worker(health, worker)
    health.add("database", database.check)
    health.add_tasks(tasks)
    return Service(
        settings=settings,
        title="Reports (report)",
        run=run,
        authenticator=authenticator_for(settings, clock),
        metrics=metrics,
        health=health,
        routers=[router],
        provides=[reports],
    )
