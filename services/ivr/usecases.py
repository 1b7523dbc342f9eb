"""Sessions: begun when a customer arrives, resumed when their replica died, ended with the call."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from ipcc.bus.events import Publisher, Received, received_from
from ipcc.bus.port import Bus
from ipcc.bus.view import View
from ipcc.clock import Clock
from ipcc.contracts.call import CallArrived, Direction, LegEnded
from ipcc.contracts.config import ConfigChanged, EntryPoint
from ipcc.contracts.ivr import IvrPayload, NodeEntered, SessionEnded, SessionStarted
from ipcc.contracts.topics import CALL, IVR
from ipcc.errors import InvalidMessage, NotFound, RetryLater, SwitchDown
from ipcc.ids import new_id
from ipcc.metrics import IVR_SESSIONS, IVR_SESSIONS_ENDED, Metrics
from ipcc.tasks import Tasks
from services.ivr.core.flow import Flow
from services.ivr.core.session import Moved, Session, begin, resume
from services.ivr.facts import FactSender
from services.ivr.ports import Bank, Line, LineLost, Lines, Queues
from services.ivr.runner import Runner, Surroundings
from services.ivr.store import FlowStore

log = structlog.get_logger(__name__)

# no call lasts longer (the switch's own limit): older sessions on the topic are over
LOOK_BACK = timedelta(hours=6)
# an arrival heard later than this may be of a call that is over: look before answering
FRESH = timedelta(seconds=5)
REMEMBER = 50_000


@dataclass(frozen=True)
class Outside:
    """What the use cases work with."""

    bus: Bus
    publisher: Publisher
    clock: Clock
    config: View
    flows: FlowStore
    lines: Lines
    bank: Bank
    queues: Queues
    sender: FactSender
    tasks: Tasks
    metrics: Metrics


@dataclass
class Open:
    """A session found on the topic that had not ended."""

    started: SessionStarted
    at: datetime
    entered: NodeEntered | None = None


@dataclass
class Sessions:
    """All sessions of this replica. ``running`` maps call id to its runner."""

    outside: Outside
    running: dict[str, Runner] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _partitions: dict[int, asyncio.Future[None]] = field(default_factory=dict)
    _homes: dict[str, int] = field(default_factory=dict)
    _known: OrderedDict[str, None] = field(default_factory=OrderedDict)

    async def arrived(self, data: CallArrived, received: Received) -> None:
        """A call exists: the customer's meets its flow."""
        partition = received.record.partition
        await self.take_over(partition)
        if data.direction is not Direction.INBOUND or data.call_id in self._known:
            return
        line = self.outside.lines.line(data.node_id, data.leg_id)
        if self.outside.clock.now() - received.event.time > FRESH and not await self._is_there(line):
            return
        flow, entry_point = self._flow_for(data)
        moved = self._begin(flow, data, entry_point)
        started = SessionStarted(
            call_id=data.call_id,
            session_id=moved.session.session_id,
            flow_id=flow.id,
            flow_version=flow.version,
            entry_point=entry_point.id,
            node_id=data.node_id,
            leg_id=data.leg_id,
            language=moved.session.language,
        )
        # acknowledged before the arrival is: a replica that dies now leaves a session that another finds
        await self.outside.publisher.publish(started)
        self.outside.sender.tell(moved.facts)
        self._run(flow, moved, line, partition)

    async def leg_ended(self, data: LegEnded, received: Received) -> None:
        """The caller hung up while nothing of ours was running on his leg."""
        runner = self.running.get(data.call_id)
        if runner is not None and runner.session.leg_id == data.leg_id:
            task = self._tasks.pop(data.call_id)
            task.cancel()
            await asyncio.wait({task})
            self._finish(runner)

    async def take_over(self, partition: int) -> None:
        """Read what was told of the sessions of ``partition`` (its topic lines up with the calls'), and resume the open ones."""
        loading = self._partitions.get(partition)
        if loading is None:
            loading = asyncio.get_running_loop().create_future()
            self._partitions[partition] = loading
            try:
                for found in await self._read_open(partition):
                    self.outside.tasks.once(f"resume {found.started.call_id}", self._resume(found, partition))
            except BaseException:
                del self._partitions[partition]
                loading.cancel()
                raise
            loading.set_result(None)
        await asyncio.shield(loading)

    async def let_go(self, partition: int) -> None:
        """Another replica has these now: stop touching their callers, and say nothing."""
        self._partitions.pop(partition, None)
        for call_id in [c for c, home in self._homes.items() if home == partition]:
            task = self._tasks.pop(call_id, None)
            self.running.pop(call_id, None)
            self._homes.pop(call_id, None)
            self._known.pop(call_id, None)
            if task is not None:
                task.cancel()

    async def follow_assignment(self, assigned: frozenset[int]) -> None:
        """Take over what is newly ours and let go of the rest."""
        for partition in set(self._partitions) - assigned:
            await self.let_go(partition)
        for partition in assigned:
            await self.take_over(partition)

    def _begin(self, flow: Flow, data: CallArrived, entry_point: EntryPoint) -> Moved:
        now = self.outside.clock.now()
        session = Session(
            session_id=new_id(),
            call_id=data.call_id,
            leg_id=data.leg_id,
            node_id=data.node_id,
            dialled_number=data.dialled_number,
            caller_number=data.caller_number,
            caller_name=data.caller_name,
            language=entry_point.language,
            started_at=now,
        )
        return begin(flow, session, now)

    def _flow_for(self, data: CallArrived) -> tuple[Flow, EntryPoint]:
        if not self.outside.config.is_ready:
            raise RetryLater("the configuration has not been read yet", 0.5)
        for event in self.outside.config.values():
            found = event.data.object if isinstance(event.data, ConfigChanged) else None
            if isinstance(found, EntryPoint) and found.number == data.dialled_number:
                return self.outside.flows.published(found.flow), found
        raise NotFound("entry_point.unknown", f"no entry point has the number {data.dialled_number}", trunk=data.trunk)

    def _run(self, flow: Flow, moved: Moved, line: Line, partition: int) -> None:
        around = Surroundings(
            line, self.outside.bank, self.outside.queues, self.outside.clock, self.outside.sender.tell
        )
        runner = Runner(flow, moved, around)
        call_id = moved.session.call_id
        self._remember(call_id)
        self.running[call_id] = runner
        self._homes[call_id] = partition
        self.outside.metrics.put(IVR_SESSIONS, len(self.running))
        self._tasks[call_id] = self.outside.tasks.once(f"session {call_id}", self._serve(runner, line))

    async def _serve(self, runner: Runner, line: Line) -> None:
        call_id = runner.session.call_id
        try:
            await line.answer()
            await runner.run()
        except LineLost:
            pass
        if self._tasks.get(call_id) is asyncio.current_task():
            del self._tasks[call_id]
            self._finish(runner)

    def _finish(self, runner: Runner) -> None:
        session = runner.session
        if not session.outcome:
            self.outside.sender.tell(runner.hung_up())
        self.outside.metrics.count(IVR_SESSIONS_ENDED, outcome=runner.session.outcome)
        self.running.pop(session.call_id, None)
        self._homes.pop(session.call_id, None)
        self.outside.metrics.put(IVR_SESSIONS, len(self.running))

    async def _read_open(self, partition: int) -> list[Open]:
        since = self.outside.clock.now() - LOOK_BACK
        found: dict[str, Open] = {}
        async with self.outside.bus.replay(IVR.name, since, [partition]) as past:
            async for record in past:
                try:
                    event = received_from(record).event
                except InvalidMessage:
                    continue
                self._note(found, event.data, event.time)
        return list(found.values())

    def _note(self, found: dict[str, Open], data: object, at: datetime) -> None:
        if not isinstance(data, IvrPayload):
            return
        self._remember(data.call_id)
        if isinstance(data, SessionStarted):
            found[data.call_id] = Open(data, at)
        elif isinstance(data, NodeEntered) and data.call_id in found:
            found[data.call_id].entered = data
        elif isinstance(data, SessionEnded):
            found.pop(data.call_id, None)

    async def _resume(self, found: Open, partition: int) -> None:
        started = found.started
        if started.call_id in self.running:
            return
        line = self.outside.lines.line(started.node_id, started.leg_id)
        flow = self.outside.flows.version(started.flow_id, started.flow_version)
        session = await self._recalled(found)
        now = self.outside.clock.now()
        at = found.entered.flow_node if found.entered else flow.start
        place: Mapping[str, str] = found.entered.place if found.entered else {}
        moved = resume(flow, session, place, at, now)
        log.info("session_resumed", call_id=started.call_id, flow_node=moved.session.at)
        self.outside.sender.tell(moved.facts)
        # a caller in a queue may be joined to his agent at this moment: nothing of his is interrupted
        if flow.nodes[moved.session.at].kind != "queue" and await self._is_there(line):
            await self._quieten(line)
        self._run(flow, moved, line, partition)

    async def _recalled(self, found: Open) -> Session:
        caller = await self._arrival(found.started.call_id, found.at)
        return Session(
            session_id=found.started.session_id,
            call_id=found.started.call_id,
            leg_id=found.started.leg_id,
            node_id=found.started.node_id,
            dialled_number=caller.dialled_number if caller else "",
            caller_number=caller.caller_number if caller else "",
            caller_name=caller.caller_name if caller else "",
            language=found.started.language or "zh",
            started_at=found.at,
        )

    async def _arrival(self, call_id: str, at: datetime) -> CallArrived | None:
        async with self.outside.bus.replay(CALL.name, at - timedelta(minutes=1)) as past:
            async for record in past:
                if record.key == call_id:
                    data = received_from(record).event.data
                    if isinstance(data, CallArrived):
                        return data
        return None

    async def _is_there(self, line: Line) -> bool:
        while True:
            try:
                return await line.exists()
            except SwitchDown:
                await self.outside.clock.sleep(1.0)

    @staticmethod
    async def _quieten(line: Line) -> None:
        try:
            await line.interrupt()
        except (LineLost, SwitchDown) as error:
            log.info("not_quietened", error=str(error))

    def _remember(self, call_id: str) -> None:
        self._known[call_id] = None
        self._known.move_to_end(call_id)
        if len(self._known) > REMEMBER:
            self._known.popitem(last=False)
