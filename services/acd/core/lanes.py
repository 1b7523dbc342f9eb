"""Who waits and who is idle, side by side, for every need there is: what routing looks at, kept up to date row by row.

A lane holds the entries with one need, in their order, and the idle agents who fit it, best first. Whatever happens touches only
the lanes of one entry or of one agent, so that a decision costs the same however many agents, queues and callers there are.
All of it is derived from the rows: it decides nothing, and a state rebuilt from its log has the same lanes.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ipcc.contracts.acd import AgentState
from services.acd.core.media import free_media
from services.acd.core.needs import Need, misfit, need_in
from services.acd.core.rows import Agent, Entry, OrderKey
from services.acd.core.strategies import Candidate, Rank, rank_of

if TYPE_CHECKING:
    from services.acd.core.state import State

# lanes in which nobody waits are kept for the next caller like it, up to so many
LANES_KEPT = 4_096


class Lane:
    """One need: ``waiting`` in order of service, ``idle`` who fits, best first (the last part of a rank is the agent's id)."""

    __slots__ = ("anchor", "idle", "members", "need", "ranks", "waiting")

    def __init__(self, need: Need, anchor: str) -> None:
        self.need = need
        self.anchor = anchor
        self.waiting: list[OrderKey] = []
        self.idle: list[Rank] = []
        self.ranks: dict[str, Rank] = {}
        self.members: list[str] = []

    def come(self, agent_id: str, rank: Rank) -> None:
        """An agent who fits is idle."""
        if agent_id in self.ranks:
            self.leave(agent_id)
        self.ranks[agent_id] = rank
        insort(self.idle, rank)

    def leave(self, agent_id: str) -> None:
        """He is idle no longer; nothing if he was not."""
        rank = self.ranks.pop(agent_id, None)
        if rank is not None:
            del self.idle[bisect_left(self.idle, rank)]


class Lanes:
    """All lanes of a state. ``dirty`` are those in which somebody could be served since they were last looked through."""

    def __init__(self, state: State) -> None:
        self.dirty: set[Lane] = set()
        self._state = state
        self._by_need: dict[Need, Lane] = {}
        self._by_anchor: dict[str, list[Lane]] = {}
        self._by_queue: dict[str, set[Lane]] = {}
        self._of_entry: dict[str, list[Lane]] = {}
        self._lost: dict[str, set[str]] = {}
        self._of_agent: dict[str, list[Lane]] = {}
        self._skilled: dict[str, set[str]] = {}

    # --- asking --------------------------------------------------------------------------------
    def __len__(self) -> int:
        return len(self._by_need)

    def of(self, need: Need) -> Lane | None:
        """The lane of ``need``, if anybody ever had it."""
        return self._by_need.get(need)

    def of_entry(self, entry_id: str) -> list[Lane]:
        """The lanes in which an entry waits; none while it is offered."""
        return self._of_entry.get(entry_id, [])

    def of_agent(self, agent_id: str) -> list[Lane]:
        """The lanes an agent fits, if he is signed in."""
        return self._of_agent.get(agent_id, [])

    def ahead(self, entry: Entry) -> int:
        """How many wait before it in its queue without an offer."""
        return sum(bisect_left(lane.waiting, entry.order) for lane in self._by_queue.get(entry.queue_id, ()))

    def with_waiting(self) -> list[Lane]:
        """The lanes in which somebody waits."""
        return [lane for lane in self._by_need.values() if lane.waiting]

    # --- rows that changed ---------------------------------------------------------------------
    def put_entry(self, entry: Entry) -> None:
        """It waits."""
        self._of_entry[entry.id] = []
        for queue_id in (entry.queue_id, *entry.also):
            self._put(entry, queue_id)

    def take_entry(self, entry: Entry) -> None:
        """It waits no longer."""
        for lane in self._of_entry.pop(entry.id, ()):
            del lane.waiting[bisect_left(lane.waiting, entry.order)]

    def put_agent(self, old: Agent | None, row: Agent) -> None:
        """His row changed."""
        if row.state is AgentState.OUT:
            self._forget_agent(row.id)
            return
        if row.id not in self._of_agent or old is None or old.phone_id != row.phone_id:
            self._fit(row)
        user = self._state.users.get(row.id)
        free = free_media(user, row)
        if free or (old is not None and free_media(user, old)):
            for lane in self._of_agent[row.id]:
                if lane.need.medium in free:
                    self._come(lane, row)
                else:
                    lane.leave(row.id)

    def refit(self, agent_ids: Iterable[str]) -> None:
        """What these agents can do, or where their phones are, changed."""
        for agent_id in agent_ids:
            row = self._state.agents.get(agent_id)
            if row is not None and row.state is not AgentState.OUT:
                self.put_agent(None, row)

    def put_user(self, agent_id: str, old: Iterable[str], skills: Iterable[str]) -> None:
        """His skills are these now."""
        for skill in old:
            self._skilled[skill].discard(agent_id)
        for skill in skills:
            self._skilled.setdefault(skill, set()).add(agent_id)
        self.refit((agent_id,))

    def rebuild(self, queue_id: str) -> None:
        """The rules of a queue changed, or were learnt at last."""
        moved = self._lost.pop(queue_id, set())
        for lane in self._by_queue.pop(queue_id, set()):
            moved.update(order[-1] for order in lane.waiting)
            self._drop(lane)
        for entry_id in moved & self._of_entry.keys():
            entry = self._state.entries[entry_id]
            # one that was moved while its first queue was not known may stand here no longer
            if queue_id in (entry.queue_id, *entry.also):
                self._put(entry, queue_id)

    def stir(self, node_id: str) -> None:
        """A switch is usable again: everybody who waits on it is looked at anew."""
        self.dirty.update(lane for lane in self._by_need.values() if lane.waiting and lane.need.node_id == node_id)

    # --- within --------------------------------------------------------------------------------
    def _put(self, entry: Entry, queue_id: str) -> None:
        queue = self._state.queues.get(queue_id)
        if queue is None:
            # not learnt yet: it is put in its lane when it is
            self._lost.setdefault(queue_id, set()).add(entry.id)
            return
        lane = self._lane(need_in(queue, entry))
        insort(lane.waiting, entry.order)
        self._of_entry[entry.id].append(lane)
        self.dirty.add(lane)

    def _lane(self, need: Need) -> Lane:
        found = self._by_need.get(need)
        if found is None:
            if len(self._by_need) >= LANES_KEPT:
                self._drop_empty()
            anchor = self._anchor(need)
            found = self._by_need[need] = Lane(need, anchor)
            self._by_anchor.setdefault(anchor, []).append(found)
            self._by_queue.setdefault(need.queue_id, set()).add(found)
            for agent_id in self._who_may(anchor):
                agent = self._state.agents[agent_id]
                if not misfit(self._state, agent, need):
                    self._join(found, agent)
        return found

    def _anchor(self, need: Need) -> str:
        """The skill of ``need`` that fewest have: only who has it is looked at."""
        return min((s for s, _ in need.skills), key=lambda s: (len(self._skilled.get(s, ())), s), default="")

    def _who_may(self, anchor: str) -> Iterator[str]:
        if not anchor:
            return iter(list(self._of_agent))
        return (agent_id for agent_id in self._skilled.get(anchor, ()) if agent_id in self._of_agent)

    def _fit(self, row: Agent) -> None:
        self._forget_agent(row.id)
        self._of_agent[row.id] = []
        user = self._state.users.get(row.id)
        for skill in ("", *(user.skills if user is not None else ())):
            for lane in self._by_anchor.get(skill, ()):
                if not misfit(self._state, row, lane.need):
                    self._join(lane, row)

    def _join(self, lane: Lane, row: Agent) -> None:
        self._of_agent[row.id].append(lane)
        insort(lane.members, row.id)
        if lane.need.medium in free_media(self._state.users.get(row.id), row):
            self._come(lane, row)

    def _come(self, lane: Lane, row: Agent) -> None:
        state = self._state
        lane.come(row.id, rank_of(Candidate(row, state.users[row.id], state.queues[lane.need.queue_id], lane.need)))
        if lane.waiting:
            self.dirty.add(lane)

    def _forget_agent(self, agent_id: str) -> None:
        for lane in self._of_agent.pop(agent_id, ()):
            lane.leave(agent_id)
            del lane.members[bisect_left(lane.members, agent_id)]

    def _drop_empty(self) -> None:
        for lane in [lane for lane in self._by_need.values() if not lane.waiting]:
            self._by_queue[lane.need.queue_id].discard(lane)
            self._drop(lane)

    def _drop(self, lane: Lane) -> None:
        del self._by_need[lane.need]
        self._by_anchor[lane.anchor].remove(lane)
        for agent_id in lane.members:
            self._of_agent[agent_id].remove(lane)
        for _, _, entry_id in lane.waiting:
            self._of_entry[entry_id].remove(lane)
        self.dirty.discard(lane)
