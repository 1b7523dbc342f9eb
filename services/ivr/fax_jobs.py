"""Faxes to numbers: each a piece of work of its own, that the caller's hang-up and the end of this replica do not end.

Who owns the partition of the call owns its faxes: he tells of each that it was ordered, of each try that it begins and how it
went, and the next owner reads that and goes on (core/fax_job.py decides). What is private stays in the spool (fax_files.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog

from ipcc.bus.port import partition_of
from ipcc.clock import Clock
from ipcc.contracts.ivr import FaxDone, FaxOrdered, FaxStarted
from ipcc.contracts.topics import IVR
from ipcc.errors import NotFound, SwitchDown
from ipcc.esl.port import Switches
from ipcc.ids import LegId, NodeId, new_id
from ipcc.metrics import IVR_FAX_JOBS, Metrics
from ipcc.tasks import Tasks
from services.ivr.core.actions import Faxed, SendFax
from services.ivr.core.fax_job import FaxJob, fax_id_of
from services.ivr.core.session import Session
from services.ivr.core.statement import Statement
from services.ivr.fax_calls import FaxCalls, count
from services.ivr.fax_files import FaxFiles
from services.ivr.ports import Tell

log = structlog.get_logger(__name__)

# what was over is known for a while: a caller who is served again after a fault gets no second one
REMEMBER = 2_000


@dataclass
class _Going:
    """One fax, and who waits for its tries by their number."""

    call_id: str
    job: FaxJob | None = None
    task: asyncio.Task[None] | None = None
    results: dict[int, asyncio.Future[Faxed]] = field(default_factory=dict)

    def result(self, attempt: int) -> asyncio.Future[Faxed]:
        return self.results.setdefault(attempt, asyncio.get_running_loop().create_future())

    def settle(self, attempt: int, done: Faxed) -> None:
        result = self.result(attempt)
        if not result.done():
            result.set_result(done)

    def give_up(self) -> None:
        """A fault of ours: nobody waits for what does not come."""
        for result in self.results.values():
            if not result.done():
                result.set_result(Faxed("failed"))

    @property
    def is_over(self) -> bool:
        return self.task is None or self.task.done()


@dataclass(frozen=True)
class FaxLimits:
    """``deadline_s``: no try begins later than so long after the order; ``most_a_call``: faxes to numbers one caller may order."""

    deadline_s: int
    most_a_call: int


@dataclass
class FaxJobs:
    """The faxes to numbers of this replica's partitions."""

    switches: Switches
    files: FaxFiles
    calls: FaxCalls
    limits: FaxLimits
    clock: Clock
    tasks: Tasks
    tell: Tell
    metrics: Metrics
    _kept: dict[str, _Going] = field(default_factory=dict)

    def order(self, session: Session, wanted: SendFax, draw: Callable[[], Statement]) -> None:
        """Begin to send it; asked for again at the same visit of the same node it changes nothing. Never waits."""
        fax_id = fax_id_of(session)
        if fax_id in self._kept:
            return
        going = _Going(session.call_id)
        is_too_many = sum(one.call_id == session.call_id for one in self._kept.values()) >= self.limits.most_a_call
        self._keep(fax_id, going)
        if is_too_many:
            self._refuse(going, session, wanted, Faxed("refused", reason="fax.too_many"))
        else:
            self._run(fax_id, going, self._begin(going, session, wanted, draw))

    async def result(self, session: Session, attempt: int) -> Faxed:
        """How that try of the fax ordered here goes; the fax does not end with who waits for it."""
        going = self._kept[fax_id_of(session)]
        result = going.result(attempt)
        if going.is_over:
            going.give_up()
        return await asyncio.shield(result)

    def take_over(self, jobs: Iterable[FaxJob]) -> None:
        """These were another replica's: go on with those that are not over."""
        for job in jobs:
            if job.fax_id in self._kept:
                continue
            going = _Going(job.ordered.call_id, job)
            self._keep(job.fax_id, going)
            for attempt, done in job.ended.items():
                going.settle(attempt, done)
            if not job.is_over:
                log.info("fax_taken_over", call_id=job.ordered.call_id, attempt=job.tried, is_sending=bool(job.leg_id))
                self._run(job.fax_id, going, self._carry(going, job))

    def let_go(self, partition: int) -> None:
        """Another replica has these now: stop, leave legs and files as they are, and say nothing."""
        for fax_id, going in list(self._kept.items()):
            if partition_of(going.call_id, IVR.partitions) == partition:
                del self._kept[fax_id]
                if going.task is not None:
                    going.task.cancel()

    def _keep(self, fax_id: str, going: _Going) -> None:
        self._kept[fax_id] = going
        over = [one for one, kept in self._kept.items() if kept.is_over and kept is not going]
        for one in over[: max(0, len(self._kept) - REMEMBER)]:
            del self._kept[one]

    def _run(self, fax_id: str, going: _Going, work: Coroutine[Any, Any, None]) -> None:
        going.task = self.tasks.once(f"fax {fax_id}", work)
        going.task.add_done_callback(lambda task: self._ended(going, task))
        self._show()

    def _ended(self, going: _Going, task: asyncio.Task[None]) -> None:
        if going.task is task and not task.cancelled():
            going.give_up()
        self._show()

    def _show(self) -> None:
        self.metrics.put(IVR_FAX_JOBS, sum(not going.is_over for going in self._kept.values()))

    async def _begin(self, going: _Going, session: Session, wanted: SendFax, draw: Callable[[], Statement]) -> None:
        fax_id = fax_id_of(session)
        if reason := self.calls.refusal(wanted.number):
            self._refuse(going, session, wanted, Faxed("refused", reason=reason))
            return
        if reason := await self.files.draw(fax_id, draw()) or self.files.keep_number(fax_id, wanted.number):
            self.files.remove(fax_id)
            self._refuse(going, session, wanted, Faxed("not_drawn", reason=reason))
            return
        now = self.clock.now()
        ordered = FaxOrdered(
            call_id=session.call_id,
            session_id=session.session_id,
            fax_id=fax_id,
            document=wanted.document,
            node_id=session.node_id,
            attempts=wanted.attempts,
            pause_s=wanted.pause_s,
            ring_s=wanted.ring_s,
            until=now + timedelta(seconds=self.limits.deadline_s),
        )
        self.tell((ordered,))
        # in a task of its own: what the customer's paper says is forgotten here when it is drawn
        self._run(fax_id, going, self._carry(going, FaxJob(ordered, now)))

    def _refuse(self, going: _Going, session: Session, wanted: SendFax, done: Faxed) -> None:
        fact = FaxDone(
            call_id=session.call_id,
            session_id=session.session_id,
            document=wanted.document,
            to="number",
            outcome=done.outcome,
            reason=done.reason,
            fax_id=fax_id_of(session),
        )
        self.tell((fact,))
        count(self.metrics, session.call_id, done)
        going.settle(1, done)

    async def _carry(self, going: _Going, job: FaxJob) -> None:
        """Try until it is over; cancelled, everything stays as it is for the next owner."""
        going.job = job
        while not job.is_over:
            await self.clock.sleep(max(0.0, (job.due_at - self.clock.now()).total_seconds()))
            if job.leg_id:
                done = await self._follow(job)
            elif self.clock.now() > job.ordered.until:
                job, done = job.begun(""), Faxed("failed", reason="fax.deadline")
            else:
                job = job.begun(new_id())
                self.tell((self._started(job),))
                done = await self._try(job)
            job = going.job = job.after(done, self.clock.now())
            self.tell((job.fact(),))
            count(self.metrics, going.call_id, done)
            going.settle(job.tried, job.ended[job.tried])
        self.files.remove(job.fax_id)

    async def _try(self, job: FaxJob) -> Faxed:
        number = self.files.number(job.fax_id)
        if not number:
            return Faxed("not_drawn", reason="fax.gone")
        try:
            node = self.switches.node(NodeId(job.ordered.node_id))
            path = str(self.files.paper(job.fax_id))
            return await self.calls.dial(node, LegId(job.leg_id), number, path, job.ordered.ring_s)
        except NotFound as error:
            return Faxed("failed", reason=error.code)
        except SwitchDown as error:
            log.warning("fax_lost_from_sight", call_id=job.ordered.call_id, error=str(error))
            return await self._follow(job)

    async def _follow(self, job: FaxJob) -> Faxed:
        try:
            return await self.calls.follow(self.switches.node(NodeId(job.ordered.node_id)), LegId(job.leg_id))
        except NotFound as error:
            return Faxed("unknown", reason=error.code)

    @staticmethod
    def _started(job: FaxJob) -> FaxStarted:
        return FaxStarted(
            call_id=job.ordered.call_id,
            session_id=job.ordered.session_id,
            fax_id=job.fax_id,
            attempt=job.tried,
            leg_id=job.leg_id,
        )
