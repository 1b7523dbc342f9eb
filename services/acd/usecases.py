"""What people and programs ask acd over REST: the live picture, the reasons, and a state forced on an agent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from ipcc.bus.rpc import Requester
from ipcc.bus.view import View
from ipcc.clock import Clock
from ipcc.contracts.acd import (
    AcdCommand,
    AgentState,
    ChangeEntry,
    EntryQueued,
    LeaveQueue,
    PullEntry,
    SetNotReady,
    SetReady,
    SignOut,
)
from ipcc.contracts.config import ConfigChanged, Queue, User
from ipcc.errors import NotFound
from ipcc.metrics import ACD_AGENTS, ACD_LONGEST_WAIT, ACD_WAITING, Metrics
from services.acd.agent_media import media_of
from services.acd.core.explanation import sentence
from services.acd.core.reasons import with_chinese_reasons
from services.acd.core.rows import Agent, Entry
from services.acd.core.state import State
from services.acd.log import Fact
from services.acd.mirror import Mirror
from services.acd.schemas import (
    AgentAnswer,
    AgentView,
    ChangedEntry,
    EntryAnswer,
    EntryView,
    ForcedState,
    PulledEntry,
    QueueView,
    Stay,
    Step,
    Why,
)

T = TypeVar("T")

ASK_TIMEOUT_S = 3.0
MEASURE_EVERY_S = 1.0


@dataclass
class Desk:
    """Answers from the mirrors; orders go to the owner by the command topic, whichever replica was asked."""

    mirrors: Mapping[str, Mirror]
    config: View
    requester: Requester
    clock: Clock
    metrics: Metrics

    def queues(self) -> list[QueueView]:
        """Every queue now."""
        return sorted((self._queue(queue) for queue in self._objects(Queue)), key=lambda view: view.id)

    def agents(self) -> list[AgentView]:
        """Every agent now, also those who are out."""
        views = [self._agent(user) for user in self._objects(User) if _is_agent(user)]
        return sorted(views, key=lambda view: view.id)

    def views_of(self, agent_ids: Collection[str]) -> list[AgentView]:
        """These agents now, as far as they are users."""
        if not agent_ids:
            return []
        return [self._agent(user) for user in self._objects(User) if user.id in agent_ids]

    def entries(self, queue_id: str | None = None) -> list[EntryView]:
        """Everybody who waits, each queue in its order."""
        found = [
            view
            for mirror in self.mirrors.values()
            for view in _entries_in_order(mirror, self.clock.now())
            if queue_id is None or view.queue_id == queue_id
        ]
        return sorted(found, key=lambda view: (view.queue_id, view.position))

    def why(self, contact_id: str) -> Why:
        """The story of a call or of one stay. Raises NotFound when it is not in memory (any more)."""
        stories = [story for mirror in self.mirrors.values() for story in mirror.stories.of(contact_id)]
        if not stories:
            raise NotFound("acd.unknown_contact", f"nothing is known of contact {contact_id}", contact_id=contact_id)
        return Why(id=contact_id, stays=[_stay(story) for story in stories])

    async def force(self, agent_id: str, forced: ForcedState, by: str) -> AgentAnswer:
        """Put an agent in a state. Raises what the owner raises, and Unavailable when no owner answers."""
        user = next((u for u in self._objects(User) if u.id == agent_id), None)
        if user is None:
            raise NotFound("acd.unknown_agent", f"there is no agent {agent_id}", agent_id=agent_id)
        return AgentAnswer.model_validate(await self.requester.ask(_order(user, forced, by), ASK_TIMEOUT_S))

    async def change(self, entry_id: str, changed: ChangedEntry, by: str) -> EntryAnswer:
        """Move a waiting contact or give it another priority. Raises what the owner raises."""
        to = {"queue_id": changed.queue_id, "priority": changed.priority, "by": by}
        return await self._order_entry(ChangeEntry(domain=self._domain_of(entry_id), entry_id=entry_id, **to))

    async def pull(self, entry_id: str, pulled: PulledEntry, by: str) -> EntryAnswer:
        """Offer a waiting contact to one agent at once. Raises what the owner raises."""
        domain = self._domain_of(entry_id)
        return await self._order_entry(PullEntry(domain=domain, entry_id=entry_id, agent_id=pulled.agent_id, by=by))

    async def drop(self, entry_id: str, target: str) -> EntryAnswer:
        """Take a waiting contact out of its queue; its flow goes on with ``target``. Raises what the owner raises."""
        return await self._order_entry(LeaveQueue(domain=self._domain_of(entry_id), entry_id=entry_id, target=target))

    async def _order_entry(self, command: AcdCommand) -> EntryAnswer:
        return EntryAnswer.model_validate(await self.requester.ask(command, ASK_TIMEOUT_S))

    def _domain_of(self, entry_id: str) -> str:
        for mirror in self.mirrors.values():
            if entry_id in mirror.state.entries or entry_id in mirror.state.past:
                return mirror.domain
        raise NotFound("acd.unknown_entry", f"there is no entry {entry_id}", entry_id=entry_id)

    async def measure(self) -> None:
        """Keep the gauges right for ever."""
        while True:
            if all(mirror.is_ready for mirror in self.mirrors.values()):
                for queue in self.queues():
                    self.metrics.put(ACD_WAITING, queue.waiting + queue.offered, queue=queue.id)
                    self.metrics.put(ACD_LONGEST_WAIT, queue.longest_wait_s, queue=queue.id)
                states = Counter(agent.state for agent in self.agents())
                for state in AgentState:
                    self.metrics.put(ACD_AGENTS, states[state], state=state.value)
            await self.clock.sleep(MEASURE_EVERY_S)

    def _objects(self, kind: type[T]) -> Iterator[T]:
        for event in self.config.values():
            if isinstance(event.data, ConfigChanged) and isinstance(event.data.object, kind):
                yield event.data.object

    def _state(self, domain: str) -> State | None:
        mirror = self.mirrors.get(domain)
        return mirror.state if mirror is not None else None

    def _queue(self, queue: Queue) -> QueueView:
        state = self._state(queue.domain)
        entries = state.in_queue(queue.id) if state else []
        now = self.clock.now()
        rows = [self._row(user) for user in self._objects(User) if _is_agent(user) and serves(user, queue)]
        states = Counter(row.state for row in rows)
        return QueueView(
            id=queue.id,
            name=queue.name,
            domain=queue.domain,
            medium=queue.medium,
            waiting=sum(not e.offer_id for e in entries),
            offered=sum(bool(e.offer_id) for e in entries),
            longest_wait_s=max((seconds_waited(e, now) for e in entries), default=0.0),
            agents={state: states[state] for state in AgentState},
        )

    def _row(self, user: User) -> Agent:
        state = self._state(user.domain)
        return (state.agents.get(user.id) if state else None) or Agent(user.id)

    def _agent(self, user: User) -> AgentView:
        row = self._row(user)
        return AgentView(
            id=user.id,
            name=user.name,
            domain=user.domain,
            state=row.state,
            since=row.since,
            reason=row.reason,
            then_reason=row.then_reason,
            phone_id=row.phone_id,
            call_id=row.call_id,
            offer_id=row.offer_id,
            until=row.until,
            limit_at=row.limit_at,
            overdue=row.overdue,
            skills=dict(user.skills),
            media=media_of(user, row),
        )


def serves(user: User, queue: Queue) -> bool:
    """Whether ``user`` takes the medium of ``queue`` and has every skill of it at its level."""
    takes_it = user.domain == queue.domain and user.capacity.of(queue.medium) > 0
    return takes_it and all(user.skills.get(s, 0) >= level for s, level in queue.skills.items())


def _is_agent(user: User) -> bool:
    return bool(user.skills) or "agent" in user.roles


def _order(user: User, forced: ForcedState, by: str) -> AcdCommand:
    match forced.state:
        case "ready":
            return SetReady(domain=user.domain, agent_id=user.id)
        case "not_ready":
            return SetNotReady(domain=user.domain, agent_id=user.id, reason=forced.reason, by=by)
        case _:
            return SignOut(domain=user.domain, agent_id=user.id, force=True)


def _entries_in_order(mirror: Mirror, now: datetime) -> Iterator[EntryView]:
    state = mirror.state
    for queue_id in sorted({entry.queue_id for entry in state.entries.values()}):
        for entry in state.in_queue(queue_id):
            yield entry_view(mirror, entry, now)


def entry_view(mirror: Mirror, entry: Entry, now: datetime) -> EntryView:
    """A contact that waits, as it is shown."""
    state = mirror.state
    offer = state.offers.get(entry.offer_id)
    return EntryView(
        id=entry.id,
        call_id=entry.call_id,
        queue_id=entry.queue_id,
        domain=mirror.domain,
        medium=entry.medium,
        position=state.position(entry),
        priority=entry.priority,
        entered_at=entry.entered_at,
        waited_s=seconds_waited(entry, now),
        offered_to=offer.agent_id if offer else "",
        tries=dict(entry.tries),
    )


def seconds_waited(entry: Entry, now: datetime) -> float:
    """How long it has waited, to a tenth."""
    return round(max(0.0, (now - entry.entered_at).total_seconds()), 1)


def _stay(story: list[Fact]) -> Stay:
    first = story[0].event
    queue_id = first.queue_id if isinstance(first, EntryQueued) else ""
    entry_id = getattr(first, "entry_id", "")
    steps = [
        Step(
            at=fact.at,
            words=sentence(fact.event),
            words_zh=sentence(with_chinese_reasons(fact.event), "zh"),
            type=fact.event.TYPE,
            details=getattr(fact.event, "why", {}),
        )
        for fact in story
    ]
    return Stay(entry_id=entry_id, queue_id=queue_id, steps=steps)
