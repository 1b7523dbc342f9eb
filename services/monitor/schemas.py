"""The board as it is sent: over REST whole, over the WebSocket whole whenever something changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel

from ipcc.contracts.alert import Severity
from services.monitor.core.board import AgentBoard, Board, QueueBoard
from services.monitor.core.voicemails import VoicemailLine


class QueueView(BaseModel):
    """One queue; ``service_level`` is answered in time of all ended, 0 to 1, null before the first end.

    ``transferred_in`` are those of the offered that were moved here from another queue; ``ended_otherwise`` are ends told by a
    newer release in a word not known here. Voicemails are counted as they stand now: ``overdue`` of those that wait.
    """

    queue_id: str
    name: str
    waiting: int
    longest_waiting_s: float
    offered: int
    transferred_in: int
    answered: int
    abandoned: int
    overflowed: int
    transferred: int
    ended_otherwise: int
    service_level: float | None
    service_level_s: int
    average_wait_s: float | None
    voicemails_waiting: int
    voicemails_taken: int
    voicemails_overdue: int
    oldest_voicemail_s: float


class PlacesView(BaseModel):
    """What an agent holds of one medium of writing; ``reason`` says why he is offered no more of it."""

    medium: str
    held: int
    capacity: int
    reason: str


class AgentView(BaseModel):
    """One agent; ``since`` is when his present state began.

    ``reason_name`` is what people call the reason, in Chinese and English where it is administered; ``overdue``: the time it is
    good for is over. ``places``: what he holds of each medium of writing.
    """

    agent_id: str
    name: str
    state: str
    reason: str
    phone_id: str
    call_id: str
    since: datetime | None
    answered: int
    missed: int
    reason_name: str
    overdue: bool
    places: list[PlacesView]


class NodeView(BaseModel):
    """One switch as its last heartbeat told."""

    node_id: str
    is_up: bool
    sessions: int | None
    max_sessions: int | None
    idle_cpu_percent: float | None
    error: str


class Totals(BaseModel):
    """Sums over all queues (invariant I6), and what goes on now."""

    calls_today: int
    calls_now: int
    in_flow: int
    with_agent: int
    waiting: int
    offered: int
    transferred_in: int
    answered: int
    abandoned: int
    overflowed: int
    transferred: int
    ended_otherwise: int
    adds_up: bool
    voicemails_waiting: int
    voicemails_taken: int
    voicemails_overdue: int


class AlertView(BaseModel):
    """Something somebody must look at."""

    alert_id: str
    rule: str
    severity: Severity
    text: str
    since: datetime


class News(StrEnum):
    """How current a board is: as things happen, still reading what happened today, or cut off from the broker."""

    LIVE = "live"
    READING = "reading"
    CUT_OFF = "cut_off"


class BoardView(BaseModel):
    """Everything on the wallboard. ``news_until``: cut off, nothing is known of what happened later."""

    at: datetime
    day: str
    totals: Totals
    queues: list[QueueView]
    agents: list[AgentView]
    agents_by_state: dict[str, int]
    trunks: dict[str, int]
    nodes: list[NodeView]
    alerts: list[AlertView]
    news: News = News.LIVE
    news_until: datetime | None = None


def board_view(board: Board, nodes: list[NodeView], alerts: list[AlertView], now: datetime) -> BoardView:
    """The board at ``now``."""
    none = VoicemailLine()
    lines = board.voicemails.lines
    queues = [queue_view(q, lines.get(queue_id, none), now) for queue_id, q in sorted(board.queues.items())]
    states: dict[str, int] = {}
    for agent in board.agents.values():
        states[agent.state.value] = states.get(agent.state.value, 0) + 1
    return BoardView(
        at=now,
        day=str(board.day or ""),
        totals=totals(board, now),
        queues=queues,
        agents=[agent_view(a, board.reasons) for _, a in sorted(board.agents.items())],
        agents_by_state=states,
        trunks=dict(board.trunks),
        nodes=nodes,
        alerts=alerts,
    )


def totals(board: Board, now: datetime) -> Totals:
    """The sums; ``adds_up`` is invariant I6 over all queues."""
    queues = list(board.queues.values())
    # also those of no queue
    lines = list(board.voicemails.lines.values())
    return Totals(
        calls_today=board.calls_today,
        calls_now=len(board.calls),
        in_flow=board.in_flow,
        with_agent=board.with_agent,
        waiting=sum(len(q.waiting) for q in queues),
        offered=sum(q.offered for q in queues),
        transferred_in=sum(q.transferred_in for q in queues),
        answered=sum(q.answered for q in queues),
        abandoned=sum(q.abandoned for q in queues),
        overflowed=sum(q.overflowed for q in queues),
        transferred=sum(q.transferred for q in queues),
        ended_otherwise=sum(q.ended_otherwise for q in queues),
        adds_up=all(q.offered == q.ended + len(q.waiting) for q in queues),
        voicemails_waiting=sum(len(line.waiting) for line in lines),
        voicemails_taken=sum(len(line.taken) for line in lines),
        voicemails_overdue=sum(line.overdue(now) for line in lines),
    )


def queue_view(queue: QueueBoard, mails: VoicemailLine, now: datetime) -> QueueView:
    """One queue at ``now``."""
    oldest, oldest_mail = queue.oldest(), mails.waiting.oldest()
    return QueueView(
        queue_id=queue.queue_id,
        name=queue.name,
        waiting=len(queue.waiting),
        longest_waiting_s=round((now - oldest).total_seconds(), 1) if oldest else 0,
        offered=queue.offered,
        transferred_in=queue.transferred_in,
        answered=queue.answered,
        abandoned=queue.abandoned,
        overflowed=queue.overflowed,
        transferred=queue.transferred,
        ended_otherwise=queue.ended_otherwise,
        service_level=queue.service_level(),
        service_level_s=queue.service_level_s,
        average_wait_s=round(queue.wait_ms / queue.ended / 1000, 1) if queue.ended else None,
        voicemails_waiting=len(mails.waiting),
        voicemails_taken=len(mails.taken),
        voicemails_overdue=mails.overdue(now),
        oldest_voicemail_s=round((now - oldest_mail).total_seconds(), 1) if oldest_mail else 0,
    )


def agent_view(agent: AgentBoard, reasons: Mapping[str, tuple[str, str]]) -> AgentView:
    """One agent; ``reasons`` are the names of the administered ones."""
    return AgentView(
        agent_id=agent.agent_id,
        name=agent.name,
        state=agent.state.value,
        reason=agent.reason,
        phone_id=agent.phone_id,
        call_id=agent.call_id,
        since=agent.since,
        answered=agent.answered,
        missed=agent.missed,
        reason_name=" ".join(filter(None, reasons.get(agent.reason, ()))),
        overdue=agent.overdue,
        places=[
            PlacesView(medium=medium, held=one.held, capacity=one.capacity, reason=one.reason)
            for medium, one in sorted(agent.places.items())
        ],
    )
