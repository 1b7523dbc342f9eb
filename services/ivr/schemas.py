"""Bodies of ivr's REST API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from services.ivr.core.past import Open
from services.ivr.core.place import LONGEST_PATH
from services.ivr.core.trace import Trace
from services.ivr.rehearsing import FlowReport
from services.ivr.runner import Runner
from services.ivr.versions import Deed, Version


class SessionView(BaseModel):
    """A caller in a flow now; never what he keyed."""

    session_id: str
    call_id: str
    flow: str
    version: int
    at: str
    kind: str
    queue: str = Field(description="where he waits; empty when he does not")
    since: datetime | None = Field(description="at this node since")
    attempt: int | None = Field(description="asked so often at this node; known where he is served, null elsewhere")
    language: str
    started_at: datetime
    path: list[str] = Field(description="the last 20 nodes, this one the last")
    replica: str = Field(description="which replica serves him; the one that died until he is resumed")

    @classmethod
    def of(cls, runner: Runner, replica: str) -> Self:
        """One who is served here."""
        session = runner.session
        return cls(
            session_id=session.session_id,
            call_id=session.call_id,
            flow=runner.flow_id,
            version=runner.flow_version,
            at=session.at,
            kind=runner.standing.kind,
            queue=runner.queue,
            since=session.since,
            attempt=session.attempt,
            language=session.language,
            started_at=session.started_at,
            path=list(session.path[-LONGEST_PATH:]),
            replica=replica,
        )

    @classmethod
    def told(cls, found: Open) -> Self:
        """One who is served elsewhere, by what was told of him."""
        started, entered, place = found.started, found.entered, found.place
        return cls(
            session_id=started.session_id,
            call_id=started.call_id,
            flow=started.flow_id,
            version=started.flow_version,
            at=entered.flow_node if entered else "",
            kind=entered.kind if entered else "",
            queue=entered.queue_id if entered else "",
            since=place.since,
            attempt=None,
            language=place.language or started.language,
            started_at=found.at,
            path=list(place.path),
            replica=found.replica,
        )


class Wanted(BaseModel):
    """Which of them; empty is any."""

    model_config = ConfigDict(extra="forbid")

    flow: str = ""
    node: str = ""
    queue: str = ""

    def fits(self, view: SessionView) -> bool:
        """Whether it is one of those wanted."""
        return self.fits_place(view.flow, view.at, view.queue)

    def fits_place(self, flow: str, at: str, queue: str) -> bool:
        """Whether whoever stands there is one of those wanted."""
        asked = ((self.flow, flow), (self.node, at), (self.queue, queue))
        return all(not wanted or wanted == found for wanted, found in asked)


class CountView(BaseModel):
    """So many callers stand at this node now."""

    flow: str
    version: int
    at: str
    kind: str
    queue: str
    callers: int


class StepView(BaseModel):
    """One thing that happened at a node: ``what`` is entered, left, bank, consent, survey, message or fax. Never what was keyed, said or
    answered: only of what kind it was, how often, and how long it took."""

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    what: str
    flow_node: str
    kind: str
    visit: int
    outcome: str
    input_kind: str
    keyed: int
    timeouts: int
    elapsed_ms: int
    operation: str
    code: str


class TraceView(BaseModel):
    """One session from its start; ``ended_at`` is empty while it runs."""

    session_id: str
    call_id: str
    flow: str
    version: int
    entry_point: str
    is_lent: bool
    language: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    steps: list[StepView]
    steps_before: int = Field(description="dropped at the beginning of a very long session")

    @classmethod
    def of(cls, trace: Trace) -> Self:
        started = trace.started
        return cls(
            session_id=started.session_id,
            call_id=started.call_id,
            flow=started.flow_id,
            version=started.flow_version,
            entry_point=started.entry_point,
            is_lent=started.is_lent,
            language=started.language,
            started_at=trace.started_at,
            ended_at=trace.ended_at,
            outcome=trace.outcome,
            steps=[StepView.model_validate(step) for step in trace.steps],
            steps_before=trace.steps_before,
        )


class FlowView(BaseModel):
    """A published flow."""

    id: str
    version: int
    name: dict[str, str]
    nodes: int


class ProblemView(BaseModel):
    """Why a flow cannot be published: the node, and the reason in English and Chinese."""

    node: str
    en: str
    zh: str


class Verdict(BaseModel):
    """Whether a flow can be published, and every reason why not."""

    valid: bool
    problems: list[ProblemView]


class Document(BaseModel):
    """A flow document to be checked."""

    document: dict[str, Any]


class Draft(BaseModel):
    """A flow document and its test cases; id and version of the document are those of the path."""

    model_config = ConfigDict(extra="forbid")

    document: dict[str, Any]
    cases: dict[str, Any] | None = None


class Shown(BaseModel):
    """An answer read from the value it shows: what is named here and nothing else."""

    model_config = ConfigDict(from_attributes=True)


class VersionSummary(Shown):
    """How far a version is, and who brought it there."""

    flow: str = Field(validation_alias="flow_id")
    version: int
    state: str
    changed_at: datetime
    changed_by: str

    @classmethod
    def of(cls, found: Version) -> Self:
        return cls.model_validate(found)


class VersionView(VersionSummary):
    """The same with what is written."""

    document: dict[str, Any]
    cases: dict[str, Any] | None


class FailedCase(BaseModel):
    """A case that came out otherwise, and how."""

    name: str
    problems: list[str]


class TestReport(BaseModel):
    """What came of a version's cases; it is tested only when none has failed."""

    state: str
    cases: int
    failed: list[FailedCase]
    coverage_percent: float
    unvisited: list[str]

    @classmethod
    def of(cls, found: Version, report: FlowReport) -> Self:
        failed = [FailedCase(name=one.name, problems=list(one.problems)) for one in report.tried if one.problems]
        return cls(
            state=found.state.value,
            cases=len(report.tried),
            failed=failed,
            coverage_percent=round(report.coverage, 1),
            unvisited=list(report.unvisited),
        )


Percent = Annotated[int, Field(ge=1, le=100)]


class Publication(BaseModel):
    """So many percent of the new calls meet it."""

    percent: Percent = 100


class Shares(BaseModel):
    """Percent of the new calls by version; they make up 100."""

    shares: dict[int, Percent] = Field(min_length=1)


class Target(BaseModel):
    """A published version."""

    version: int = Field(ge=1)


class DeedView(Shown):
    """One thing somebody did to a flow."""

    number: int
    at: datetime
    actor: str
    action: str
    version: int
    note: str

    @classmethod
    def of(cls, deed: Deed) -> Self:
        return cls.model_validate(deed)
