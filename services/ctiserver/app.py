"""Composition root: settings, adapters, use cases, routes; the only place that wires."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from ipcc.audit import Audit
from ipcc.auth.tokens import authenticator_for
from ipcc.bus import Lease, Requester, View
from ipcc.bus.standstill import Standstill
from ipcc.contracts.envelope import Event
from ipcc.contracts.newer import salvage
from ipcc.contracts.topics import CALL, CONFIG, NODE_LEASE, PHONE
from ipcc.http.examples import read_examples
from ipcc.http.health import Health
from ipcc.http.service import Service
from ipcc.metrics import Metrics
from ipcc.parts import Parts, check_bus, check_objects, check_switches, running_bus
from ipcc.tasks import Tasks
from services.ctiserver.api import router
from services.ctiserver.calling_back import CallingBack
from services.ctiserver.changes import Changes
from services.ctiserver.consulting import Consulting
from services.ctiserver.consumers import DesktopFeed
from services.ctiserver.control_api import router as control_router
from services.ctiserver.control_socket import router as socket_router
from services.ctiserver.core.desktop import Desktops
from services.ctiserver.core.orders import OrderBook
from services.ctiserver.core.standing_lines import StandingLines
from services.ctiserver.csta_socket import CstaMonitors
from services.ctiserver.csta_socket import router as csta_router
from services.ctiserver.dialling import Dialling
from services.ctiserver.directory import Directory, does_serve
from services.ctiserver.failures import Failures
from services.ctiserver.flow_keeper import FlowKeeper
from services.ctiserver.flows import Flows
from services.ctiserver.handovers import Handovers
from services.ctiserver.holding import Holding
from services.ctiserver.journal import Journal
from services.ctiserver.line_keeper import LineKeeper
from services.ctiserver.lines import Lines
from services.ctiserver.looks import LookTimes
from services.ctiserver.minder import Minder
from services.ctiserver.order_api import router as order_router
from services.ctiserver.orders import OrderDesk, opened_results
from services.ctiserver.posting import Poster, client_of
from services.ctiserver.presence import Attendance
from services.ctiserver.publishing import Outgoing
from services.ctiserver.requests import RequestBook
from services.ctiserver.ringing import Ringing
from services.ctiserver.settings import CtiSettings
from services.ctiserver.steering import Steering, Ways
from services.ctiserver.stream import DesktopHub
from services.ctiserver.supervision import Supervision
from services.ctiserver.switch import PLAN, Ear
from services.ctiserver.telephony import Telephony
from services.ctiserver.usecases import AgentDesk, CallControl, Hands
from services.ctiserver.webhook_api import router as webhook_router
from services.ctiserver.webhooks import Knowledge, Webhooks, hooks_in

EXAMPLES_FILE = Path(__file__).parent / "examples.json"
"""Written by ``python -m tools.examples``."""
EXAMPLES = read_examples(EXAMPLES_FILE)
FLUSH_S = 3.0
"""So long a service that ends goes on sending what it has heard."""


class _Works:
    """Everything the service is made of, and its life from start to stop."""

    def __init__(self, settings: CtiSettings, parts: Parts, metrics: Metrics, tasks: Tasks) -> None:
        clock, self.session_timeout_s = parts.clock, settings.kafka_session_timeout_s
        self.tasks, self.clock, self.metrics = tasks, clock, metrics
        self.bus = bus = parts.bus(settings)
        publisher = parts.publisher(settings, bus)
        self.switches = parts.switches(settings, PLAN)
        self.config, self.phones = View(bus, CONFIG, clock, salvage), View(bus, PHONE, clock)
        self.requester = Requester(bus, publisher, settings.instance)
        self.outgoing, self.audit = Outgoing(publisher, metrics, settings.unsent_limit), Audit(publisher, clock)
        changes = Changes()
        ear = Ear(self.outgoing, self.phones, changes, clock, metrics)
        self.journal = Journal(bus, CALL, clock, timedelta(hours=settings.read_back_hours), ear.recall)
        self.holding = Holding(ear, self.outgoing, self.journal, self.switches, self.phones, look_times_of(settings))
        self.outgoing.on_overflow = self.holding.start_over
        self.lease = Lease(bus, NODE_LEASE, settings.instance, self.holding, clock)
        self.directory = Directory(self.config, self.phones)
        self.desktops = Desktops(lambda call_id: ear.book.call(call_id), self.directory.queue_name)
        serves = partial(does_serve, self.directory)
        self.hub = DesktopHub(metrics, settings.history_per_agent, settings.history_of_all, serves)
        self.feed = DesktopFeed(bus, clock, self.desktops, self.hub)
        self.lines = StandingLines(timedelta(seconds=settings.line_stays_s))
        self.desk = AgentDesk(
            self.directory, self.requester, settings.ask_timeout_s, settings.dial_rules, self.lines.owner_of
        )
        self.steering = Steering(ear, self.switches, changes, clock, ways_of(settings))
        self.control = CallControl(self._hands(settings), RequestBook(clock, tasks), metrics, self.audit)
        self.knowledge = Knowledge(self.directory, ear.book, lambda: self.feed.is_ready and self.journal.is_ready)
        self.poster = Poster(client_of(settings.webhook_ca_file), settings.webhook_reach)
        self.webhooks = self._webhooks(settings)
        self.monitors = CstaMonitors()
        self.attendance = Attendance(
            self.desk, self.desktops, self.outgoing, clock, settings.desktop_lost_s, settings.second_desktop
        )
        self.feed.hear = self._hear
        self.flow_keeper = FlowKeeper(
            self.control.hands.flows, settings.flow_limit_s, settings.ask_timeout_s + settings.control_timeout_s
        )
        sealer = settings.sealer()
        self.order_book = OrderBook(lambda session_id, text: opened_results(sealer, session_id, text))
        self.order_desk = OrderDesk(
            self.control, self.directory, self.requester, self.audit, sealer, settings.ask_timeout_s
        )
        self.minder = Minder(self.steering, self.control.is_busy, settings.mind_every_s)
        self.line_keeper = LineKeeper(self.lines, self.directory, self.desktops, self.steering, self._knows_seats)

    def _knows_seats(self) -> bool:
        """Whether it is known who is signed in where, and which phones are there."""
        return self.feed.is_ready and self.phones.is_ready

    def _webhooks(self, settings: CtiSettings) -> Webhooks:
        return Webhooks(
            self.bus,
            self.config,
            self.knowledge,
            self.poster,
            self.clock,
            self.metrics,
            settings.read_webhook_key(),
            hooks_in(settings.webhooks),
        )

    def _hear(self, event: Event) -> None:
        self.webhooks.hear(event)
        self.attendance.take(event)
        self.flow_keeper.take(event)
        self.order_book.take(event)
        self.monitors.take(event, self.control)

    def _hands(self, settings: CtiSettings) -> Hands:
        steering, telephony = self.steering, Telephony(self.steering)
        ringing = Ringing(steering, self.tasks)
        flows = Flows(steering, telephony, self.requester, self.tasks, settings.ask_timeout_s)
        return Hands(
            steering=steering,
            telephony=telephony,
            consulting=Consulting(steering, ringing, telephony),
            handovers=Handovers(steering, ringing, telephony, self.requester, settings.ask_timeout_s),
            supervision=Supervision(steering, ringing),
            dialling=Dialling(self.directory, self.desktops, steering, ringing, settings.dial_rules),
            flows=flows,
        )

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """From start to stop."""
        tasks = self.tasks
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(running_bus(self.bus, tasks))
            self.switches.start(tasks)
            stack.push_async_callback(self.hub.close)
            self.outgoing.start(tasks)
            tasks.spawn("read configuration", self.config.run)
            tasks.spawn("read phones", self.phones.run)
            tasks.spawn("tell acts", self.audit.run)
            tasks.spawn("hear replies", self.requester.run)
            tasks.spawn("read calls", self.journal.run)
            for topic, reader in self.feed.journals.items():
                tasks.spawn(f"show {topic.name}", reader.run)
            self.holding.start(tasks, self.clock, self.metrics)
            self.holding.prove_by(self.lease, Standstill(self.session_timeout_s / 2))
            held = tasks.spawn("hold nodes", self.lease.run)
            stack.push_async_callback(self.poster.client.aclose)
            tasks.spawn("deliver to webhooks", lambda: self.webhooks.run(tasks))
            tasks.spawn("miss desktops", self.attendance.run)
            tasks.spawn("mind those left behind", self.minder.run)
            tasks.spawn("end lines left standing", self.line_keeper.run)
            tasks.spawn("bring back from flows", self.flow_keeper.run)
            try:
                yield
            finally:
                self.holding.leave()
                await self.outgoing.idle(FLUSH_S)
                # only now: whoever holds the nodes next reads on the topic what was told
                held.cancel()
                await tasks.stop()

    def add_checks(self, health: Health) -> None:
        """What makes the service red."""
        check_bus(health, self.bus)
        check_objects(health, self.config)
        check_switches(health, self.switches)
        config = self.config
        health.add("configuration", lambda: None if config.is_ready else "not read yet: admin has published nothing")
        health.add("ear", self.holding.problem)
        health.add("facts", self.outgoing.problem)
        health.complain("audit", self.audit.problem)
        health.add("desktops", self.feed.problem)
        health.add("webhooks", self.webhooks.problem)
        health.add_tasks(self.tasks)


def look_times_of(settings: CtiSettings) -> LookTimes:
    """How often the switches are looked at, and how patiently."""
    return LookTimes(
        settings.look_every_s,
        settings.look_again_s,
        settings.look_timeout_s,
        settings.ghost_after_s,
        settings.node_lost_after_s,
    )


def ways_of(settings: CtiSettings) -> Ways:
    """How things are done on this site's switches."""
    return Ways(
        timeout_s=settings.control_timeout_s,
        ring_s=settings.ring_s,
        music=settings.music,
        phone_domain=settings.phone_domain,
        caller_number=settings.caller_number,
        recordings_root=settings.recordings_root,
        confirm_key=settings.confirm_key,
        confirm_sound=settings.confirm_sound,
        node_addresses=settings.node_addresses,
    )


def build(settings: CtiSettings, parts: Parts | None = None) -> Service:
    """The service, ready to be served."""
    parts = parts or Parts()
    metrics, health = Metrics(settings.service), Health()
    works = _Works(settings, parts, metrics, Tasks())
    works.add_checks(health)
    return Service(
        settings=settings,
        title="Telephony and desktops (ctiserver)",
        run=works.run,
        authenticator=authenticator_for(settings, parts.clock),
        metrics=metrics,
        health=health,
        routers=[router, control_router, socket_router, csta_router, order_router, webhook_router],
        examples=EXAMPLES,
        provides=[
            works.desk,
            works.audit,
            works.control,
            works.directory,
            works.desktops,
            works.feed,
            works.hub,
            works.monitors,
            works.attendance,
            works.order_book,
            works.order_desk,
            Failures(works.webhooks),
            Lines(works.control.hands.dialling, works.requester, settings.ask_timeout_s, works.lines),
            CallingBack(works.control, works.desktops.voicemails, parts.clock, settings.ask_timeout_s),
        ],
    )
