"""Faxes to callers: on the line they call from, here; to a number they give, by ``fax_jobs.py``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from ipcc.clock import Clock
from ipcc.errors import SwitchDown
from ipcc.ids import new_id
from ipcc.metrics import Metrics
from services.ivr.core.actions import Faxed, SendFax
from services.ivr.core.fax_job import FaxJob
from services.ivr.core.session import Session
from services.ivr.core.statement import Statement, written
from services.ivr.core.steps import Language
from services.ivr.fax_calls import count
from services.ivr.fax_files import FaxFiles
from services.ivr.fax_jobs import FaxJobs
from services.ivr.ports import Line, LineLost

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class FaxDesk:
    """The port FaxWork."""

    files: FaxFiles
    jobs: FaxJobs
    clock: Clock
    metrics: Metrics

    def order(self, session: Session, wanted: SendFax) -> None:
        """See the port."""
        self.jobs.order(session, wanted, lambda: self._statement(session, wanted))

    async def send(self, session: Session, line: Line, wanted: SendFax) -> Faxed:
        """See the port."""
        if wanted.number:
            self.order(session, wanted)
            return await self.jobs.result(session, wanted.attempt)
        fax_id = new_id()
        try:
            reason = await self.files.draw(fax_id, self._statement(session, wanted))
            done = Faxed("not_drawn", reason=reason) if reason else await line.fax(str(self.files.paper(fax_id)))
        except SwitchDown as error:
            log.warning("fax_lost_from_sight", call_id=session.call_id, error=str(error))
            done = Faxed("unknown", reason="switch.down")
        except LineLost:
            done = Faxed("dropped")
        finally:
            self.files.remove(fax_id)
        count(self.metrics, session.call_id, done)
        return done

    def take_over(self, jobs: Iterable[FaxJob]) -> None:
        """See the port."""
        self.jobs.take_over(jobs)

    def let_go(self, partition: int) -> None:
        """See the port."""
        self.jobs.let_go(partition)

    def _statement(self, session: Session, wanted: SendFax) -> Statement:
        moment = self.clock.now().astimezone().strftime("%Y-%m-%d %H:%M")
        language: Language = "en" if session.language == "en" else "zh"
        return written(wanted.layout, wanted.known, language, moment)
