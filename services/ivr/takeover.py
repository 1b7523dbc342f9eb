"""Which partitions of the calls are this replica's, and how the sessions of one that died, or let go of them, are resumed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from ipcc.errors import Unavailable
from services.ivr.core.actions import JoinQueue
from services.ivr.core.flow import Flow
from services.ivr.core.past import Open
from services.ivr.core.session import Moved, Session, resume
from services.ivr.mirror import arrival
from services.ivr.ordering import Ordering
from services.ivr.outside import Outside
from services.ivr.patience import is_there, quieten, talks
from services.ivr.ports import Line
from services.ivr.runner import Runner
from services.ivr.serving import Served

log = structlog.get_logger(__name__)


@dataclass
class Takeover:
    """``partitions`` are those whose sessions were learnt and are served here."""

    outside: Outside
    served: Served
    partitions: set[int] = field(default_factory=set)
    _learning: dict[int, asyncio.Lock] = field(default_factory=dict)

    async def take_over(self, partition: int) -> None:
        """Learn what was told of the sessions of ``partition`` (its topic lines up with the calls'), and resume the open ones."""
        async with self._learning.setdefault(partition, asyncio.Lock()):
            if partition in self.partitions:
                return
            past = await self.outside.mirror.past(partition)
            for call_id in past.calls:
                self.served.remember(call_id)
            self.served.remember_lent(past.lent.values())
            self.outside.faxes.take_over(past.faxes.values())
            for found in past.open.values():
                self.resume(found, partition)
            self.partitions.add(partition)

    def let_go(self, partition: int) -> None:
        """Another replica has it now."""
        self.partitions.discard(partition)
        self.served.let_go(partition)
        self.outside.faxes.let_go(partition)

    async def follow(self, assigned: frozenset[int]) -> None:
        """Let go of what is ours no longer and take over what is newly ours."""
        for partition in self.partitions - assigned:
            self.let_go(partition)
        # side by side: every moment here is one in which callers hear nothing
        await asyncio.gather(*(self.take_over(partition) for partition in assigned - self.partitions))

    def resume(self, found: Open, partition: int) -> None:
        """Go on with a session as soon as its switch can be asked whether the caller is there."""
        self.outside.tasks.once(f"resume {found.started.call_id}", self._resume(found, partition))

    async def _resume(self, found: Open, partition: int) -> None:
        outside, started = self.outside, found.started
        line = outside.lines.line(started.node_id, started.leg_id)
        flow = outside.flows.version(started.flow_id, started.flow_version)
        session = await self._recalled(flow, found, partition)
        is_here = await is_there(line, outside.clock)
        if found.is_over or started.call_id in self.served.running or partition not in self.partitions:
            return
        at = found.entered.flow_node if found.entered else flow.start
        place: Mapping[str, str] = found.entered.place if found.entered else started.given
        moved = resume(flow, session, place, at, outside.clock.now())
        outside.sender.traces.begin(started, found.at, is_whole=False)
        log.info("session_resumed", call_id=started.call_id, flow_node=moved.session.at, is_there=is_here)
        runner = self.served.runner(flow, moved, line, is_back=True)
        if moved.action is None:
            # what he was lent for was done; its replica did not live to say so
            await self._give_back(runner, moved, line, is_here=is_here)
            return
        outside.sender.tell(moved.facts)
        if not is_here:
            await runner.settle()
            await self._finish_gone(runner, moved, found.at)
            return
        # he may be joined to his agent, or to whom the flow has called, at this moment: nothing of his is interrupted
        if flow.nodes[moved.session.at].kind not in ("queue", "transfer"):
            if await talks(line, outside.clock):
                # the safety net, or whoever lent him, has joined him to somebody meanwhile: the flow is over for him
                await runner.settle()
                outside.sender.tell(runner.taken())
                self.served.finish(runner)
                await line.forget()
                return
            await quieten(line)
        self.served.run(runner, line, partition)

    async def _give_back(self, runner: Runner, moved: Moved, line: Line, *, is_here: bool) -> None:
        if is_here and not await talks(line, self.outside.clock):
            await quieten(line)
        self.outside.sender.tell(moved.facts)
        self.served.finish(runner)
        await line.forget()

    async def _finish_gone(self, runner: Runner, moved: Moved, since: datetime) -> None:
        """He left while nobody served him: from the menu, from the queue, or from the agent he had got."""
        if isinstance(moved.action, JoinQueue):
            try:
                if await self.outside.queues.was_answered(moved.action.entry_id, since):
                    self.outside.sender.tell(runner.was_answered())
            except Unavailable as error:
                log.warning("end_not_found", call_id=runner.session.call_id, error=str(error))
        self.served.finish(runner)

    async def _recalled(self, flow: Flow, found: Open, partition: int) -> Session:
        started = found.started
        dialled, number, name = started.dialled_number, started.caller_number, started.caller_name
        if not dialled and not started.is_lent:
            # begun by an earlier release, which did not tell it
            caller = await arrival(self.outside.bus, started, found.at, partition)
            if caller is not None:
                dialled, number, name = caller.dialled_number, caller.caller_number, caller.caller_name
        return Session(
            session_id=started.session_id,
            call_id=started.call_id,
            leg_id=started.leg_id,
            node_id=started.node_id,
            dialled_number=dialled,
            caller_number=number,
            caller_name=name,
            language=started.language or "zh",
            started_at=found.at,
            lent_to=started.flow_id if started.is_lent else "",
            ordered_by=started.by if started.sealed else "",
            private=Ordering(self.outside.flows, self.outside.sealer).recalled(flow, started),
        )
