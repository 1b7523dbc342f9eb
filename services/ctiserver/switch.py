"""The one ear: hears the switches this replica holds, folds what they say, and tells it. Its reader never waits for anything."""

from __future__ import annotations

import contextlib
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

import structlog

from ipcc.bus import Received, View
from ipcc.call.book import CallBook
from ipcc.call.fold import CallFold, Ending
from ipcc.call.model import Told
from ipcc.call.phones import PhoneFold
from ipcc.clock import Clock
from ipcc.contracts.call import CallPayload, LegEnded, PhoneChanged
from ipcc.contracts.tags import line_place
from ipcc.esl import meaning as m
from ipcc.esl.headers import EventName, HangupCause, q850_of
from ipcc.esl.meaning import Heartbeat, Meaning, PhoneMeaning
from ipcc.esl.normalise import normalise
from ipcc.esl.port import ONE_EAR, SubscriptionPlan, SwitchNode
from ipcc.esl.wire import SwitchEvent, WireError
from ipcc.ids import CallId, NodeId
from ipcc.metrics import (
    CTI_DROPPED,
    CTI_EVENT_LAG,
    CTI_EVENTS,
    CTI_LIVE_CALLS,
    CTI_LIVE_LEGS,
    CTI_MALFORMED,
    CTI_REPAIRS,
    CTI_REPEATED,
    Metrics,
)
from services.ctiserver.changes import Changes
from services.ctiserver.core.duplicates import Duplicates
from services.ctiserver.publishing import Outgoing

log = structlog.get_logger(__name__)

PLAN = SubscriptionPlan((*ONE_EAR.events, EventName.CHANNEL_UNPARK), ONE_EAR.subclasses, only_watched_legs=False)
"""What is heard of every switch."""

BACKLOG = 20_000
KEEP_OVERHEARD = timedelta(seconds=60)
"""Longer than any replica stays away before its nodes are another's."""
FORGET_EVERY = 500

Wake: TypeAlias = Callable[[], None]


@dataclass
class Held:
    """A node this replica is the ear of."""

    node: SwitchNode
    wake: Wake = lambda: None
    """Look at the node soon."""
    is_ready: bool = False
    """Whether all that its former holder told is in the book."""
    core_id: str = ""
    lost_core: bool = False
    """The switch was started anew: what it held before is gone."""
    duplicates: Duplicates = field(default_factory=Duplicates)
    backlog: deque[Meaning] = field(default_factory=lambda: deque(maxlen=BACKLOG))


