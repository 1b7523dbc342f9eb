"""Who serves whom: the waiting in order of (priority, time entered), each to the agent idle longest who fits.

One that no idle agent fits does not hold up those behind it: that is the one declared way in which order is inverted.
Only lanes in which something changed are looked at: in all others nobody idle fits anybody who waits, since the last decision.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from services.acd.core import offers
from services.acd.core.lanes import Lane
from services.acd.core.needs import misfit
from services.acd.core.rows import Agent, Entry, OrderKey
from services.acd.core.state import State, overflows_at
from services.acd.core.turn import Turn

RULE = "longest_idle"
CANDIDATES_NAMED = 10
OTHERS_NAMED = 10
# among so many, from the first on, those to be named are looked for
OTHERS_SEEN = 40

Head = tuple[OrderKey, str, Lane]


def match(turn: Turn) -> None:
    """Make every offer that can be made; afterwards no idle agent fits anybody who waits."""
    dirty = turn.state.lanes.dirty
    if not dirty:
        return
    heads = [head for lane in dirty if (head := _head(turn, lane)) is not None]
    dirty.clear()
    heapq.heapify(heads)
    while heads:
        order, _, lane = heads[0]
        if not lane.idle or not turn.state.is_up(lane.need.node_id):
            heapq.heappop(heads)
            continue
        head = _head(turn, lane)
        if head is None:
            heapq.heappop(heads)
        elif head[0] != order:
            heapq.heapreplace(heads, head)
        else:
            _offer_first(turn, lane, turn.state.entries[order[-1]])
    dirty.clear()


def _offer_first(turn: Turn, lane: Lane, entry: Entry) -> None:
    ranked = rank(turn.state, lane, entry, CANDIDATES_NAMED)
    offers.make(turn, entry, ranked[0], explain_choice(turn, lane, entry, ranked))


def _head(turn: Turn, lane: Lane) -> Head | None:
    """Who is to be served first in ``lane``; None when nobody."""
    for order in lane.waiting:
        if not _is_overdue(turn.state, turn.state.entries[order[-1]], turn.now):
            return order, lane.need.queue_id, lane
    return None


def rank(state: State, lane: Lane, entry: Entry, count: int) -> list[Agent]:
    """The first ``count`` idle agents of ``lane``: who was tried for this entry least often, then by the lane's order."""
    fresh = (key for *_, key in lane.idle if key not in entry.tries)
    found = list(islice(fresh, count))
    if len(found) < count and entry.tries:
        tried = sorted((times, lane.ranks[key], key) for key, times in entry.tries.items() if key in lane.ranks)
        found += [key for _, _, key in tried[: count - len(found)]]
    return [state.agents[key] for key in found]


def explain_choice(turn: Turn, lane: Lane, entry: Entry, ranked: list[Agent]) -> dict[str, Any]:
    """The ``why`` of an offer: rule, needs, candidates with their scores, some of those who were not, and who was passed over."""
    others = dict(islice(_others(turn.state, lane), OTHERS_NAMED))
    return {
        "rule": RULE,
        "skills": dict(lane.need.skills),
        "language": lane.need.language,
        "waited_s": _seconds(entry.entered_at, turn.now),
        "candidates": [
            {"agent_id": a.id, "idle_s": _seconds(a.idle_since, turn.now), "tries": entry.tries.get(a.id, 0)}
            for a in ranked
        ],
        "candidate_count": len(lane.idle),
        "others": others,
        "other_count": max(len(others), turn.state.signed_in - len(lane.idle)),
        "passed_over": passed_over(turn.state, entry),
    }


def passed_over(state: State, entry: Entry) -> int:
    """How many stand before ``entry`` in its queue without an offer, as far as OTHERS_SEEN places ahead."""
    ahead = state.position(entry) - 1
    places = state.queued(entry.queue_id)[max(0, ahead - OTHERS_SEEN) : ahead]
    return sum(not state.entries[key[-1]].offer_id for key in places)


def _others(state: State, lane: Lane) -> Iterator[tuple[str, str]]:
    """Agents who were not candidates: who fits and is not idle, then who is idle and does not fit; the first of each."""
    for agent_id in islice(lane.members, OTHERS_SEEN):
        if agent_id not in lane.ranks:
            yield agent_id, f"is {state.agents[agent_id].state.value}"
    for _, agent_id in islice(state.idle_order, OTHERS_SEEN):
        if agent_id not in lane.ranks:
            reason = misfit(state, state.agents[agent_id], lane.need)
            if reason:
                yield agent_id, reason


def _is_overdue(state: State, entry: Entry, now: datetime) -> bool:
    # its timer has run out and takes it out of the queue in a moment
    limit = overflows_at(entry, state.queues[entry.queue_id])
    return limit is not None and limit <= now


def _seconds(since: datetime | None, now: datetime) -> float:
    return round(max(0.0, (now - since).total_seconds()), 1) if since else 0.0
