"""Composition root: settings, adapters, use cases, routes; the only place that wires."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from ipcc.auth.tokens import authenticator_for
from ipcc.bus import Consumption, Worker
from ipcc.bus.outbox import Relay
from ipcc.db.database import Database
from ipcc.db.migrate import prepare
from ipcc.errors import Invalid
from ipcc.http.health import Health
from ipcc.http.service import Service
from ipcc.metrics import Metrics
from ipcc.parts import Parts, check_bus, check_worker, running_bus
from ipcc.tasks import Tasks
from services.admin.api import router
from services.admin.consumers import TOPICS, handlers
from services.admin.settings import AdminSettings
from services.admin.store import MIGRATIONS, AdminStore
from services.admin.usecases import Administration, Source, check_document
from services.admin.webhook_api import router as webhook_router
from services.admin.webhooks import Webhooks


def build(settings: AdminSettings, parts: Parts | None = None) -> Service:
    """The service, ready to be served. Raises Invalid when the organisation's document is wrong."""
    parts = parts or Parts()
    clock, metrics, health, tasks = parts.clock, Metrics(settings.service), Health(), Tasks()
    source = read_source(settings.organisation_file)
    bus = parts.bus(settings)
    database = Database(settings.database, settings.service, metrics)
    store = AdminStore(database)
    worker = Worker(bus, Consumption(settings.service, list(TOPICS)), handlers(store), clock)
    relay = Relay(store.outbox, bus, clock)
    admin = Administration(store, parts.publisher(settings, bus), relay, clock, metrics)

    @asynccontextmanager
    async def run() -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(database.close)
            stack.push_async_callback(store.outbox.close)
            await stack.enter_async_context(running_bus(bus, tasks))
            tasks.spawn("prepare database", lambda: prepare(database, MIGRATIONS, clock))
            tasks.spawn("publish organisation", lambda: admin.start(source))
            tasks.spawn("send outbox", relay.run)
            tasks.spawn("keep acts", lambda: database.once_ready(worker.run))
            tasks.spawn("count objects", admin.count)
            yield

    health.add("database", database.check)
    health.add("outbox", lambda: relay.problem or None)
    health.add("organisation", lambda: admin.problem)
    check_bus(health, bus)
    check_worker(health, worker)
    health.add_tasks(tasks)
    return Service(
        settings=settings,
        title="Administration (admin)",
        run=run,
        authenticator=authenticator_for(settings, clock),
        metrics=metrics,
        health=health,
        # before the routes of all kinds, which would take its path for a kind
        routers=[webhook_router, router],
        provides=[admin, Webhooks(admin, settings.webhook_reach, settings.read_webhook_key())],
    )


def read_source(path: Path | None) -> Source | None:
    """The organisation's document, checked; None when none is named. Raises Invalid."""
    if path is None:
        return None
    try:
        source = Source(path.name, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("config.document", f"cannot read the organisation file {path}: {error}") from None
    check_document(source)
    return source