class Ear:
    """Holds nodes, folds their facts into the book of all calls, and puts what is to be told on its way.

    Until the book has been read back from the topic (``attend``) facts wait in a backlog: the book must know what was told before it
    can tell what is new. What the other nodes say is kept for a while (``stand_by``): when their holder dies, what he did not tell is
    folded from it, also of calls that came and went before anybody noticed.
    """

    def __init__(self, outgoing: Outgoing, phones: View, changes: Changes, clock: Clock, metrics: Metrics) -> None:
        self.fold = self._new_fold()
        self.phone_fold = PhoneFold()
        self.held: dict[NodeId, Held] = {}
        self.is_in_doubt: Callable[[], bool] = lambda: False
        """Whether another replica may be the ear of our nodes by now, without a word to us."""
        self._outgoing = outgoing
        self._phones = phones
        self._changes = changes
        self._clock = clock
        self._metrics = metrics
        self._is_attentive = False
        self._put_off: list[tuple[CallId, Ending]] = []
        self._taken = 0
        self._listening: set[NodeId] = set()
        self._overheard: defaultdict[NodeId, deque[tuple[datetime, Meaning]]] = defaultdict(
            lambda: deque(maxlen=BACKLOG)
        )

    @property
    def book(self) -> CallBook:
        """All calls known, of all nodes and replicas."""
        return self.fold.book

    @property
    def is_attentive(self) -> bool:
        """Whether the book is complete."""
        return self._is_attentive

    def listens_to(self, held: Held) -> bool:
        """Whether facts of the node are folded as they come."""
        return self._is_attentive and held.is_ready and not self.is_in_doubt()

    def stand_by(self, node: SwitchNode) -> None:
        """Keep what ``node`` said last: it may be ours in a moment."""
        if node.node_id not in self._listening:
            self._listening.add(node.node_id)
            node.listen(lambda event: self._hear(node.node_id, event))

    def hold(self, node: SwitchNode) -> Held:
        """Be the ear of ``node`` from now on; what it says, and said lately, waits until ``begin``."""
        if node.node_id not in self.held:
            self.stand_by(node)
            self.held[node.node_id] = held = Held(node)
            self._forget_overheard(node.node_id)
            held.backlog.extend(meaning for _, meaning in self._overheard.pop(node.node_id))
        return self.held[node.node_id]

    def release(self, node_id: NodeId) -> None:
        """Another replica is the ear of the node now."""
        self.held.pop(node_id, None)

    def start_over(self) -> None:
        """Forget the book; what is heard waits until ``attend``."""
        self._is_attentive = False
        self._put_off.clear()
        self.fold = self._new_fold()

    def recall(self, received: Received) -> None:
        """Something on the call topic: told by another replica, or by us in a former life."""
        if not self._outgoing.is_echo(received.event.id):
            data, at = received.event.data, received.event.time
            self.fold.book.apply(data, at)
            if self._is_attentive and isinstance(data, LegEnded):
                self._put_off.append((CallId(data.call_id), Ending(at, data.cause, data.q850, resynced=data.resynced)))
                self._close_calls()
            self._changes.announce()

    def attend(self) -> None:
        """The book is complete: fold what waited, and from now on everything as it comes."""
        self.phone_fold = PhoneFold()
        for event in self._phones.values():
            if isinstance(event.data, PhoneChanged):
                self.phone_fold.apply(event.data)
        self._is_attentive = True
        for held in self.held.values():
            self._work_off(held)

    def settle(self) -> None:
        """No longer in doubt: fold what waited."""
        self._close_calls()
        for held in self.held.values():
            self._work_off(held)

    def begin(self, held: Held) -> None:
        """All that the node's former holder told is in the book."""
        held.is_ready = True
        self._work_off(held)

    def tell(self, told: Iterable[Told]) -> None:
        """Put what the fold or a look gave on its way."""
        for item in told:
            self._outgoing.put(item.payload, item.at)
            self._count_repair(item.payload)
        self._changes.announce()

    def tell_phones(self, changes: Iterable[PhoneChanged], at: datetime) -> None:
        """Put what registrations gave on its way."""
        for change in changes:
            self._outgoing.put(change, at)
            if change.reason == "resynced":
                self._metrics.count(CTI_REPAIRS, node=change.node_id or "none", type=change.TYPE)

    def give_up(self, held: Held, now: datetime) -> int:
        """Tell the end of everything on a node that is not reached any more, and that no phone of it is; how many legs.

        A leg that is there again when the node is back is taken in again: the book knows that it was only lost.
        """
        node_id, cause = held.node.node_id, HangupCause.NETWORK_OUT_OF_ORDER.name
        legs = [leg.leg_id for leg in self.book.live_legs(node_id)]
        for leg_id in legs:
            self.tell(self.fold.lose(leg_id, Ending(now, cause, q850_of(cause))))
        for _ in range(2):
            # a difference is believed when it was found twice
            self.tell_phones(self.phone_fold.compare(node_id, ()), now)
        return len(legs)

    def report(self) -> None:
        """Bring the gauges up to date and forget what ended long ago."""
        self.book.forget(self._clock.now())
        self._metrics.put(CTI_LIVE_CALLS, sum(1 for _ in self.book.live_calls()))
        for node_id in self.held:
            self._metrics.put(CTI_LIVE_LEGS, sum(1 for _ in self.book.live_legs(node_id)), node=node_id)

    def _new_fold(self) -> CallFold:
        fold = CallFold()
        fold.is_ours = lambda node_id: node_id in self.held
        return fold

    def _overhear(self, node_id: NodeId, event: SwitchEvent) -> None:
        """Calls only: of phones the last word counts, and a look gives it."""
        now, kept = self._clock.now(), self._overheard[node_id]
        with contextlib.suppress(WireError):
            kept.extend((now, said) for said in normalise(event) if not isinstance(said, Heartbeat | PhoneMeaning))
        self._forget_overheard(node_id)

    def _forget_overheard(self, node_id: NodeId) -> None:
        now, kept = self._clock.now(), self._overheard[node_id]
        while kept and now - kept[0][0] > KEEP_OVERHEARD:
            kept.popleft()

    def _hear(self, node_id: NodeId, event: SwitchEvent) -> None:
        held = self.held.get(node_id)
        if held is None:
            self._overhear(node_id, event)
            return
        self._metrics.count(CTI_EVENTS, node=node_id)
        if held.duplicates.is_repeated(event.get("Core-UUID"), event.get("Event-Sequence")):
            self._metrics.count(CTI_REPEATED, node=node_id)
            return
        try:
            meanings = normalise(event)
        except WireError as error:
            self._metrics.count(CTI_MALFORMED, node=node_id)
            log.warning("malformed_event", node=node_id, event_name=event.name, reason=str(error))
            return
        for meaning in meanings:
            if self.listens_to(held):
                self._take(held, meaning)
            else:
                self._put_by(held, meaning)

    def _close_calls(self) -> None:
        """Calls whose last leg another replica told of may be over."""
        while self._put_off and not self.is_in_doubt():
            call_id, ending = self._put_off.pop(0)
            self.tell(self.fold.close(call_id, ending))

    def _work_off(self, held: Held) -> None:
        if self.listens_to(held):
            while held.backlog:
                self._take(held, held.backlog.popleft())
            held.wake()

    def _put_by(self, held: Held, meaning: Meaning) -> None:
        if len(held.backlog) == held.backlog.maxlen:
            self._metrics.count(CTI_DROPPED)
        held.backlog.append(meaning)

    def _take(self, held: Held, meaning: Meaning) -> None:
        node_id = held.node.node_id
        if isinstance(meaning, Heartbeat):
            self._check_core(held, meaning)
        elif isinstance(meaning, PhoneMeaning):
            self.tell_phones(self.phone_fold.take(node_id, meaning), meaning.at)
        else:
            self._settle_line(node_id, meaning)
            told = self.fold.take(node_id, meaning)
            if told:
                self.tell(told)
                lag = (self._clock.now() - meaning.at).total_seconds()
                self._metrics.observe(CTI_EVENT_LAG, max(0.0, lag), node=node_id)
            if node_id in self.fold.wanted.values():
                held.wake()
        self._taken += 1
        if self._taken % FORGET_EVERY == 0:
            self.report()

    def _settle_line(self, node_id: NodeId, meaning: Meaning) -> None:
        """A nailed-up line is a phone that is there from its answer to its end."""
        if not isinstance(meaning, m.LegParked | m.LegHungUp | m.LegEnded | m.LegGone):
            return
        if meaning.leg_id in self.fold.carriers.lines:
            place = line_place(meaning.leg_id)
            kind = m.PhoneRegistered if isinstance(meaning, m.LegParked) else m.PhoneUnregistered
            change = kind(meaning.at, place, "", registration=place)
            self.tell_phones(self.phone_fold.take(node_id, change), meaning.at)

    def _check_core(self, held: Held, heartbeat: Heartbeat) -> None:
        if held.core_id and held.core_id != heartbeat.core_id:
            log.warning("switch_restarted", node=held.node.node_id)
            held.lost_core = True
            held.wake()
        held.core_id = heartbeat.core_id

    def _count_repair(self, payload: CallPayload) -> None:
        if payload.resynced:
            node_id = getattr(payload, "node_id", "none")
            self._metrics.count(CTI_REPAIRS, node=node_id, type=payload.TYPE)
