"""The live board: a fold of everything the services tell. Counts are of the bank's day; states are of now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ipcc.contracts.acd import (
    AgentChanged,
    AgentState,
    EntryEnded,
    EntryOutcome,
    EntryQueued,
    OfferEnded,
    OfferMade,
    OfferOutcome,
)
from ipcc.contracts.call import CallArrived, CallEnded, LegsBridged, LegsUnbridged, PhoneChanged
from ipcc.contracts.config import ConfigChanged, Queue, User
from ipcc.contracts.envelope import Event
from ipcc.contracts.ivr import SessionEnded, SessionStarted

DEFAULT_SERVICE_LEVEL_S = 20


@dataclass
class QueueBoard:
    """One queue today. Invariant I6: ``offered`` is the sum of the four ends and those ``waiting``."""

    queue_id: str
    name: str = ""
    service_level_s: int = DEFAULT_SERVICE_LEVEL_S
    offered: int = 0
    answered: int = 0
    answered_in_time: int = 0
    abandoned: int = 0
    overflowed: int = 0
    transferred: int = 0
    wait_ms: int = 0
    longest_wait_ms: int = 0
    waiting: dict[str, datetime] = field(default_factory=dict)

    @property
    def ended(self) -> int:
        """Stays that are over."""
        return self.answered + self.abandoned + self.overflowed + self.transferred

    def service_level(self) -> float | None:
        """Answered within the limit, of all that are over, 0 to 1; None when none is: no number is made up."""
        return self.answered_in_time / self.ended if self.ended else None

    def oldest(self) -> datetime | None:
        """When the one who waits longest came."""
        return min(self.waiting.values(), default=None)


@dataclass
class AgentBoard:
    """One agent now, and his day."""

    agent_id: str
    name: str = ""
    state: AgentState = AgentState.OUT
    reason: str = ""
    phone_id: str = ""
    call_id: str = ""
    since: datetime | None = None
    answered: int = 0
    missed: int = 0


@dataclass
class CallBoard:
    """One call in progress."""

    call_id: str
    node_id: str
    trunk: str
    direction: str
    since: datetime
    in_flow: bool = False
    with_agent: bool = False


@dataclass
class Board:
    """Everything shown. ``apply`` takes events in the order of each topic; the same event twice changes nothing."""

    timezone: ZoneInfo
    day: date | None = None
    calls_today: int = 0
    queues: dict[str, QueueBoard] = field(default_factory=dict)
    agents: dict[str, AgentBoard] = field(default_factory=dict)
    calls: dict[str, CallBoard] = field(default_factory=dict)
    phones: dict[str, bool] = field(default_factory=dict)
    _ended_entries: set[str] = field(default_factory=set)
    _ended_calls: set[str] = field(default_factory=set)
    _ended_offers: set[str] = field(default_factory=set)

    def apply(self, event: Event) -> None:
        """Take one event; those that concern no board are passed over."""
        self.turn_day(event.time)
        take = _TABLE.get(event.type)
        if take is not None:
            take(self, event.data, event.time)

    def turn_day(self, now: datetime) -> None:
        """Begin the counts anew at midnight of the bank; who waits or talks then is carried over."""
        today = now.astimezone(self.timezone).date()
        if self.day is not None and today <= self.day:
            return
        if self.day is not None:
            self._start_day()
        self.day = today

    def _start_day(self) -> None:
        self.calls_today = 0
        for queue in list(self.queues.values()):
            self.queues[queue.queue_id] = QueueBoard(
                queue.queue_id, queue.name, queue.service_level_s, offered=len(queue.waiting), waiting=queue.waiting
            )
        for agent in self.agents.values():
            agent.answered = agent.missed = 0
        self._ended_entries.clear()
        self._ended_calls.clear()
        self._ended_offers.clear()

    def queue(self, queue_id: str) -> QueueBoard:
        """The board of a queue, made when first heard of."""
        return self.queues.setdefault(queue_id, QueueBoard(queue_id))

    def agent(self, agent_id: str) -> AgentBoard:
        """The board of an agent, made when first heard of."""
        return self.agents.setdefault(agent_id, AgentBoard(agent_id))

    def _configured(self, data: ConfigChanged, at: datetime) -> None:
        if isinstance(data.object, Queue):
            queue = self.queue(data.object.id)
            queue.name, queue.service_level_s = data.object.name, data.object.service_level_s
        elif isinstance(data.object, User) and data.object.skills:
            self.agent(data.object.id).name = data.object.name
        elif data.object is None and data.kind == "user":
            self.agents.pop(data.object_id, None)

    def _phone(self, data: PhoneChanged, at: datetime) -> None:
        self.phones[data.phone_id] = data.registered

    def _agent_changed(self, data: AgentChanged, at: datetime) -> None:
        agent = self.agent(data.agent_id)
        if (agent.state, agent.reason) != (data.state, data.reason):
            agent.since = at
        agent.state, agent.reason = data.state, data.reason
        agent.phone_id, agent.call_id = data.phone_id, data.call_id

    def _entry_queued(self, data: EntryQueued, at: datetime) -> None:
        queue = self.queue(data.queue_id)
        if data.entry_id in queue.waiting or data.entry_id in self._ended_entries:
            return
        queue.waiting[data.entry_id] = data.entered_at
        queue.offered += 1
        if data.call_id in self.calls:
            # he waits now: a caller is counted in one place
            self.calls[data.call_id].in_flow = False

    def _entry_ended(self, data: EntryEnded, at: datetime) -> None:
        queue = self.queue(data.queue_id)
        if queue.waiting.pop(data.entry_id, None) is None:
            return
        self._ended_entries.add(data.entry_id)
        queue.wait_ms += data.wait_ms
        queue.longest_wait_ms = max(queue.longest_wait_ms, data.wait_ms)
        if data.outcome is EntryOutcome.ANSWERED:
            queue.answered += 1
            queue.answered_in_time += data.wait_ms <= queue.service_level_s * 1000
        elif data.outcome is EntryOutcome.ABANDONED:
            queue.abandoned += 1
        elif data.outcome is EntryOutcome.OVERFLOWED:
            queue.overflowed += 1
        else:
            queue.transferred += 1

    def _offer_ended(self, data: OfferEnded, at: datetime) -> None:
        if data.offer_id in self._ended_offers:
            return
        self._ended_offers.add(data.offer_id)
        agent = self.agent(data.agent_id)
        if data.outcome is OfferOutcome.ANSWERED:
            agent.answered += 1
        elif data.outcome in (OfferOutcome.NO_ANSWER, OfferOutcome.DECLINED, OfferOutcome.BUSY):
            agent.missed += 1

    def _call_arrived(self, data: CallArrived, at: datetime) -> None:
        if data.call_id in self.calls or data.call_id in self._ended_calls:
            return
        self.calls_today += 1
        self.calls[data.call_id] = CallBoard(data.call_id, data.node_id, data.trunk, data.direction.value, at)

    def _call_ended(self, data: CallEnded, at: datetime) -> None:
        if self.calls.pop(data.call_id, None) is not None:
            self._ended_calls.add(data.call_id)

    def _in_flow(self, data: SessionStarted, at: datetime) -> None:
        if data.call_id in self.calls:
            self.calls[data.call_id].in_flow = True

    def _out_of_flow(self, data: SessionEnded, at: datetime) -> None:
        if data.call_id in self.calls:
            self.calls[data.call_id].in_flow = False

    def _bridged(self, data: LegsBridged, at: datetime) -> None:
        if data.call_id in self.calls:
            self.calls[data.call_id].with_agent = True

    def _unbridged(self, data: LegsUnbridged, at: datetime) -> None:
        if data.call_id in self.calls:
            self.calls[data.call_id].with_agent = False

    def _offer_made(self, data: OfferMade, at: datetime) -> None:
        self.agent(data.agent_id).call_id = data.call_id


_TABLE: dict[str, Callable[[Board, Any, datetime], None]] = {
    ConfigChanged.TYPE: Board._configured,
    PhoneChanged.TYPE: Board._phone,
    AgentChanged.TYPE: Board._agent_changed,
    EntryQueued.TYPE: Board._entry_queued,
    EntryEnded.TYPE: Board._entry_ended,
    OfferMade.TYPE: Board._offer_made,
    OfferEnded.TYPE: Board._offer_ended,
    CallArrived.TYPE: Board._call_arrived,
    CallEnded.TYPE: Board._call_ended,
    LegsBridged.TYPE: Board._bridged,
    LegsUnbridged.TYPE: Board._unbridged,
    SessionStarted.TYPE: Board._in_flow,
    SessionEnded.TYPE: Board._out_of_flow,
}
