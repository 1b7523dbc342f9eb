"""Sessions: begun when a customer arrives, resumed when their replica died, ended with the call."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from ipcc.bus.events import Received
from ipcc.contracts.call import CallArrived, Direction, LegEnded
from ipcc.contracts.config import ConfigChanged, EntryPoint
from ipcc.contracts.ivr import SessionStarted
from ipcc.errors import NotFound, RetryLater
from ipcc.esl.headers import HangupCause
from ipcc.ids import new_id
from services.ivr.core.flow import Flow
from services.ivr.core.past import Open
from services.ivr.core.proofs import Proofs
from services.ivr.core.session import Moved, Session, begin
from services.ivr.ordering import Ordering
from services.ivr.outside import Outside
from services.ivr.patience import fall_back, look_once
from services.ivr.ports import Line
from services.ivr.runner import Runner
from services.ivr.serving import Served
from services.ivr.takeover import Takeover

log = structlog.get_logger(__name__)

# an arrival heard later than this may be of a call that is over: look before answering
FRESH = timedelta(seconds=5)
LOST = HangupCause.NETWORK_OUT_OF_ORDER.name


@dataclass
class Sessions:
    """All sessions of this replica."""

    outside: Outside
    is_closed: bool = False
    served: Served = field(init=False)
    takeover: Takeover = field(init=False)

    def __post_init__(self) -> None:
        self.served = Served(self.outside)
        self.takeover = Takeover(self.outside, self.served)

    @property
    def running(self) -> dict[str, Runner]:
        """Who is served here, by call id."""
        return self.served.running

    @property
    def lent(self) -> OrderedDict[str, SessionStarted]:
        """What began on lent legs, by session id."""
        return self.served.lent

    @property
    def proofs(self) -> Proofs:
        """Who has proved who he is."""
        return self.served.proofs

    @property
    def ordering(self) -> Ordering:
        """What agents may order."""
        return Ordering(self.outside.flows, self.outside.sealer)

    async def arrived(self, data: CallArrived, received: Received) -> None:
        """A call exists: the customer's meets its flow."""
        partition = received.record.partition
        await self.takeover.take_over(partition)
        if data.direction is not Direction.INBOUND or self.served.knows(data.call_id):
            return
        if self.is_closed:
            raise RetryLater("this replica stops: the next one takes the call", 0.5)
        line = self.outside.lines.line(data.node_id, data.leg_id)
        is_late = self.outside.clock.now() - received.event.time > FRESH
        is_there = await look_once(line) if is_late else True
        if is_there is False:
            return
        try:
            flow, entry_point = self._flow_for(data)
        except NotFound as error:
            await self._turn_away(data, line, error)
            return
        moved = self._begin(flow, data, entry_point)
        started = _started(flow, moved.session, entry_point)
        # acknowledged before the arrival is: a replica that dies now leaves a session that another finds
        await self.outside.publisher.publish(started)
        if is_there:
            self.start(flow, moved, line, partition, started)
            return
        # the switch is away: he is looked for in his own time, and the callers behind him are served
        self.served.remember(data.call_id)
        self.takeover.resume(Open(started, self.outside.clock.now()), partition)

    def start(self, flow: Flow, moved: Moved, line: Line, partition: int, started: SessionStarted) -> None:
        """Serve a session that has begun; ``started`` has been acknowledged."""
        self.served.start(flow, moved, line, partition, started)

    def stop(self, runner: Runner) -> None:
        """Whoever lent the leg takes it back."""
        self.served.stop(runner)

    async def leg_ended(self, data: LegEnded, received: Received) -> None:
        """The caller hung up while nothing of ours was running on his leg."""
        self.proofs.forget(data.call_id, data.leg_id)
        runner = self.running.get(data.call_id)
        if runner is None or runner.session.leg_id != data.leg_id:
            return
        line = self.outside.lines.line(runner.session.node_id, runner.session.leg_id)
        if data.resynced and data.cause == LOST and await look_once(line):
            # ctiserver has lost sight of the switch, and we have not
            log.info("end_not_believed", call_id=data.call_id)
            return
        if not runner.leave():
            await self.served.end(runner)

    def owned(self) -> set[int]:
        """The partitions whose sessions were learnt and are served here."""
        return set() if self.is_closed else set(self.takeover.partitions)

    def close(self) -> None:
        """Stop serving: every caller stays where he is, for another replica to find."""
        self.is_closed = True
        for partition in list(self.takeover.partitions):
            self.takeover.let_go(partition)

    async def follow_assignment(self, assigned: frozenset[int]) -> None:
        """Take over what is newly ours and let go of the rest."""
        if not self.is_closed:
            await self.takeover.follow(assigned)

    async def _turn_away(self, data: CallArrived, line: Line, error: NotFound) -> None:
        """Nobody has said how callers of this number are served: a human must, and soon."""
        log.error("call_without_flow", call_id=data.call_id, trunk=data.trunk, reason=error.message)
        self.served.remember(data.call_id)
        await fall_back(data.call_id, line)
        await line.forget()

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


def _started(flow: Flow, session: Session, entry_point: EntryPoint) -> SessionStarted:
    return SessionStarted(
        call_id=session.call_id,
        session_id=session.session_id,
        flow_id=flow.id,
        flow_version=flow.version,
        entry_point=entry_point.id,
        node_id=session.node_id,
        leg_id=session.leg_id,
        language=session.language,
        dialled_number=session.dialled_number,
        caller_number=session.caller_number,
        caller_name=session.caller_name,
    )
