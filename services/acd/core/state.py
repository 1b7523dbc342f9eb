"""All that acd knows about one routing domain.

Two parts. The *log part* (agents, entries, offers, contacts, counters) is the fold of acd's own events and of nothing else.
The *learnt part* (administered objects, phones, switches, legs that ended) repeats what others say and is learnt anew after a
restart. Every change passes ``write`` or ``erase``, so that indices follow and a trial can be taken back.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from ipcc.contracts.acd import AgentState
from ipcc.contracts.config import Calendar, DialPlan, Organisation, PauseReason, Queue, User
from services.acd.core.lanes import Lanes
from services.acd.core.rows import EPOCH_ROW, Agent, Contact, Entry, Offer, OrderKey, Pace, PastEntry, Served

R = TypeVar("R")
Timer = tuple[datetime, str, str]

# longer than any command is repeated and any topic lags behind another
PAST_KEPT = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Registration:
    """The last word about a phone."""

    is_registered: bool
    node_id: str = ""


def overflows_at(entry: Entry, queue: Queue) -> datetime | None:
    """When ``entry`` has waited as long as its queue lets it; one called back is told for now when nobody may be dialled any more,
    and once its customer is on the line, for the second time, he is sent nowhere else."""
    if entry.callback is not None:
        is_dialled = entry.is_to_be_dialled and not entry.is_paused
        return entry.callback.stretch_ends_at if is_dialled else None
    return entry.entered_at + timedelta(seconds=queue.max_wait_s) if queue.max_wait_s else None


def relaxes_at(entry: Entry, queue: Queue) -> datetime | None:
    """When the next relaxation of ``queue`` is due for ``entry``."""
    if entry.step >= len(queue.relax):
        return None
    return entry.entered_at + timedelta(seconds=queue.relax[entry.step].after_s)


def opens_at(entry: Entry, queue: Queue) -> datetime | None:
    """When ``entry`` no longer waits for its preferred agents alone."""
    patience_s = queue.last_agent_wait_s if entry.last_agent else queue.preferred_wait_s
    return entry.queued_at + timedelta(seconds=patience_s) if entry.preferred else None


def _resumes_at(entry: Entry) -> datetime | None:
    if entry.callback is None or entry.callback.paused_until is None:
        return None
    return min(entry.callback.paused_until, entry.callback.closes_at)


def changes_at(entry: Entry, queue: Queue) -> datetime | None:
    """When something becomes of ``entry`` by waiting alone."""
    times = (overflows_at(entry, queue), opens_at(entry, queue), relaxes_at(entry, queue), _resumes_at(entry))
    return min((at for at in times if at is not None), default=None)


def _drop(index: dict[str, set[str]], name: str, key: str) -> None:
    index[name].discard(key)
    if not index[name]:
        del index[name]


class Table(dict[str, R], Generic[R]):
    """Rows by id. Read it as a dict; change it only through the State, which then calls ``index(key, old, new)``."""

    def __init__(self, index: Callable[[str, R | None, R | None], None] | None = None) -> None:
        super().__init__()
        self.index = index


class State:
    """One routing domain."""

    def __init__(self, domain: str) -> None:
        self.domain = domain
        # the log part
        self.agents: Table[Agent] = Table(self._index_agent)
        self.entries: Table[Entry] = Table(self._index_entry)
        self.offers: Table[Offer] = Table(self._index_offer)
        self.contacts: Table[Contact] = Table(self._index_contact)
        self.paces: Table[Pace] = Table()
        self.past: Table[PastEntry] = Table(self._index_past)
        self.served: Table[Served] = Table(self._index_served)
        self.counters: Table[int] = Table()
        self.offsets: Table[int] = Table()
        # the learnt part
        self.users: Table[User] = Table(self._index_user)
        self.queues: Table[Queue] = Table(self._index_queue)
        self.removed_queues: Table[bool] = Table()
        self.broken: Table[str] = Table()
        self.skills, self.phones = Table[bool](), Table[bool]()
        self.reasons: Table[PauseReason] = Table()
        self.calendars: Table[Calendar] = Table()
        self.units: Table[Organisation] = Table()
        self.plans: Table[DialPlan] = Table()
        self.registrations: Table[Registration] = Table(self._index_registration)
        self.nodes: Table[str] = Table(self._index_node)
        self.gone: Table[datetime] = Table(self._index_gone)
        self.elsewhere: Table[bool] = Table()
        # indices, derived
        self.idle: dict[str, Agent] = {}
        self.idle_order: list[tuple[datetime, str]] = []
        self.signed_in = 0
        self.by_call: dict[str, set[str]] = {}
        self.by_leg: dict[str, set[str]] = {}
        self.by_customer: dict[str, str] = {}
        self.contact_of_offer: dict[str, str] = {}
        self.offers_of: dict[str, list[str]] = {}
        self.talks_of_agent: dict[str, set[str]] = {}
        self.at_phone: dict[str, set[str]] = {}
        self.waits_for: dict[str, set[str]] = {}
        self.lanes = Lanes(self)
        self._queued: dict[str, list[OrderKey]] = {}
        self._timers: list[Timer] = []
        # what is forgotten with time, oldest first
        self.ages: dict[str, list[tuple[datetime, str]]] = {"past": [], "gone": [], "served": []}
        self._journal: list[tuple[Table[Any], str, Any]] | None = None

    # --- changing ------------------------------------------------------------------------------
    def write(self, table: Table[R], key: str, row: R) -> None:
        """Put ``row`` under ``key``."""
        self._change(table, key, row)

    def erase(self, table: Table[R], key: str) -> None:
        """Remove ``key`` if it is there."""
        if key in table:
            self._change(table, key, None)

    @contextmanager
    def trial(self, *, keep: bool) -> Iterator[None]:
        """Take back every change made inside, unless ``keep`` and nothing was raised."""
        journal: list[tuple[Table[Any], str, Any]] = []
        self._journal = journal
        kept = False
        try:
            yield
            kept = keep
        finally:
            self._journal = None
            if not kept:
                for table, key, old in reversed(journal):
                    self._change(table, key, old)

    def forget_past(self, now: datetime) -> None:
        """Erase what ended longer ago than PAST_KEPT."""
        while self.ages["past"] and now - self.ages["past"][0][0] >= PAST_KEPT:
            at, key = heapq.heappop(self.ages["past"])
            if key in self.past and self.past[key].ended_at == at:
                self.erase(self.past, key)

    def forget_gone(self, now: datetime) -> None:
        """Erase legs and calls that were gone longer ago than PAST_KEPT."""
        while self.ages["gone"] and now - self.ages["gone"][0][0] >= PAST_KEPT:
            at, key = heapq.heappop(self.ages["gone"])
            if self.gone.get(key) == at:
                self.erase(self.gone, key)

    # --- asking --------------------------------------------------------------------------------
    @property
    def epoch(self) -> int:
        """How many offers were ever made in this domain."""
        return self.counters.get(EPOCH_ROW, 0)

    @property
    def row_count(self) -> int:
        """How many rows a snapshot carries."""
        return sum(
            len(t) for t in (self.agents, self.entries, self.offers, self.contacts, self.paces, self.past, self.served)
        )

    def queued(self, queue_id: str) -> list[OrderKey]:
        """The places of all entries of a queue, with or without an offer, first served first."""
        return self._queued.get(queue_id, [])

    def in_queue(self, queue_id: str) -> list[Entry]:
        """All entries of a queue, with or without an offer, first served first."""
        return [self.entries[key[-1]] for key in self.queued(queue_id)]

    def position(self, entry: Entry) -> int:
        """Its place in its queue, from 1."""
        return 1 + bisect_left(self.queued(entry.queue_id), entry.order)

    def is_registered(self, phone_id: str) -> bool:
        """Whether that phone can be rung (I9)."""
        found = self.registrations.get(phone_id)
        return found is not None and found.is_registered

    def is_up(self, node_id: str) -> bool:
        """Whether that switch takes commands, as far as we heard; "" in ``nodes`` is up, else why it is not."""
        return not self.nodes.get(node_id)

    def contact_on(self, offer_id: str) -> Contact | None:
        """The conversation on the agent's leg of that id."""
        entry_id = self.contact_of_offer.get(offer_id)
        return self.contacts[entry_id] if entry_id is not None else None

    def first_offer_of(self, entry_id: str) -> str:
        """The offer out longest for an entry; "" when none is out."""
        return next(iter(self.offers_of.get(entry_id, ())), "")

    def due(self, now: datetime) -> list[Timer]:
        """Timers that ran out: (when, table, id), earliest first. What they mean is decided from the rows."""
        found: dict[Timer, None] = {}
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)
            if self._is_live(timer):
                found[timer] = None
        for timer in found:
            heapq.heappush(self._timers, timer)
        return list(found)

    def next_due(self) -> datetime | None:
        """When the next timer runs out."""
        while self._timers and not self._is_live(self._timers[0]):
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    # --- within --------------------------------------------------------------------------------
    def _change(self, table: Table[Any], key: str, row: Any) -> None:
        old = table.get(key)
        if self._journal is not None:
            self._journal.append((table, key, old))
        if row is None:
            table.pop(key, None)
        else:
            table[key] = row
        if table.index is not None:
            table.index(key, old, row)

    def _index_agent(self, key: str, old: Agent | None, row: Agent | None) -> None:
        row = row or Agent(key)
        before = self.idle.pop(key, None)
        if before is not None and before.idle_since is not None:
            del self.idle_order[bisect_left(self.idle_order, (before.idle_since, key))]
        if row.state is AgentState.READY:
            self.idle[key] = row
            if row.idle_since is not None:
                insort(self.idle_order, (row.idle_since, key))
        if old is not None and old.state is not AgentState.OUT:
            self.at_phone[old.phone_id].discard(key)
            self.signed_in -= 1
        if row.state is not AgentState.OUT:
            self.at_phone.setdefault(row.phone_id, set()).add(key)
            self.signed_in += 1
        self.lanes.put_agent(old, row)
        self._start_timer("agents", key, row.until)
        self._start_timer("pauses", key, None if row.overdue else row.limit_at)

    def _index_entry(self, key: str, old: Entry | None, row: Entry | None) -> None:
        self._index_last_agent(key, old, row)
        if old is not None:
            if not old.offer_id and not old.is_paused:
                self.lanes.take_entry(old)
            if row is None or (row.queue_id, row.order) != (old.queue_id, old.order):
                keys = self._queued[old.queue_id]
                del keys[bisect_left(keys, old.order)]
            _drop(self.by_call, old.call_id, key)
            _drop(self.by_leg, old.leg_id, key)
        if row is not None:
            self.by_call.setdefault(row.call_id, set()).add(key)
            self.by_leg.setdefault(row.leg_id, set()).add(key)
            if old is None or (row.queue_id, row.order) != (old.queue_id, old.order):
                insort(self._queued.setdefault(row.queue_id, []), row.order)
            if not row.offer_id and not row.is_paused:
                self.lanes.put_entry(row)
            if not row.offer_id:
                self._start_timer("entries", key, self._changes_at(row))

    def _index_last_agent(self, key: str, old: Entry | None, row: Entry | None) -> None:
        for agent_id in old.preferred if old is not None and old.last_agent else ():
            _drop(self.waits_for, agent_id, key)
        for agent_id in row.preferred if row is not None and row.last_agent else ():
            self.waits_for.setdefault(agent_id, set()).add(key)

    def _index_offer(self, key: str, old: Offer | None, row: Offer | None) -> None:
        if old is not None and old.customer_leg:
            self.by_customer.pop(old.customer_leg, None)
        if row is not None and row.customer_leg:
            self.by_customer[row.customer_leg] = key
        if old is not None and row is None:
            self.offers_of[old.entry_id].remove(key)
            if not self.offers_of[old.entry_id]:
                del self.offers_of[old.entry_id]
        if row is not None:
            out = self.offers_of.setdefault(row.entry_id, [])
            if key not in out:
                # in the order they were made, also when a decision is taken back
                insort(out, key, key=lambda one: self.offers[one].epoch)
            self._start_timer("offers", key, row.deadline)

    def _index_contact(self, key: str, old: Contact | None, row: Contact | None) -> None:
        if old is not None:
            self.contact_of_offer.pop(old.offer_id, None)
            self.talks_of_agent[old.agent_id].discard(key)
        if row is not None:
            self.contact_of_offer[row.offer_id] = key
            self.talks_of_agent.setdefault(row.agent_id, set()).add(key)
            self._start_timer("contacts", key, row.until)

    def _index_past(self, key: str, old: PastEntry | None, row: PastEntry | None) -> None:
        if row is not None:
            heapq.heappush(self.ages["past"], (row.ended_at, key))

    def _index_served(self, key: str, old: Served | None, row: Served | None) -> None:
        if row is not None:
            heapq.heappush(self.ages["served"], (row.at, key))

    def _index_gone(self, key: str, old: datetime | None, row: datetime | None) -> None:
        if row is not None:
            heapq.heappush(self.ages["gone"], (row, key))

    def _index_queue(self, key: str, old: Queue | None, row: Queue | None) -> None:
        self.lanes.rebuild(key)
        for entry in self.in_queue(key):
            # its limits may be others now
            self._start_timer("entries", entry.id, self._changes_at(entry))

    def _index_user(self, key: str, old: User | None, row: User | None) -> None:
        self.lanes.put_user(key, old.skills if old else (), row.skills if row else ())

    def _index_registration(self, key: str, old: Registration | None, row: Registration | None) -> None:
        if (old.node_id if old else "") != (row.node_id if row else ""):
            self.lanes.refit(sorted(self.at_phone.get(key, ())))

    def _index_node(self, key: str, old: str | None, row: str | None) -> None:
        if bool(old) != bool(row):
            # whoever is called back is offered to agents on switches that work
            self.lanes.refit(sorted(self._agents_on(key)))
        if not row:
            self.lanes.stir(key)

    def _agents_on(self, node_id: str) -> set[str]:
        here = (phone for phone, found in self.registrations.items() if found.node_id == node_id)
        return {agent for phone in here for agent in self.at_phone.get(phone, ())}

    def _changes_at(self, entry: Entry) -> datetime | None:
        queue = self.queues.get(entry.queue_id)
        return changes_at(entry, queue) if queue else None

    def _start_timer(self, table: str, key: str, at: datetime | None) -> None:
        if at is not None:
            heapq.heappush(self._timers, (at, table, key))

    def _is_live(self, timer: Timer) -> bool:
        at, table, key = timer
        if table == "agents":
            agent = self.agents.get(key)
            return agent is not None and agent.until == at
        if table == "offers":
            offer = self.offers.get(key)
            return offer is not None and offer.deadline == at
        if table == "pauses":
            agent = self.agents.get(key)
            return agent is not None and agent.limit_at == at and not agent.overdue
        if table == "contacts":
            contact = self.contacts.get(key)
            return contact is not None and contact.until == at
        entry = self.entries.get(key)
        return entry is not None and not entry.offer_id and self._changes_at(entry) == at
