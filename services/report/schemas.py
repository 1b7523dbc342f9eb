"""Bodies of report's REST API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from services.report.core.kpis import KnownQueue, QueueFigures
from services.report.core.self_service import VoicemailFigures


class CallView(BaseModel):
    """One call detail record."""

    call_id: str
    direction: str
    node_id: str
    trunk: str
    caller_number: str
    caller_name: str
    dialled_number: str
    arrived_at: datetime | None
    ended_at: datetime | None
    duration_ms: int | None
    cause: str


class JourneyView(CallView):
    """One call with all that happened in it; ``voicemails`` are those left in it or called back for in it, with their steps and the
    ``calls`` made for them."""

    legs: list[dict[str, Any]]
    sessions: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    stays: list[dict[str, Any]]
    moves: list[dict[str, Any]]
    offers: list[dict[str, Any]]
    recordings: list[dict[str, Any]]
    voicemails: list[dict[str, Any]] = []
    faxes: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []


class FiguresView(BaseModel):
    """The measures of one queue; ``adds_up``: offered = answered + abandoned + overflowed + transferred + ended otherwise + waiting.

    ``transferred_in`` are those of the offered that were moved here from another queue, ``transferred`` those moved out. ``medium``
    is what the queue is for: contacts of one queue are of one medium, and calls and chats are never in one sum.
    """

    queue_id: str
    queue_name: str
    medium: str
    offered: int
    transferred_in: int
    answered: int
    abandoned: int
    overflowed: int
    transferred: int
    ended_otherwise: int
    still_waiting: int
    service_level: float | None
    average_wait_ms: int | None
    longest_wait_ms: int
    adds_up: bool


class IntervalView(BaseModel):
    """One interval: its start, and the queues that contacts entered in it."""

    start: datetime
    queues: list[FiguresView]


class IntervalReport(BaseModel):
    """The interval report; every interval and the total add up."""

    timezone: str
    minutes: int
    service_level_formula: str
    intervals: list[IntervalView]
    totals: list[FiguresView]


def figures_view(queue_id: str, queue: KnownQueue, figures: QueueFigures) -> FiguresView:
    """The figures as sent."""
    return FiguresView(
        queue_id=queue_id,
        queue_name=queue.name,
        medium=queue.medium,
        offered=figures.offered,
        transferred_in=figures.transferred_in,
        answered=figures.answered,
        abandoned=figures.abandoned,
        overflowed=figures.overflowed,
        transferred=figures.transferred,
        ended_otherwise=figures.ended_otherwise,
        still_waiting=figures.still_waiting,
        service_level=figures.service_level,
        average_wait_ms=figures.average_wait_ms,
        longest_wait_ms=figures.longest_wait_ms,
        adds_up=figures.adds_up,
    )


class NodeView(BaseModel):
    """One node: ``entered`` is the sum of its ``exits``; ``with_keys`` stays in which something was keyed, ``keyed`` and
    ``timeouts`` count each time; ``abandonment``: hung up here, divided by ``entered``."""

    model_config = ConfigDict(from_attributes=True)

    flow_node: str
    kind: str
    entered: int
    exits: dict[str, int]
    with_keys: int
    keyed: int
    timeouts: int
    abandoned: int
    abandonment: float | None
    average_ms: int | None


class FlowVersionView(BaseModel):
    """One version of one flow: ``outcomes`` says how its sessions ended, "" that they still run."""

    model_config = ConfigDict(from_attributes=True)

    flow_id: str
    version: int
    sessions: int
    outcomes: dict[str, int]
    abandonment: float | None
    nodes: list[NodeView]


class VoicemailFiguresView(BaseModel):
    """Voicemails of one queue; ``adds_up``: left = done + still waiting + still taken. ``taken`` were taken at least once, ``put_back``
    counts each time; waits run from when one was left to when it was first taken."""

    model_config = ConfigDict(from_attributes=True)

    queue_id: str = ""
    queue_name: str = ""
    left: int
    taken: int
    taken_in_time: int
    done: int
    reached: int
    not_reached: int
    no_call: int
    still_waiting: int
    still_taken: int
    put_back: int
    service_level: float | None
    average_wait_ms: int | None
    longest_wait_ms: int
    average_done_ms: int | None
    adds_up: bool


class VoicemailIntervalView(BaseModel):
    """One interval: its start, and the queues voicemails were left for in it."""

    start: datetime
    queues: list[VoicemailFiguresView]


class VoicemailReport(BaseModel):
    """Voicemails by queue and interval, counted where they were left."""

    timezone: str
    minutes: int
    service_level_formula: str
    intervals: list[VoicemailIntervalView]
    totals: list[VoicemailFiguresView]


class FaxView(BaseModel):
    """Faxes of one document, to the ``caller`` on his own line or to a ``number``: ``faxes`` = ``sent`` + ``failed``; ``outcomes`` counts
    each of the ``tries``."""

    model_config = ConfigDict(from_attributes=True)

    document: str
    to: str
    faxes: int
    sent: int
    failed: int
    tries: int
    pages: int
    outcomes: dict[str, int]


class SurveyView(BaseModel):
    """Answers to one question, of the callers whom one agent served last in one queue; both are empty where nobody had served them.

    ``distribution`` is how often each key was answered.
    """

    model_config = ConfigDict(from_attributes=True)

    survey: str
    question: str
    queue_id: str
    agent_id: str
    answers: int
    average: float | None
    distribution: dict[int, int]


class SurveyReport(BaseModel):
    """Answers to surveys."""

    average_formula: str
    questions: list[SurveyView]


def voicemail_view(queue_id: str, name: str, figures: VoicemailFigures) -> VoicemailFiguresView:
    """The figures as sent."""
    found = VoicemailFiguresView.model_validate(figures)
    return found.model_copy(update={"queue_id": queue_id, "queue_name": name})
