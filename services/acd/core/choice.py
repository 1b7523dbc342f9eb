"""The ``why`` of an offer, made while it is decided: bounded in size whatever the number of agents and callers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from ipcc.contracts.config import VOICE
from services.acd.core.lanes import Lane
from services.acd.core.media import obstacle_for, use_of
from services.acd.core.needs import Need, misfit
from services.acd.core.rows import Agent, Entry
from services.acd.core.state import State, overflows_at
from services.acd.core.strategies import Candidate, score_of
from services.acd.core.turn import Turn

CANDIDATES_NAMED = 10
OTHERS_NAMED = 10
# among so many, from the first on, those to be named are looked for
SEEN = 40


def explain_choice(turn: Turn, lane: Lane, entry: Entry, ranked: list[Agent]) -> dict[str, Any]:
    """Rule, needs, candidates with their scores, some of those who were not, and every rule by which order was inverted."""
    state, queue = turn.state, turn.state.queues[lane.need.queue_id]
    others = dict(islice(_others(state, lane), OTHERS_NAMED))
    inverted = _passed_over(state, entry, turn.now)
    return {
        "rule": queue.strategy,
        "skills": dict(lane.need.skills),
        "language": lane.need.language,
        "waited_s": _seconds(entry.entered_at, turn.now),
        "candidates": [_candidate(turn, lane, entry, agent) for agent in ranked[:CANDIDATES_NAMED]],
        "candidate_count": len(lane.idle),
        "others": others,
        "other_count": max(len(others), state.signed_in - len(lane.idle)),
        "passed_over": sum(inverted.values()),
        **_particulars(lane, entry, inverted, queue.share),
    }


def _candidate(turn: Turn, lane: Lane, entry: Entry, agent: Agent) -> dict[str, Any]:
    state = turn.state
    one = Candidate(agent, state.users[agent.id], state.queues[lane.need.queue_id], lane.need)
    return {
        "agent_id": agent.id,
        "idle_s": _seconds(_idle_since(agent, lane.need.medium), turn.now),
        "tries": entry.tries.get(agent.id, 0),
        **score_of(one),
    }


def _idle_since(agent: Agent, medium: str) -> datetime | None:
    return agent.idle_since if medium == VOICE else use_of(agent, medium).since or agent.since


def _particulars(lane: Lane, entry: Entry, inverted: Counter[str], share: int) -> dict[str, Any]:
    """What is told only when there is something to tell."""
    found = {
        "expression": lane.need.expression,
        "groups": list(lane.need.groups),
        "sites": list(lane.need.sites),
        "preferred": list(entry.preferred),
        "last_agent": entry.last_agent,
        "relaxations": entry.step,
        "ageing_s": entry.ageing_s,
        "share": share,
        "inverted_by": dict(inverted),
    }
    return {key: value for key, value in found.items() if value}


def _passed_over(state: State, entry: Entry, now: datetime) -> Counter[str]:
    """Why those who stand before ``entry`` in its queue without an offer were not served, as far as SEEN places ahead."""
    ahead = state.position(entry) - 1
    places = state.queued(entry.queue_id)[max(0, ahead - SEEN) : ahead]
    waiting = (state.entries[key[-1]] for key in places)
    return Counter(_obstacle(state, other, now) for other in waiting if not other.offer_id)


def _obstacle(state: State, other: Entry, now: datetime) -> str:
    queue = state.queues[other.queue_id]
    limit = overflows_at(other, queue)
    if other.is_paused:
        return "callback_paused"
    if not state.is_up(other.node_id):
        return "switch_down"
    if limit is not None and limit <= now:
        return "overdue"
    if other.preferred:
        return "waits_for_preferred"
    if queue.reserve and other.priority > queue.reserve_priority:
        return "reserved_capacity"
    return "nobody_idle_fits"


def _others(state: State, lane: Lane) -> Iterator[tuple[str, str]]:
    """Agents who were not candidates: who fits and is not idle, then who is idle and does not fit; the first of each."""
    for agent_id in islice(lane.members, SEEN):
        if agent_id not in lane.ranks:
            yield agent_id, obstacle_for(state.users[agent_id], state.agents[agent_id], lane.need.medium)
    for _, agent_id in islice(state.idle_order, SEEN):
        if agent_id not in lane.ranks:
            yield agent_id, _why_not(state, state.agents[agent_id], lane.need)


def _why_not(state: State, agent: Agent, need: Need) -> str:
    user = state.users.get(agent.id)
    return misfit(state, agent, need) or (obstacle_for(user, agent, need.medium) if user is not None else "")


def _seconds(since: datetime | None, now: datetime) -> float:
    return round(max(0.0, (now - since).total_seconds()), 1) if since else 0.0
