"""What happened in one session, step by step, from what was told of it: never what was keyed, said or answered. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ipcc.contracts.ivr import (
    BankOperationDone,
    ConsentAnswered,
    FaxDone,
    IvrPayload,
    MessageLeft,
    NodeEntered,
    NodeLeft,
    SessionEnded,
    SessionStarted,
    SurveyAnswered,
)

# a caller who walks round and round for hours: the newest count
MOST_STEPS = 1_000


@dataclass(frozen=True)
class TraceStep:
    """One thing that happened at a node. ``elapsed_ms`` is the stay at it, or the bank's time."""

    at: datetime
    what: Literal["entered", "left", "bank", "consent", "survey", "message", "fax"]
    flow_node: str
    kind: str = ""
    visit: int = 0
    outcome: str = ""
    input_kind: str = ""
    keyed: int = 0
    timeouts: int = 0
    elapsed_ms: int = 0
    operation: str = ""
    code: str = ""


@dataclass
class Trace:
    """One session. ``steps_before`` were dropped; ``is_whole``: told from its start."""

    started: SessionStarted
    started_at: datetime
    is_whole: bool = True
    steps: list[TraceStep] = field(default_factory=list)
    steps_before: int = 0
    ended_at: datetime | None = None
    outcome: str = ""
    _at: str = ""

    def note(self, data: IvrPayload, at: datetime) -> None:
        """Learn one fact, in the order they are told."""
        if isinstance(data, SessionEnded):
            self.ended_at, self.outcome = at, data.outcome
            return
        if isinstance(data, NodeEntered):
            self._at = data.flow_node
        step = _step(data, at, self._at)
        if step is None:
            return
        self.steps.append(step)
        if len(self.steps) > MOST_STEPS:
            del self.steps[0]
            self.steps_before += 1


def _step(data: IvrPayload, at: datetime, flow_node: str) -> TraceStep | None:
    if isinstance(data, NodeEntered):
        return TraceStep(at, "entered", data.flow_node, data.kind, data.visit)
    if isinstance(data, NodeLeft):
        return TraceStep(
            at,
            "left",
            data.flow_node,
            data.kind,
            data.visit,
            outcome=data.outcome,
            input_kind=data.input_kind,
            keyed=data.keyed,
            timeouts=data.timeouts,
            elapsed_ms=data.elapsed_ms,
        )
    if isinstance(data, BankOperationDone):
        return TraceStep(
            at,
            "bank",
            flow_node,
            outcome=data.outcome,
            elapsed_ms=data.elapsed_ms,
            operation=data.operation,
            code=data.code,
        )
    if isinstance(data, SurveyAnswered):
        return TraceStep(at, "survey", flow_node, outcome=f"{data.survey}/{data.question}")
    if isinstance(data, MessageLeft):
        return TraceStep(at, "message", flow_node, outcome=data.queue_id, elapsed_ms=data.seconds * 1000)
    if isinstance(data, ConsentAnswered):
        return TraceStep(at, "consent", flow_node, outcome=f"{data.about} {data.outcome}")
    if isinstance(data, FaxDone):
        return TraceStep(at, "fax", flow_node, outcome=data.outcome, code=data.reason)
    return None
