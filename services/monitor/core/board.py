"""The live board: a fold of everything the services tell. Counts are of the bank's day; states are of now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ipcc.contracts.acd import (
    AgentChanged,
    AgentState,
    EntryChanged,
    EntryEnded,
    EntryOutcome,
    EntryQueued,
    OfferEnded,
    OfferOutcome,
)
from ipcc.contracts.call import CallArrived, CallEnded, LegsBridged, LegsUnbridged, PhoneChanged
from ipcc.contracts.config import ConfigChanged, PauseReason, Queue, User
from ipcc.contracts.digital import AgentMediumChanged
from ipcc.contracts.envelope import Event
from ipcc.contracts.ivr import SessionEnded, SessionStarted
from ipcc.contracts.recording import VoicemailChanged
from services.monitor.core.line import Line
from services.monitor.core.voicemails import Voicemails

DEFAULT_SERVICE_LEVEL_S = 20


@dataclass
class QueueBoard:
    """One queue today. Invariant I6: ``offered`` is the sum of the ends and those ``waiting``.

    An entry that is moved ends here as transferred and is offered (``transferred_in``) to the other queue, like in the report.
    """

    queue_id: str
    name: str = ""
    service_level_s: int = DEFAULT_SERVICE_LEVEL_S
    offered: int = 0
    transferred_in: int = 0
    answered: int = 0
    abandoned: int = 0
    overflowed: int = 0
    transferred: int = 0
    ended_otherwise: int = 0
    wait_ms: int = 0
    longest_wait_ms: int = 0
    waiting: Line = field(default_factory=Line)
    answered_in_time: int = 0
    _answered_waits_ms: list[int] = field(default_factory=list)

    def set_limit(self, service_level_s: int) -> None:
        """Judge by this limit from now on, also those answered before, like the report does."""
        if service_level_s != self.service_level_s:
            self.service_level_s = service_level_s
            self.answered_in_time = sum(wait <= service_level_s * 1000 for wait in self._answered_waits_ms)

    def count_end(self, outcome: EntryOutcome, wait_ms: int) -> None:
        """One stay more is over."""
        self.wait_ms += wait_ms
        self.longest_wait_ms = max(self.longest_wait_ms, wait_ms)
        if outcome is EntryOutcome.ANSWERED:
            self.answered += 1
            self.answered_in_time += wait_ms <= self.service_level_s * 1000
            self._answered_waits_ms.append(wait_ms)
        elif outcome is EntryOutcome.ABANDONED:
            self.abandoned += 1
        elif outcome is EntryOutcome.OVERFLOWED:
            self.overflowed += 1
        elif outcome is EntryOutcome.TRANSFERRED:
            self.transferred += 1
        else:
            # a callback that came to nothing, or told by a newer release in a word not known here
            self.ended_otherwise += 1

    @property
    def ended(self) -> int:
        """Stays that are over."""
        return self.answered + self.abandoned + self.overflowed + self.transferred + self.ended_otherwise

    def service_level(self) -> float | None:
        """Answered within the limit, of all that are over, 0 to 1; None when none is: no number is made up."""
        return self.answered_in_time / self.ended if self.ended else None

    def oldest(self) -> datetime | None:
        """When the one who waits longest came."""
        return self.waiting.oldest()


@dataclass(frozen=True)
class Places:
    """What an agent holds of one medium of writing: offers, contacts and work after them, of so many places."""

    held: int
    capacity: int
    reason: str
    """Why he is offered no more of it until he is ready again; "" when he is."""


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
    overdue: bool = False
    """The time his reason is good for is over, and he is still not ready."""
    places: dict[str, Places] = field(default_factory=dict)
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
    """Everything shown. ``apply`` takes each event once, in the order of its topic; how topics mix makes no difference."""

    timezone: ZoneInfo
    day: date | None = None
    calls_today: int = 0
    queues: dict[str, QueueBoard] = field(default_factory=dict)
    agents: dict[str, AgentBoard] = field(default_factory=dict)
    calls: dict[str, CallBoard] = field(default_factory=dict)
    phones: dict[str, bool] = field(default_factory=dict)
    voicemails: Voicemails = field(default_factory=Voicemails)
    reasons: dict[str, tuple[str, str]] = field(default_factory=dict)
    """What people call the reasons of not being ready, in Chinese and English."""
    # sums over the calls, kept as they change
    in_flow: int = 0
    with_agent: int = 0
    trunks: Counter[str] = field(default_factory=Counter)
    _flowing: set[str] = field(default_factory=set)
    _queued: set[str] = field(default_factory=set)
    # the queue each waiting entry stands in
    _standing: dict[str, str] = field(default_factory=dict)
    # what is over, by the day it ended: told again, or told late by another topic, it must not come to life
    _over: dict[str, date] = field(default_factory=dict)
    # of those, the calls whose end nobody heard, as of a switch that is not reached: told again when it turns out to have them
    _lost: dict[str, CallBoard] = field(default_factory=dict)

    def apply(self, event: Event, now: datetime) -> None:
        """Take one event; those that concern no board are passed over. A clock that is ahead does not turn the day."""
        at = min(event.time, now)
        self.turn_day(at)
        take = _TABLE.get(event.type)
        if take is not None:
            take(self, event.data, at)

    def turn_day(self, now: datetime) -> None:
        """Begin the counts anew at midnight of the bank; who waits or talks then is carried over."""
        today = self._date(now)
        if self.day is not None and today <= self.day:
            return
        if self.day is not None:
            self._start_day(today)
        self.day = today

    def _date(self, at: datetime) -> date:
        return at.astimezone(self.timezone).date()

    def _is_today(self, at: datetime) -> bool:
        """False for what another topic tells late of a day that is over."""
        return self.day is None or self._date(at) >= self.day

    def _end(self, thing: str, at: datetime) -> None:
        self._over[thing] = self._date(at)

    def _start_day(self, today: date) -> None:
        self.calls_today = 0
        for queue in list(self.queues.values()):
            self.queues[queue.queue_id] = QueueBoard(
                queue.queue_id, queue.name, queue.service_level_s, offered=len(queue.waiting), waiting=queue.waiting
            )
        for agent in self.agents.values():
            agent.answered = agent.missed = 0
        yesterday = today - timedelta(days=1)
        self._over = {thing: ended for thing, ended in self._over.items() if ended >= yesterday}
        self._lost = {call_id: call for call_id, call in self._lost.items() if call_id in self._over}

    def queue(self, queue_id: str) -> QueueBoard:
        """The board of a queue, made when first heard of."""
        return self.queues.setdefault(queue_id, QueueBoard(queue_id))

    def agent(self, agent_id: str) -> AgentBoard:
        """The board of an agent, made when first heard of."""
        return self.agents.setdefault(agent_id, AgentBoard(agent_id))

    def _configured(self, data: ConfigChanged, at: datetime) -> None:
        if isinstance(data.object, Queue):
            queue = self.queue(data.object.id)
            queue.name = data.object.name
            queue.set_limit(data.object.service_level_s)
        elif isinstance(data.object, User) and data.object.skills:
            self.agent(data.object.id).name = data.object.name
        elif isinstance(data.object, PauseReason):
            self.reasons[data.object.id] = (data.object.name, data.object.name_en)
        elif data.object is None and data.kind == "user":
            self.agents.pop(data.object_id, None)

    def _phone(self, data: PhoneChanged, at: datetime) -> None:
        self.phones[data.phone_id] = data.registered

    def _agent_changed(self, data: AgentChanged, at: datetime) -> None:
        agent = self.agent(data.agent_id)
        if (agent.state, agent.reason) != (data.state, data.reason):
            agent.since = at
        agent.state, agent.reason = data.state, data.reason
        agent.phone_id, agent.call_id, agent.overdue = data.phone_id, data.call_id, data.overdue

    def _medium_changed(self, data: AgentMediumChanged, at: datetime) -> None:
        held = data.offered + data.serving + data.wrapping
        places = self.agent(data.agent_id).places
        places[data.medium] = Places(held, data.capacity, data.reason)
        if not held and not data.capacity:
            del places[data.medium]

    def _entry_queued(self, data: EntryQueued, at: datetime) -> None:
        if data.entry_id in self._standing or data.entry_id in self._over:
            return
        queue = self.queue(data.queue_id)
        queue.waiting.join(data.entry_id, data.entered_at)
        queue.offered += 1
        self._standing[data.entry_id] = data.queue_id
        self._queued.add(data.call_id)
        self._place(data.call_id)

    def _entry_changed(self, data: EntryChanged, at: datetime) -> None:
        """Moved to another queue; another priority or relaxed rules change no number."""
        if data.queue_id == data.from_queue_id or self._standing.get(data.entry_id) != data.from_queue_id:
            return
        left, entered = self.queue(data.from_queue_id), self.queue(data.queue_id)
        since = left.waiting.leave(data.entry_id)
        if since is None:
            return
        # its wait clock runs on
        entered.waiting.join(data.entry_id, since)
        entered.offered += 1
        self._standing[data.entry_id] = data.queue_id
        if self._is_today(at):
            entered.transferred_in += 1
            left.count_end(EntryOutcome.TRANSFERRED, max(0, (at - since) // timedelta(milliseconds=1)))
        else:
            left.offered -= 1

    def _entry_ended(self, data: EntryEnded, at: datetime) -> None:
        queue = self.queue(data.queue_id)
        self._end(data.entry_id, at)
        self._standing.pop(data.entry_id, None)
        if queue.waiting.leave(data.entry_id) is None:
            return
        self._queued.discard(data.call_id)
        self._place(data.call_id)
        if self._is_today(at):
            queue.count_end(data.outcome, data.wait_ms)
        else:
            queue.offered -= 1

    def _offer_ended(self, data: OfferEnded, at: datetime) -> None:
        agent = self.agent(data.agent_id)
        if data.offer_id in self._over or not self._is_today(at):
            return
        self._end(data.offer_id, at)
        if data.outcome is OfferOutcome.ANSWERED:
            agent.answered += 1
        elif data.outcome in (OfferOutcome.NO_ANSWER, OfferOutcome.DECLINED, OfferOutcome.BUSY):
            agent.missed += 1

    def _call_arrived(self, data: CallArrived, at: datetime) -> None:
        if data.resynced and data.call_id in self._lost:
            # counted when it came first, and in progress ever since
            del self._over[data.call_id]
            self._show(self._lost.pop(data.call_id))
            return
        if data.call_id in self.calls or data.call_id in self._over:
            return
        self.calls_today += self._is_today(at)
        self._show(CallBoard(data.call_id, data.node_id, data.trunk, data.direction.value, at))

    def _show(self, call: CallBoard) -> None:
        self.calls[call.call_id] = call
        if call.trunk:
            self.trunks[call.trunk] += 1
        self._place(call.call_id)

    def _call_ended(self, data: CallEnded, at: datetime) -> None:
        self._end(data.call_id, at)
        gone = self.calls.pop(data.call_id, None)
        if not data.resynced:
            # of one whose switch is not reached, ivr says whether his flow goes on
            self._flowing.discard(data.call_id)
        if gone is None:
            return
        self.in_flow -= gone.in_flow
        self.with_agent -= gone.with_agent
        if gone.trunk:
            self.trunks[gone.trunk] -= 1
            if not self.trunks[gone.trunk]:
                del self.trunks[gone.trunk]
        if data.resynced:
            self._lost[data.call_id] = replace(gone, in_flow=False, with_agent=False)

    def _flow_met(self, data: SessionStarted, at: datetime) -> None:
        if data.call_id not in self._over:
            self._flowing.add(data.call_id)
            self._place(data.call_id)

    def _flow_left(self, data: SessionEnded, at: datetime) -> None:
        self._flowing.discard(data.call_id)
        self._place(data.call_id)

    def _place(self, call_id: str) -> None:
        """A caller is counted in one place: who waits for an agent is in no menu."""
        call = self.calls.get(call_id)
        if call is not None:
            is_there = call_id in self._flowing and call_id not in self._queued
            self.in_flow += is_there - call.in_flow
            call.in_flow = is_there

    def _voicemail_changed(self, data: VoicemailChanged, at: datetime) -> None:
        if data.queue_id:
            # shown with its queue, also where nobody has called for it today
            self.queue(data.queue_id)
        self.voicemails.take(data)

    def _bridged(self, data: LegsBridged, at: datetime) -> None:
        self._put_with_agent(data.call_id, is_there=True)

    def _unbridged(self, data: LegsUnbridged, at: datetime) -> None:
        self._put_with_agent(data.call_id, is_there=False)

    def _put_with_agent(self, call_id: str, *, is_there: bool) -> None:
        call = self.calls.get(call_id)
        if call is not None:
            self.with_agent += is_there - call.with_agent
            call.with_agent = is_there


_TABLE: dict[str, Callable[[Board, Any, datetime], None]] = {
    ConfigChanged.TYPE: Board._configured,
    PhoneChanged.TYPE: Board._phone,
    AgentChanged.TYPE: Board._agent_changed,
    AgentMediumChanged.TYPE: Board._medium_changed,
    EntryQueued.TYPE: Board._entry_queued,
    EntryChanged.TYPE: Board._entry_changed,
    EntryEnded.TYPE: Board._entry_ended,
    OfferEnded.TYPE: Board._offer_ended,
    CallArrived.TYPE: Board._call_arrived,
    CallEnded.TYPE: Board._call_ended,
    LegsBridged.TYPE: Board._bridged,
    LegsUnbridged.TYPE: Board._unbridged,
    SessionStarted.TYPE: Board._flow_met,
    SessionEnded.TYPE: Board._flow_left,
    VoicemailChanged.TYPE: Board._voicemail_changed,
}
