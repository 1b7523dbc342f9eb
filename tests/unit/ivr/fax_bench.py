"""A fax desk with one switch in memory, and the leg of a caller on it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ipcc.clock import Clock
from ipcc.contracts.config import DialRule
from ipcc.contracts.ivr import FaxDone, IvrPayload
from ipcc.esl.commands import Originate
from ipcc.esl.fake import FakeNode, FakeSwitches
from ipcc.esl.requests import Execute
from ipcc.ids import LegId
from ipcc.metrics import Metrics
from ipcc.tasks import Tasks
from services.ivr.core.actions import Faxed, SendFax
from services.ivr.core.session import Session
from services.ivr.core.statement import Column, Layout
from services.ivr.fax_calls import FaxCalls
from services.ivr.fax_files import FOLDER, FaxFiles
from services.ivr.fax_jobs import FaxJobs, FaxLimits
from services.ivr.faxing import FaxDesk
from services.ivr.paper import Drawer
from services.ivr.switch import Telephony
from tests.support.fake_parts import LoopClock
from tests.support.until import until

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LEG = LegId("leg-1")
NUMBER = "02160000001"
LAYOUT = Layout(title={"en": "T"}, rows="rows", columns=(Column(heading={"en": "Amount"}),))
RULES = (
    DialRule(name="emergency", reach="emergency", pattern="(110|119)"),
    DialRule(name="house", reach="internal", pattern=r"1\d{3}"),
    DialRule(name="staff", pattern=r"09\d+", roles=("supervisor",)),
    DialRule(name="any", pattern=r"\d{3,12}", prefix="9"),
)


@dataclass
class Desk:
    """One replica's fax desk. Two of them on the same ``folder`` and ``node`` are two replicas."""

    folder: Path
    clock: Clock = field(default_factory=lambda: LoopClock(NOW))
    node: FakeNode = field(default_factory=lambda: FakeNode("fs1"))
    attempts: int = 3
    pause_s: int = 20
    rules: tuple[DialRule, ...] = RULES

    def __post_init__(self) -> None:
        self.node.legs[LEG] = {}
        self.switches = FakeSwitches(self.node)
        self.metrics = Metrics("ivr")
        self.facts: list[IvrPayload] = []
        self.files = FaxFiles(self.folder, Drawer(), self.clock, 3600)
        self.tasks = Tasks()
        self.jobs = FaxJobs(
            switches=self.switches,
            files=self.files,
            calls=FaxCalls(lambda: self.rules, "95500", self.clock),
            limits=FaxLimits(100, 2),
            clock=self.clock,
            tasks=self.tasks,
            tell=self.facts.extend,
            metrics=self.metrics,
        )
        self.desk = FaxDesk(self.files, self.jobs, self.clock, self.metrics)
        self.line = Telephony(self.switches, "/sounds", 180).line("fs1", LEG)

    @staticmethod
    def session(visit: int = 1, call: str = "c") -> Session:
        return Session("s", call, LEG, "fs1", "95500", "13800000001", "", "en", NOW, at="fax", visits=visit)

    def wanted(self, number: str = "", rows: str = "5.00", attempt: int = 1) -> SendFax:
        return SendFax((), "entries", LAYOUT, {"rows": rows}, number, attempt, self.attempts, self.pause_s, 30)

    def send(self, number: str = "", rows: str = "5.00", attempt: int = 1) -> asyncio.Task[Faxed]:
        """Have it sent and wait for the result of that try, as a caller on the line does."""
        sending = self.desk.send(self.session(), self.line, self.wanted(number, rows, attempt))
        return asyncio.get_running_loop().create_task(sending)

    async def started(self, count: int = 1) -> tuple[LegId, Path]:
        """Wait until the switch sends for the so-manieth time; on which leg, and which file."""
        found = await until(lambda: self._sent()[count - 1 :], timeout=60, what=f"txfax {count}")
        return found[0].leg_id, Path(found[0].argument)

    def _sent(self) -> list[Execute]:
        return [one for one in self.node.executed if one.application == "txfax"]

    def tell(self, leg: str, success: str, code: str, text: str, pages: str) -> None:
        """What the switch says at the end of a fax."""
        told = {
            "Event-Subclass": "spandsp::txfaxresult",
            "fax-success": success,
            "fax-result-code": code,
            "fax-result-text": text,
            "fax-document-transferred-pages": pages,
        }
        self.node.say("CUSTOM", leg, told)

    def arrive(self, leg: str) -> None:
        """The whole fax has arrived."""
        self.tell(leg, "1", "0", "OK", "1")
        self.node.finish(leg)

    async def told(self, count: int) -> list[tuple[int, str, bool]]:
        """The first tries told, once there are so many: number, outcome, whether it was the last."""
        await until(lambda: len(self._done()) >= count, timeout=1000, what=f"{count} tries are told")
        return [(fact.attempt, fact.outcome, fact.is_last) for fact in self._done()]

    def _done(self) -> list[FaxDone]:
        return [fact for fact in self.facts if isinstance(fact, FaxDone)]

    @property
    def dialled(self) -> list[Originate]:
        return self.node.told(Originate)

    @property
    def left(self) -> list[str]:
        """What lies in the spool."""
        return sorted(path.suffix for path in (self.folder / FOLDER).glob("*"))
