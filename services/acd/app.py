"""Composition root: settings, adapters, use cases, routes; the only place that wires."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from ipcc.audit import Audit
from ipcc.auth.tokens import authenticator_for
from ipcc.bus import Bus, Publisher, Requester, View
from ipcc.bus.standstill import Standstill
from ipcc.clock import Clock
from ipcc.contracts.newer import salvage
from ipcc.contracts.topics import CONFIG
from ipcc.esl.port import Switches
from ipcc.http.health import Health
from ipcc.http.service import Service
from ipcc.http.websocket import Hub
from ipcc.metrics import Metrics
from ipcc.parts import Parts, check_bus, check_objects, check_switches, running_bus
from ipcc.tasks import Tasks
from services.acd.api import router
from services.acd.callback_api import CallbackDesk
from services.acd.callback_api import router as callbacks_router
from services.acd.digital_api import DigitalDesk
from services.acd.digital_api import router as digital_router
from services.acd.live import Live
from services.acd.mirror import Mirror, Stories
from services.acd.originates import Dialling
from services.acd.ownership import Ownership
from services.acd.settings import AcdSettings
from services.acd.surroundings import Surroundings
from services.acd.switch import ACD_LEGS
from services.acd.usecases import Desk


def build(settings: AcdSettings, parts: Parts | None = None) -> Service:
    """The service, ready to be served."""
    parts = parts or Parts()
    clock, metrics, health, tasks = parts.clock, Metrics(settings.service), Health(), Tasks()
    bus = parts.bus(settings)
    publisher = parts.publisher(settings, bus)
    switches = parts.switches(settings, ACD_LEGS)
    requester = Requester(bus, publisher, settings.instance)
    config = View(bus, CONFIG, clock, salvage)
    around = replace(_surroundings(settings, bus, publisher, switches, clock, metrics), last_good=config.get)
    ownership = Ownership(settings.domains, around, settings.instance)
    history = timedelta(hours=settings.history_hours)
    mirrors = {d: Mirror(bus, d, clock, history, Stories(settings.history_contacts)) for d in settings.domains}
    desk, audit = Desk(mirrors, config, requester, clock, metrics), Audit(publisher, clock)
    callback_desk = CallbackDesk(mirrors, config, requester, clock)
    digital_desk = DigitalDesk(mirrors, config, requester)
    live = Live(desk, Hub("acd", metrics), clock)

    @asynccontextmanager
    async def run() -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(running_bus(bus, tasks))
            switches.start(tasks)
            tasks.spawn("hear replies", requester.run)
            tasks.spawn("read configuration", config.run)
            for domain, mirror in mirrors.items():
                tasks.spawn(f"mirror {domain}", mirror.run)
            tasks.spawn("measure", desk.measure)
            tasks.spawn("tell acts", audit.run)
            tasks.spawn("show changes", live.run)
            stack.push_async_callback(live.hub.close)
            tasks.spawn("own domains", ownership.run)
            yield
            await tasks.stop()

    check_bus(health, bus)
    check_objects(health, config)
    check_switches(health, switches)
    health.add_tasks(tasks)
    _check(health, ownership, mirrors, audit)
    return Service(
        settings=settings,
        title="Routing (acd)",
        run=run,
        authenticator=authenticator_for(settings, clock),
        metrics=metrics,
        health=health,
        routers=[router, callbacks_router, digital_router],
        provides=[desk, callback_desk, digital_desk, audit, live],
    )


def _check(health: Health, ownership: Ownership, mirrors: Mapping[str, Mirror], audit: Audit) -> None:
    health.add("domains", ownership.problem)
    health.complain("routing", ownership.complaint)
    health.complain("audit", audit.problem)
    health.add("log", lambda: ", ".join(f"{d} not read yet" for d, m in mirrors.items() if not m.is_ready) or None)


def _surroundings(
    settings: AcdSettings, bus: Bus, publisher: Publisher, switches: Switches, clock: Clock, metrics: Metrics
) -> Surroundings:
    return Surroundings(
        bus,
        publisher,
        switches,
        clock,
        metrics,
        Dialling(
            settings.recordings_root,
            settings.phone_domain,
            settings.join_timeout_s,
            settings.caller_number,
            settings.confirm_key,
            settings.confirm_sound,
            settings.gateway,
            settings.sounds_dir,
            settings.callback_net_s,
        ),
        # members of the group say that they live four times in that time
        Standstill(settings.kafka_session_timeout_s / 2),
        settings.look_every_s,
        settings.snapshot_every,
        settings.inputs_dir,
    )
