"""Composition root: settings, adapters, use cases, routes; the only place that wires."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from ipcc.auth.tokens import authenticator_for
from ipcc.bus import Consumption, Relay, View, Worker
from ipcc.contracts.newer import salvage
from ipcc.contracts.topics import CONFIG
from ipcc.db.database import Database
from ipcc.db.migrate import prepare
from ipcc.http.health import Health
from ipcc.http.service import Service
from ipcc.metrics import Metrics
from ipcc.parts import Parts, check_bus, check_objects, check_worker, running_bus
from ipcc.tasks import Tasks
from services.record.api import router
from services.record.consumers import TOPICS, handlers
from services.record.directory import Directory
from services.record.settings import RecordSettings
from services.record.spool import Spool
from services.record.store import MIGRATIONS, RecordingStore
from services.record.usecases import Recordings
from services.record.voicemail_api import router as voicemail_router
from services.record.voicemails import Voicemails


def build(settings: RecordSettings, parts: Parts | None = None) -> Service:
    """The service, ready to be served."""
    parts = parts or Parts()
    clock, metrics, health, tasks = parts.clock, Metrics(settings.service), Health(), Tasks()
    bus = parts.bus(settings)
    database = Database(settings.database, settings.service, metrics)
    store = RecordingStore(database, parts.publisher(settings, bus))
    relay = Relay(store.outbox, bus, clock)
    config = View(bus, CONFIG, clock, salvage)
    hold = timedelta(seconds=settings.voicemail_hold_s)
    mails = Voicemails(store.voicemails, Directory(config), relay, clock, settings.voicemail_queue, hold)
    spool = Spool(settings.spool_dir, settings.store_dir)
    recordings = Recordings(store, spool, relay, clock, metrics, mails, round(settings.message_speech_s * 1000))
    worker = Worker(bus, Consumption(settings.service, list(TOPICS)), handlers(recordings), clock, store.inbox)

    @asynccontextmanager
    async def run() -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(database.close)
            stack.push_async_callback(store.outbox.close)
            await stack.enter_async_context(running_bus(bus, tasks))
            tasks.spawn("read configuration", config.run)
            tasks.spawn("prepare database", lambda: prepare(database, MIGRATIONS, clock))
            tasks.spawn("relay facts", lambda: database.once_ready(relay.run))
            tasks.spawn("forget old events", lambda: store.inbox.keep_short(clock))
            tasks.spawn("collect recordings", lambda: database.once_ready(recordings.collect))
            tasks.spawn("sweep the spool", lambda: database.once_ready(recordings.sweep))
            tasks.spawn("look at voicemails again", lambda: database.once_ready(mails.look_again))
            tasks.spawn("consume events", lambda: database.once_ready(worker.run))
            yield

    check_bus(health, bus)
    check_objects(health, config)
    check_worker(health, worker)
    health.add("database", database.check)
    health.add("outbox", lambda: relay.problem or None)
    health.add("spool", lambda: next(iter(recordings.spool_problems.values()), None))
    health.add_tasks(tasks)
    return Service(
        settings=settings,
        title="Recording (record)",
        run=run,
        authenticator=authenticator_for(settings, clock),
        metrics=metrics,
        health=health,
        routers=[router, voicemail_router],
        provides=[recordings, mails],
    )
