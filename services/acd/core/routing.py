"""Who serves whom: the waiting in order of (priority, time entered), each to the agent idle longest who fits.

One that no idle agent fits does not hold up those behind it: that is the one declared way in which order is inverted.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ipcc.contracts.acd import AgentState
from services.acd.core import offers
from services.acd.core.rows import Agent, Entry
from services.acd.core.state import State, overflows_at
from services.acd.core.turn import Turn

RULE = "longest_idle"
CANDIDATES_NAMED = 10
OTHERS_NAMED = 20


@dataclass(frozen=True, slots=True)
class Need:
    """What an entry asks of an agent; entries with equal needs are served by the same agents."""

    skills: tuple[tuple[str, int], ...]
    language: str
    node_id: str


def need_of(state: State, entry: Entry) -> Need | None:
    """What ``entry`` asks: its queue's skills and its own, at the higher level. None when it cannot be routed at all now."""
    queue = state.queues.get(entry.queue_id)
    if queue is None or not state.is_up(entry.node_id):
        return None
    skills: dict[str, int] = dict(queue.skills)
    for skill, level in entry.skills.items():
        skills[skill] = max(level, skills.get(skill, 0))
    return Need(tuple(sorted(skills.items())), entry.language, entry.node_id)


def misfit(state: State, agent: Agent, need: Need) -> str:
    """Why ``agent``, were he idle, could not serve ``need``; "" when he could."""
    user = state.users.get(agent.id)
    if user is None:
        return "no longer a user"
    for skill, level in need.skills:
        if user.skills.get(skill, 0) < level:
            return f"skill {skill}: has {user.skills.get(skill, 0)}, needs {level}"
    if need.language and need.language not in user.languages:
        return f"does not speak {need.language}"
    phone = state.registrations.get(agent.phone_id)
    if phone is not None and phone.node_id and phone.node_id != need.node_id:
        return f"phone is on switch {phone.node_id}"
    return ""


def match(turn: Turn) -> None:
    """Make every offer that can be made; afterwards no idle agent fits anybody who waits."""
    state = turn.state
    if not state.idle:
        return
    hopeless: set[Need] = set()
    passed: dict[str, int] = {}
    for entry in list(_in_order(state)):
        if not state.idle:
            return
        need = need_of(state, entry)
        if need is None or need in hopeless or _is_overdue(state, entry, turn.now):
            passed[entry.queue_id] = passed.get(entry.queue_id, 0) + 1
            continue
        ranked = rank(state, entry, need)
        if not ranked:
            hopeless.add(need)
            passed[entry.queue_id] = passed.get(entry.queue_id, 0) + 1
            continue
        why = explain_choice(turn, entry, need, ranked)
        offers.make(turn, entry, ranked[0], {**why, "passed_over": passed.get(entry.queue_id, 0)})


def rank(state: State, entry: Entry, need: Need) -> list[Agent]:
    """The idle agents who fit, best first: who was tried for this entry least often, then who is idle longest."""
    fitting = [agent for agent in state.idle.values() if not misfit(state, agent, need)]
    return sorted(fitting, key=lambda a: (entry.tries.get(a.id, 0), a.idle_since, a.id))


def explain_choice(turn: Turn, entry: Entry, need: Need, ranked: list[Agent]) -> dict[str, Any]:
    """The ``why`` of an offer: rule, needs, candidates with their scores, and the first of those who were not."""
    state = turn.state
    chosen = {agent.id for agent in ranked}
    here = [a for a in state.agents.values() if a.state is not AgentState.OUT and a.id not in chosen]
    named = heapq.nsmallest(OTHERS_NAMED, here, key=lambda a: a.id)
    return {
        "rule": RULE,
        "skills": dict(need.skills),
        "language": need.language,
        "waited_s": _seconds(entry.entered_at, turn.now),
        "candidates": [
            {"agent_id": a.id, "idle_s": _seconds(a.idle_since, turn.now), "tries": entry.tries.get(a.id, 0)}
            for a in ranked[:CANDIDATES_NAMED]
        ],
        "candidate_count": len(ranked),
        "others": {a.id: misfit(state, a, need) or f"is {a.state.value}" for a in named},
        "other_count": len(here),
    }


def _in_order(state: State) -> Iterator[Entry]:
    keys = heapq.merge(*(state.waiting(queue) for queue in state.waiting_queues()))
    return (state.entries[key[2]] for key in keys)


def _is_overdue(state: State, entry: Entry, now: datetime) -> bool:
    # its timer has run out and takes it out of the queue in a moment
    limit = overflows_at(entry, state.queues[entry.queue_id])
    return limit is not None and limit <= now


def _seconds(since: datetime | None, now: datetime) -> float:
    return round(max(0.0, (now - since).total_seconds()), 1) if since else 0.0
