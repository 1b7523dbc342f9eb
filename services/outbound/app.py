"""Composition root: settings, adapters, use cases, routes; the only place that wires."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from ipcc.auth.tokens import authenticator_for
from ipcc.bus import Consumption, Relay, Replier, Worker
from ipcc.contracts.topics import OUTBOUND_COMMAND
from ipcc.db.database import Database
from ipcc.db.migrate import prepare
from ipcc.http.health import Health
from ipcc.http.service import Service
from ipcc.metrics import Metrics
from ipcc.parts import Parts, check_bus, check_switches, check_worker, running_bus
from ipcc.tasks import Tasks
from services.outbound.api import router
from services.outbound.consumers import handlers
from services.outbound.core.attempts import RetryRule
from services.outbound.settings import OutboundSettings
from services.outbound.store import MIGRATIONS, OutboundStore
from services.outbound.switch import OUTBOUND_LEGS, Dialler
from services.outbound.usecases import Notifications


def build(settings: OutboundSettings, parts: Parts | None = None) -> Service:
    """The service, ready to be served."""
    parts = parts or Parts()
    clock, metrics, health, tasks = parts.clock, Metrics(settings.service), Health(), Tasks()
    bus = parts.bus(settings)
    publisher = parts.publisher(settings, bus)
    switches = parts.switches(settings, OUTBOUND_LEGS)
    database = Database(settings.database, settings.service, metrics)
    store = OutboundStore(database, publisher)
    relay = Relay(store.outbox, bus, clock)
    dialler = Dialler(switches, clock, settings.gateway, settings.caller_number, settings.sounds_dir, settings.ring_s)
    notifications = Notifications(
        store=store,
        dialler=dialler,
        relay=relay,
        clock=clock,
        tasks=tasks,
        metrics=metrics,
        rule=RetryRule(settings.attempts, timedelta(seconds=settings.retry_after_s)),
        instance=settings.instance,
        most_at_once=settings.most_at_once,
    )
    table = handlers(notifications, Replier(publisher))
    worker = Worker(bus, Consumption(settings.service, [OUTBOUND_COMMAND]), table, clock)

    @asynccontextmanager
    async def run() -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(database.close)
            stack.push_async_callback(store.outbox.close)
            await stack.enter_async_context(running_bus(bus, tasks))
            switches.start(tasks)
            tasks.spawn("prepare database", lambda: prepare(database, MIGRATIONS, clock))
            tasks.spawn("relay facts", lambda: database.once_ready(relay.run))
            tasks.spawn("forget old events", lambda: store.inbox.keep_short(clock))
            tasks.spawn("dial", lambda: database.once_ready(notifications.work))
            tasks.spawn("take orders", worker.run)
            yield

    check_bus(health, bus)
    check_worker(health, worker)
    check_switches(health, switches)
    health.add("database", database.check)
    health.add("outbox", lambda: relay.problem or None)
    health.add_tasks(tasks)
    return Service(
        settings=settings,
        title="Outbound (outbound)",
        run=run,
        authenticator=authenticator_for(settings, clock),
        metrics=metrics,
        health=health,
        routers=[router],
        provides=[notifications],
    )
