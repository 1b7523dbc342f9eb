"""The sessions served by this replica: each begun or resumed once, run as a task of its own, ended once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from ipcc.contracts.ivr import SessionStarted
from ipcc.metrics import IVR_SESSIONS, IVR_SESSIONS_ENDED
from services.ivr.core.flow import Flow
from services.ivr.core.proofs import Proofs
from services.ivr.core.session import Moved
from services.ivr.outside import Outside
from services.ivr.patience import fall_back, quieten
from services.ivr.ports import Line
from services.ivr.runner import Runner

REMEMBER = 50_000


@dataclass
class Served:
    """``running`` maps call id to its runner; ``lent`` session id to what began on a lent leg, here or by an earlier owner."""

    outside: Outside
    running: dict[str, Runner] = field(default_factory=dict)
    lent: OrderedDict[str, SessionStarted] = field(default_factory=OrderedDict)
    proofs: Proofs = field(default_factory=Proofs)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _homes: dict[str, int] = field(default_factory=dict)
    _known: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def knows(self, call_id: str) -> bool:
        """Whether the call was met before, here or by an earlier owner of its partition."""
        return call_id in self._known

    def remember(self, call_id: str) -> None:
        """The call is met."""
        self._known[call_id] = None
        self._known.move_to_end(call_id)
        if len(self._known) > REMEMBER:
            self._known.popitem(last=False)

    def remember_lent(self, started: Iterable[SessionStarted]) -> None:
        """These began on lent legs: ordered again they are answered as begun."""
        for one in started:
            self.lent[one.session_id] = one
            if len(self.lent) > REMEMBER:
                self.lent.popitem(last=False)

    def start(self, flow: Flow, moved: Moved, line: Line, partition: int, started: SessionStarted) -> None:
        """Serve a session that has begun; ``started`` has been acknowledged."""
        if started.is_lent:
            self.remember_lent((started,))
        self.outside.sender.traces.begin(started, moved.session.started_at)
        self.outside.sender.tell(moved.facts)
        self.run(self.runner(flow, moved, line), line, partition)

    def runner(self, flow: Flow, moved: Moved, line: Line, *, is_back: bool = False) -> Runner:
        """What will walk the session on; ``is_back`` as Runner has it."""
        return Runner(flow, moved, self.outside.around(line), is_back=is_back)

    def run(self, runner: Runner, line: Line, partition: int) -> None:
        """Serve it from now on."""
        call_id = runner.session.call_id
        self.remember(call_id)
        self.running[call_id] = runner
        self._homes[call_id] = partition
        self.outside.metrics.put(IVR_SESSIONS, len(self.running))
        self._tasks[call_id] = self.outside.tasks.once(f"session {call_id}", self._serve(runner, line))

    def stop(self, runner: Runner) -> None:
        """Whoever lent the leg takes it back: the flow ends as soon as a question to the bank that is open is answered."""
        self.outside.tasks.once(f"stop {runner.session.session_id}", self._stop(runner))

    async def _stop(self, runner: Runner) -> None:
        await runner.stop()
        await self.end(runner)

    async def end(self, runner: Runner) -> None:
        """The caller is gone, or was taken back: the session ends where it stands."""
        task = self._tasks.get(runner.session.call_id)
        if task is None or self.running.get(runner.session.call_id) is not runner:
            # it is ending by itself at this moment
            return
        del self._tasks[runner.session.call_id]
        task.cancel()
        await asyncio.wait({task})
        self.finish(runner)

    def finish(self, runner: Runner) -> None:
        """It is over: tell how, if that was not told, and forget it."""
        session = runner.session
        if not session.outcome:
            self.outside.sender.tell(runner.ended())
        self.outside.metrics.count(IVR_SESSIONS_ENDED, outcome=runner.session.outcome)
        is_gone = runner.session.outcome == "hung_up"
        self.proofs.keep(session.call_id, None if is_gone else runner.proof, self._homes.get(session.call_id, 0))
        self.running.pop(session.call_id, None)
        self._homes.pop(session.call_id, None)
        self.outside.metrics.put(IVR_SESSIONS, len(self.running))

    def let_go(self, partition: int) -> None:
        """Another replica has these now: stop touching their callers, and say nothing."""
        self.proofs.let_go(partition)
        for call_id in [c for c, home in self._homes.items() if home == partition]:
            task = self._tasks.pop(call_id, None)
            self.running.pop(call_id, None)
            self._homes.pop(call_id, None)
            self._known.pop(call_id, None)
            if task is not None:
                task.cancel()
        self.outside.metrics.put(IVR_SESSIONS, len(self.running))

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
                    await _give_up(runner, line)
                self.finish(runner)
            await line.forget()


async def _give_up(runner: Runner, line: Line) -> None:
    """A caller of ours goes to the safety net; a lent leg stays where it is: whoever lent it is told."""
    if runner.session.lent_to:
        await quieten(line)
    else:
        await fall_back(runner.session.call_id, line)
