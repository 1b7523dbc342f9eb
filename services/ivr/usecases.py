"""Sessions: begun when a customer arrives, resumed when their replica died, ended with the call."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from ipcc.bus.events import Publisher, Received
from ipcc.bus.port import Bus
from ipcc.bus.view import View
from ipcc.clock import Clock
from ipcc.contracts.call import CallArrived, Direction, LegEnded
from ipcc.contracts.config import ConfigChanged, EntryPoint
from ipcc.contracts.ivr import SessionStarted
from ipcc.errors import NotFound, RetryLater, SwitchDown, SwitchRefused, Unavailable
from ipcc.esl.headers import HangupCause
from ipcc.ids import new_id
from ipcc.metrics import IVR_SESSIONS, IVR_SESSIONS_ENDED, Metrics
from ipcc.tasks import Tasks
from services.ivr.catalogue import FlowStore
from services.ivr.core.actions import JoinQueue
from services.ivr.core.flow import Flow
from services.ivr.core.session import Moved, Session, begin, resume
from services.ivr.facts import FactSender
from services.ivr.history import History, Open
from services.ivr.ports import Bank, Faxes, Line, LineLost, Lines, Queues, Surroundings, Systems, Utterances
from services.ivr.runner import Runner

log = structlog.get_logger(__name__)

# an arrival heard later than this may be of a call that is over: look before answering
FRESH = timedelta(seconds=5)
REMEMBER = 50_000
LOST = HangupCause.NETWORK_OUT_OF_ORDER.name


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
    systems: Systems
    faxes: Faxes
    utterances: Utterances
    sender: FactSender
    tasks: Tasks
    metrics: Metrics


@dataclass
class Sessions:
    """All sessions of this replica. ``running`` maps call id to its runner; ``lent`` session id to what began on a lent leg."""

    outside: Outside
    running: dict[str, Runner] = field(default_factory=dict)
    lent: OrderedDict[str, SessionStarted] = field(default_factory=OrderedDict)
    is_closed: bool = False
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _partitions: set[int] = field(default_factory=set)
    _loading: dict[int, asyncio.Lock] = field(default_factory=dict)
    _homes: dict[str, int] = field(default_factory=dict)
    _known: OrderedDict[str, None] = field(default_factory=OrderedDict)

    async def arrived(self, data: CallArrived, received: Received) -> None:
        """A call exists: the customer's meets its flow."""
        partition = received.record.partition
        await self.take_over(partition)
        if data.direction is not Direction.INBOUND or data.call_id in self._known:
            return
        if self.is_closed:
            raise RetryLater("this replica stops: the next one takes the call", 0.5)
        line = self.outside.lines.line(data.node_id, data.leg_id)
        is_late = self.outside.clock.now() - received.event.time > FRESH
        is_there = await self._look_once(line) if is_late else True
        if is_there is False:
            return
        try:
            flow, entry_point = self._flow_for(data)
        except NotFound as error:
            await self._turn_away(data, line, error)
            return
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
        if is_there:
            self.start(flow, moved, line, partition, started)
            return
        # the switch is away: he is looked for in his own time, and the callers behind him are served
        self._remember(data.call_id)
        found = Open(started, self.outside.clock.now())
        self.outside.tasks.once(f"look for {data.call_id}", self._resume(found, partition))

    def start(self, flow: Flow, moved: Moved, line: Line, partition: int, started: SessionStarted) -> None:
        """Serve a session that has begun; ``started`` has been acknowledged."""
        if started.is_lent:
            self._remember_lent(started)
        self.outside.sender.traces.begin(started, moved.session.started_at)
        self.outside.sender.tell(moved.facts)
        self._run(self._runner(flow, moved, line), line, partition)

    def owned(self) -> set[int]:
        """The partitions whose sessions were read and are served here."""
        return set() if self.is_closed else set(self._partitions)

    def stop(self, runner: Runner) -> None:
        """Whoever lent the leg takes it back: the flow ends as soon as a question to the bank that is open is answered."""
        self.outside.tasks.once(f"stop {runner.session.session_id}", self._stop(runner))

    async def _stop(self, runner: Runner) -> None:
        await runner.stop()
        await self._end(runner)

    async def _turn_away(self, data: CallArrived, line: Line, error: NotFound) -> None:
        """Nobody has said how callers of this number are served: a human must, and soon."""
        log.error("call_without_flow", call_id=data.call_id, trunk=data.trunk, reason=error.message)
        self._remember(data.call_id)
        await self._fall_back(data.call_id, line)
        await line.forget()

    async def leg_ended(self, data: LegEnded, received: Received) -> None:
        """The caller hung up while nothing of ours was running on his leg."""
        runner = self.running.get(data.call_id)
        if runner is None or runner.session.leg_id != data.leg_id:
            return
        if data.resynced and data.cause == LOST and await self._look_once(self._line_of(runner)):
            # ctiserver has lost sight of the switch, and we have not
            log.info("end_not_believed", call_id=data.call_id)
            return
        if not runner.leave():
            await self._end(runner)

    def _line_of(self, runner: Runner) -> Line:
        return self.outside.lines.line(runner.session.node_id, runner.session.leg_id)

    async def _end(self, runner: Runner) -> None:
        task = self._tasks.get(runner.session.call_id)
        if task is None or self.running.get(runner.session.call_id) is not runner:
            # it is ending by itself at this moment
            return
        del self._tasks[runner.session.call_id]
        task.cancel()
        await asyncio.wait({task})
        self._finish(runner)

    async def take_over(self, partition: int) -> None:
        """Read what was told of the sessions of ``partition`` (its topic lines up with the calls'), and resume the open ones."""
        async with self._loading.setdefault(partition, asyncio.Lock()):
            if partition in self._partitions:
                return
            past = await History(self.outside.bus, self.outside.clock).read(partition)
            for call_id in past.calls:
                self._remember(call_id)
            for started in past.lent.values():
                self._remember_lent(started)
            for found in past.open.values():
                self.outside.tasks.once(f"resume {found.started.call_id}", self._resume(found, partition))
            self._partitions.add(partition)

    async def let_go(self, partition: int) -> None:
        """Another replica has these now: stop touching their callers, and say nothing."""
        self._partitions.discard(partition)
        for call_id in [c for c, home in self._homes.items() if home == partition]:
            task = self._tasks.pop(call_id, None)
            self.running.pop(call_id, None)
            self._homes.pop(call_id, None)
            self._known.pop(call_id, None)
            if task is not None:
                task.cancel()

    async def close(self) -> None:
        """Stop serving: every caller stays where he is, for another replica to find."""
        self.is_closed = True
        for partition in list(self._partitions):
            await self.let_go(partition)

    async def follow_assignment(self, assigned: frozenset[int]) -> None:
        """Take over what is newly ours and let go of the rest."""
        if self.is_closed:
            return
        for partition in self._partitions - assigned:
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
                return self.outside.flows.published(found.flow, data.call_id), found
        raise NotFound("entry_point.unknown", f"no entry point has the number {data.dialled_number}", trunk=data.trunk)

    def _run(self, runner: Runner, line: Line, partition: int) -> None:
        call_id = runner.session.call_id
        self._remember(call_id)
        self.running[call_id] = runner
        self._homes[call_id] = partition
        self.outside.metrics.put(IVR_SESSIONS, len(self.running))
        self._tasks[call_id] = self.outside.tasks.once(f"session {call_id}", self._serve(runner, line))

    def _runner(self, flow: Flow, moved: Moved, line: Line, *, is_back: bool = False) -> Runner:
        outside = self.outside
        around = Surroundings(
            line,
            outside.bank,
            outside.queues,
            outside.systems,
            outside.faxes,
            outside.utterances,
            outside.clock,
            outside.sender.tell,
        )
        return Runner(flow, moved, around, is_back=is_back)

    async def _serve(self, runner: Runner, line: Line) -> None:
        call_id = runner.session.call_id
        task = asyncio.current_task()
        is_over = False
        try:
            await runner.run()
            is_over = True
        finally:
            # a cancelled session is not over: it was let go, ended by who cancelled it, or waits for another replica
            if task is not None and not task.cancelling() and self._tasks.get(call_id) is task:
                del self._tasks[call_id]
                if not is_over:
                    await runner.give_away()
                    self.outside.sender.tell(runner.failed())
                    await self._give_up(runner, line)
                self._finish(runner)
            await line.forget()

    async def _give_up(self, runner: Runner, line: Line) -> None:
        """A caller of ours goes to the safety net; a lent leg stays where it is: whoever lent it is told."""
        if runner.session.lent_to:
            await self._quieten(line)
        else:
            await self._fall_back(runner.session.call_id, line)

    async def _fall_back(self, call_id: str, line: Line) -> None:
        try:
            await line.fall_back()
        except (LineLost, SwitchDown, SwitchRefused) as error:
            # the switch's own timer has him
            log.warning("not_fallen_back", call_id=call_id, error=str(error))

    def _finish(self, runner: Runner) -> None:
        session = runner.session
        if not session.outcome:
            self.outside.sender.tell(runner.ended())
        self.outside.metrics.count(IVR_SESSIONS_ENDED, outcome=runner.session.outcome)
        self.running.pop(session.call_id, None)
        self._homes.pop(session.call_id, None)
        self.outside.metrics.put(IVR_SESSIONS, len(self.running))

    async def _resume(self, found: Open, partition: int) -> None:
        started = found.started
        line = self.outside.lines.line(started.node_id, started.leg_id)
        flow = self.outside.flows.version(started.flow_id, started.flow_version)
        session = await self._recalled(found, partition)
        is_there = await self._is_there(line)
        if started.call_id in self.running or partition not in self._partitions:
            return
        at = found.entered.flow_node if found.entered else flow.start
        place: Mapping[str, str] = found.entered.place if found.entered else started.given
        moved = resume(flow, session, place, at, self.outside.clock.now())
        self.outside.sender.traces.begin(started, found.at, is_whole=False)
        log.info("session_resumed", call_id=started.call_id, flow_node=moved.session.at, is_there=is_there)
        self.outside.sender.tell(moved.facts)
        runner = self._runner(flow, moved, line, is_back=True)
        if not is_there:
            await self._finish_gone(runner, moved, found.at)
            return
        # he may be joined to his agent, or to whom the flow has called, at this moment: nothing of his is interrupted
        if flow.nodes[moved.session.at].kind not in ("queue", "transfer"):
            if await self._talks(line):
                # the safety net, or whoever lent him, has joined him to somebody meanwhile: the flow is over for him
                self.outside.sender.tell(runner.taken())
                self._finish(runner)
                await line.forget()
                return
            await self._quieten(line)
        self._run(runner, line, partition)

    async def _finish_gone(self, runner: Runner, moved: Moved, since: datetime) -> None:
        """He left while nobody served him: from the menu, from the queue, or from the agent he had got."""
        if isinstance(moved.action, JoinQueue):
            try:
                if await self.outside.queues.was_answered(moved.action.entry_id, since):
                    self.outside.sender.tell(runner.was_answered())
            except Unavailable as error:
                log.warning("end_not_found", call_id=runner.session.call_id, error=str(error))
        self._finish(runner)

    async def _recalled(self, found: Open, partition: int) -> Session:
        history = History(self.outside.bus, self.outside.clock)
        caller = await history.arrival(found.started.call_id, found.at, partition)
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
            lent_to=found.started.flow_id if found.started.is_lent else "",
        )

    async def _talks(self, line: Line) -> bool:
        while True:
            try:
                return await line.is_joined()
            except LineLost:
                return False
            except SwitchDown:
                await self.outside.clock.sleep(1.0)

    @staticmethod
    async def _look_once(line: Line) -> bool | None:
        """Whether he is there; None when the switch cannot be asked."""
        try:
            return await line.exists()
        except SwitchDown:
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
        except (LineLost, SwitchDown, SwitchRefused) as error:
            log.info("not_quietened", error=str(error))

    def _remember(self, call_id: str) -> None:
        self._known[call_id] = None
        self._known.move_to_end(call_id)
        if len(self._known) > REMEMBER:
            self._known.popitem(last=False)

    def _remember_lent(self, started: SessionStarted) -> None:
        self.lent[started.session_id] = started
        if len(self.lent) > REMEMBER:
            self.lent.popitem(last=False)
