"""Composition root: settings, adapters, use cases, routes; the only place that wires."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import structlog

from ipcc.auth.tokens import authenticator_for
from ipcc.bus import Consumption, Replier, Requester, View, Worker
from ipcc.clock import Clock
from ipcc.contracts.config import ConfigChanged, DialPlan, DialRule, Organisation
from ipcc.contracts.newer import salvage
from ipcc.contracts.topics import CALL, CONFIG
from ipcc.db.database import Database
from ipcc.db.migrate import prepare
from ipcc.dialling import rules_for
from ipcc.errors import Unavailable
from ipcc.esl.port import Switches
from ipcc.http.health import Health
from ipcc.http.service import Service
from ipcc.http.websocket import Hub
from ipcc.metrics import IVR_FACTS_WAITING, Metrics
from ipcc.parts import Parts, check_bus, check_objects, check_switches, check_worker, running_bus
from ipcc.tasks import Tasks
from services.ivr.api import router
from services.ivr.bankcore import BankCore, BankSettings
from services.ivr.catalogue import FlowStore
from services.ivr.consumers import handlers
from services.ivr.core.flow import Flow
from services.ivr.core.nodes.fax import FaxNode
from services.ivr.facts import FactSender
from services.ivr.fax_calls import LONGEST_FAX_S, FaxCalls
from services.ivr.fax_files import FaxFiles
from services.ivr.fax_jobs import FaxJobs, FaxLimits
from services.ivr.faxing import FaxDesk
from services.ivr.flow_api import router as flow_router
from services.ivr.fonts import find_font
from services.ivr.lending import Lending
from services.ivr.listening import UtteranceDesk
from services.ivr.live import Live
from services.ivr.mirror import Mirror
from services.ivr.orders import Orders
from services.ivr.outside import Outside
from services.ivr.paper import Drawer
from services.ivr.ports import Recogniser
from services.ivr.publishing import FlowLife
from services.ivr.queueing import QueueDesk
from services.ivr.recogniser import WebsocketRecogniser
from services.ivr.settings import IvrSettings
from services.ivr.store import MIGRATIONS, VersionStore, VoiceStore
from services.ivr.switch import IVR_LEGS, Telephony
from services.ivr.synthesis import Program, Speaker
from services.ivr.systems import BankSystems
from services.ivr.tracing import Traces
from services.ivr.usecases import Sessions
from services.ivr.voice_api import router as voice_router
from services.ivr.voices import VoiceLibrary

log = structlog.get_logger(__name__)

ASSIGNMENT_LOOK_S = 0.5
LEARN_S = 5.0


def build(settings: IvrSettings, parts: Parts | None = None) -> Service:
    """The service, ready to be served. Raises Invalid when a flow cannot be published."""
    parts = parts or Parts()
    clock, metrics, health, tasks = parts.clock, Metrics(settings.service), Health(), Tasks()
    bus, switches = parts.bus(settings), parts.switches(settings, IVR_LEGS)
    publisher = parts.publisher(settings, bus)
    requester = Requester(bus, publisher, settings.instance)
    config, mirror = View(bus, CONFIG, clock, salvage), Mirror(bus, clock)
    desk = QueueDesk(bus, publisher, requester, clock, config)
    sender = FactSender(publisher, Traces(bus, mirror))
    bank, systems = BankCore(BankSettings.of(settings), clock, metrics), BankSystems(settings.http_services)
    flows = FlowStore.read(settings.flows_dir, settings.prompts_file)
    telephony, utterances = _telephony(settings, switches), _utterances(settings, clock, metrics)
    faxes = _fax_desk(settings, switches, config, sender, _Process(clock, tasks, metrics))
    asked = (bank, desk, systems, faxes, utterances, sender, mirror, tasks, metrics, settings.sealer())
    outside = Outside(bus, publisher, clock, config, flows, telephony, *asked)
    sessions = Sessions(outside)
    live = Live(sessions, mirror, settings.instance, Hub("ivr", metrics), clock, metrics)
    hearing = {"read configuration": config.run, "hear replies": requester.run, "hear acd": desk.run}
    sweeping = {"sweep faxes": faxes.files.sweep, "sweep utterances": utterances.sweep}
    life = None if settings.flows_from_files else _Life.of(settings, flows, clock, metrics, telephony.speaker)
    worker = Worker(bus, Consumption(settings.service, [CALL]), handlers(sessions), clock)

    @asynccontextmanager
    async def run() -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(running_bus(bus, tasks))
            switches.start(tasks)
            for closing in (bank.close, systems.close, live.hub.close):
                stack.push_async_callback(closing)
            if life:
                await life.start(stack, tasks)
            for name, work in (hearing | sweeping).items():
                tasks.spawn(name, work)
            _serve(sessions, worker, live)
            yield
            # the next owner of the callers reads their places from the topic: all told before he is one
            sessions.close()
            await sender.drain()
            await worker.stop()
            await tasks.stop()

    _check(health, worker, outside, switches, bank, faxes)
    return Service(
        settings=settings,
        title="Voice response (ivr)",
        run=run,
        authenticator=authenticator_for(settings, clock),
        metrics=metrics,
        health=health,
        routers=[router, *([flow_router, voice_router] if life else [])],
        provides=[sessions, live, flows, sender.traces, *([life.flow_life, life.voices] if life else [])],
    )


@dataclass(frozen=True)
class _Life:
    """What the life of flows needs beside the rest: a database, and tasks of its own."""

    database: Database
    flow_life: FlowLife
    voices: VoiceLibrary

    @classmethod
    def of(cls, settings: IvrSettings, flows: FlowStore, clock: Clock, metrics: Metrics, speaker: Speaker) -> _Life:
        database = Database(settings.database, settings.service, metrics)
        voices = VoiceLibrary(VoiceStore(database), flows, clock, _folders(settings), settings.flows_look_s, speaker)
        return cls(database, FlowLife(VersionStore(database), flows, clock, settings.flows_look_s), voices)

    async def start(self, stack: AsyncExitStack, tasks: Tasks) -> None:
        # no health check: without the database callers are served all the same, and a red ivr would be taken out of service
        clock = self.flow_life.clock
        stack.push_async_callback(self.database.close)
        tasks.spawn("prepare database", lambda: prepare(self.database, MIGRATIONS, clock))
        tasks.spawn("follow flows", lambda: self.database.once_ready(self.flow_life.follow))
        tasks.spawn("follow voices", lambda: self.database.once_ready(self.voices.follow))
        # no caller may meet a version that was rolled back
        await self.flow_life.until_learnt(LEARN_S)


def _serve(sessions: Sessions, worker: Worker, live: Live) -> None:
    tasks = sessions.outside.tasks
    tasks.spawn("follow sessions", live.mirror.run)
    tasks.spawn("show changes", live.run)
    tasks.spawn("send facts", sessions.outside.sender.run)
    tasks.spawn("follow assignment", lambda: follow_assignment(sessions, worker))
    tasks.spawn("consume calls", worker.run)
    tasks.spawn("hear orders", _orders(sessions).run)


def _orders(sessions: Sessions) -> Orders:
    outside = sessions.outside
    table = Lending(sessions).handlers(Replier(outside.publisher))
    return Orders(outside.bus, outside.clock, outside.tasks, table, sessions.owned)


def _check(
    health: Health, worker: Worker, outside: Outside, switches: Switches, bank: BankCore, faxes: FaxDesk
) -> None:
    config = outside.config
    health.add_tasks(outside.tasks)
    check_bus(health, outside.bus)
    check_objects(health, config)
    check_worker(health, worker)
    check_switches(health, switches)
    health.add("bank core", bank.problem)
    health.complain("sessions", outside.mirror.problem)
    # no red: callers are served all the same, and most never ask for a fax
    health.complain("fax font", lambda: faxes.files.drawer.lack(fax_letters(outside.flows.all())) or None)
    health.add("configuration", lambda: None if config.is_ready else "not read yet: admin has published nothing")


def _telephony(settings: IvrSettings, switches: Switches) -> Telephony:
    program = Program(settings.tts_command, settings.tts_voices)
    speaker = Speaker(program, _folders(settings), settings.spool_dir)
    spool = str(settings.spool_dir)
    return Telephony(switches, settings.sounds_dir, settings.safety_net_s, spool, settings.trunk_gateway, speaker)


def _recogniser(settings: IvrSettings, clock: Clock, metrics: Metrics) -> Recogniser | None:
    if not settings.recogniser_url:
        return None
    timeout_s, takes_phrases = settings.recogniser_timeout_s, settings.recogniser_takes_phrases
    return WebsocketRecogniser(settings.recogniser_url, timeout_s, clock, metrics, takes_phrases=takes_phrases)


def _folders(settings: IvrSettings) -> tuple[Path, ...]:
    return settings.voice_folders or (Path(settings.sounds_dir),)


class _Process(NamedTuple):
    """What belongs to this process as a whole."""

    clock: Clock
    tasks: Tasks
    metrics: Metrics


def _fax_desk(
    settings: IvrSettings, switches: Switches, config: View, sender: FactSender, process: _Process
) -> FaxDesk:
    clock, tasks, metrics = process
    # a try may begin until the deadline, and last
    old_s = settings.fax_deadline_s + 2 * LONGEST_FAX_S
    files = FaxFiles(settings.spool_dir, Drawer(find_font(settings.fax_font)), clock, old_s)
    calls = FaxCalls(lambda: _dial_rules(settings, config), settings.fax_caller_number, clock)
    limits = FaxLimits(settings.fax_deadline_s, settings.fax_most_a_call)
    jobs = FaxJobs(switches, files, calls, limits, clock, tasks, sender.tell, metrics)
    return FaxDesk(files, jobs, clock, metrics)


def _utterances(settings: IvrSettings, clock: Clock, metrics: Metrics) -> UtteranceDesk:
    return UtteranceDesk(_recogniser(settings, clock, metrics), settings.spool_dir, clock)


def _dial_rules(settings: IvrSettings, config: View) -> Sequence[DialRule]:
    known = [event.data.object for event in config.values() if isinstance(event.data, ConfigChanged)]
    units = {one.id: one for one in known if isinstance(one, Organisation)}
    return rules_for("", units, [one for one in known if isinstance(one, DialPlan)], settings.dial_rules)


def fax_letters(flows: Iterable[Flow]) -> frozenset[str]:
    """What the papers of these flows are written with."""
    nodes = (node for flow in flows for node in flow.nodes.values())
    return frozenset(letter for node in nodes if isinstance(node, FaxNode) for letter in node.paper.letters())


async def follow_assignment(sessions: Sessions, worker: Worker) -> None:
    """Tell the sessions which partitions of the calls are this replica's, for ever."""
    outside = sessions.outside
    seen = 0
    while True:
        # only what a rebalance has settled counts: in its middle, and while the bus is away, nothing is assigned at all
        settled = worker.counters.rebalances
        if settled != seen:
            try:
                await sessions.follow_assignment(frozenset(place.number for place in worker.assigned))
                seen = settled
            except Unavailable as error:
                log.warning("assignment_waits", reason=str(error))
        outside.metrics.put(IVR_FACTS_WAITING, outside.sender.waiting)
        await outside.clock.sleep(ASSIGNMENT_LOOK_S)
