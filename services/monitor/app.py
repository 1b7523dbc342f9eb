"""Composition root: settings, adapters, use cases, routes; the only place that wires."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from zoneinfo import ZoneInfo

from ipcc.auth.tokens import authenticator_for
from ipcc.esl.port import SubscriptionPlan
from ipcc.http.health import Health
from ipcc.http.service import Service
from ipcc.http.websocket import Hub
from ipcc.metrics import Metrics
from ipcc.parts import Parts, check_bus, check_switches, running_bus
from ipcc.tasks import Tasks
from services.monitor.api import pages, router
from services.monitor.consumers import Feed
from services.monitor.core.board import Board
from services.monitor.settings import MonitorSettings
from services.monitor.usecases import Live


def build(settings: MonitorSettings, parts: Parts | None = None) -> Service:
    """The service, ready to be served."""
    parts = parts or Parts()
    clock, metrics, health, tasks = parts.clock, Metrics(settings.service), Health(), Tasks()
    bus = parts.bus(settings)
    # heartbeats only: what happens to calls is told by ctiserver
    switches = parts.switches(settings, SubscriptionPlan())
    hub = Hub("board", metrics, history=1)
    live = Live(
        board=Board(ZoneInfo(settings.timezone)),
        clock=clock,
        switches=switches,
        publisher=parts.publisher(settings, bus),
        hub=hub,
        metrics=metrics,
        publish_every_s=settings.publish_every_s,
    )
    live.cut_off_since = lambda: None if bus.health.is_up else bus.health.since
    feed = Feed(bus, clock, live)

    @asynccontextmanager
    async def run() -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(running_bus(bus, tasks))
            switches.start(tasks)
            stack.push_async_callback(hub.close)
            for name, reader in feed.readers().items():
                tasks.spawn(name, reader)
            tasks.spawn("send alerts", live.send_alerts)
            tasks.spawn("send changes", live.send_changes)
            yield
            await tasks.stop()

    check_bus(health, bus)
    check_switches(health, switches)
    health.add("feed", lambda: f"still reading {', '.join(sorted(live.behind))}" if live.behind else None)
    health.add_tasks(tasks)
    return Service(
        settings=settings,
        title="Live statistics (monitor)",
        run=run,
        authenticator=authenticator_for(settings, clock),
        metrics=metrics,
        health=health,
        routers=[router],
        pages=[pages],
        provides=[live],
    )
