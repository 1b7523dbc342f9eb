"""Who serves whom: the waiting in order of (priority, time entered), each to the first of the idle agents who fit.

One that no idle agent fits does not hold up those behind it; this and every other way in which that order may be inverted is named
in the offer's ``why``. Only lanes in which something changed are looked at: in all others, since the last decision, nobody idle fits
anybody who waits.
"""

from __future__ import annotations

import heapq
from datetime import datetime
from itertools import islice

from services.acd.core import offers
from services.acd.core.choice import CANDIDATES_NAMED, explain_choice
from services.acd.core.lanes import Lane
from services.acd.core.rows import SHARE_ROW, Agent, Entry, OrderKey, share_row
from services.acd.core.state import State, overflows_at
from services.acd.core.turn import Turn

# what one turn of a queue with share 1 costs it
SHARE_UNIT = 1_000_000
# urgency, turn by share, time entered, entry, queue; then where to find it
Head = tuple[float, int, datetime, str, str, OrderKey, Lane]


def match(turn: Turn) -> None:
    """Make every offer that can be made; afterwards no idle agent fits anybody who waits and may be served."""
    dirty = turn.state.lanes.dirty
    if not dirty:
        return
    heads = [head for lane in dirty if (head := _head(turn, lane)) is not None]
    heapq.heapify(heads)
    while heads:
        lane = heads[0][-1]
        head = _head(turn, lane) if lane.idle else None
        if head is None:
            heapq.heappop(heads)
        elif head[:5] != heads[0][:5]:
            # it was served by another lane, or others had their turn meanwhile
            heapq.heapreplace(heads, head)
        else:
            _offer_first(turn, lane, turn.state.entries[head[3]])
    dirty.clear()


def _offer_first(turn: Turn, lane: Lane, entry: Entry) -> None:
    queue = turn.state.queues[lane.need.queue_id]
    # one customer is dialled for one agent
    at_once = queue.ring_at_once if queue.strategy == "ring_all" and not entry.is_to_be_dialled else 1
    ranked = rank(turn.state, lane, entry, max(CANDIDATES_NAMED, at_once))
    why = explain_choice(turn, lane, entry, ranked)
    for agent in ranked[:at_once]:
        offers.make(turn, entry, agent, offers.Reason(queue.id, why, *_share(turn.state, queue.id)))


def _head(turn: Turn, lane: Lane) -> Head | None:
    """Who is to be served first in ``lane``; None when nobody can be."""
    state = turn.state
    if not lane.idle or not state.is_up(lane.need.node_id):
        return None
    for order in lane.waiting:
        entry = state.entries[order[-1]]
        if _may_be_served(state, lane, entry, turn.now):
            start, _ = _share(state, lane.need.queue_id)
            urgency = entry.urgency(turn.now)
            return urgency, start, entry.entered_at, entry.id, lane.need.queue_id, order, lane
    return None


def _may_be_served(state: State, lane: Lane, entry: Entry, now: datetime) -> bool:
    # one that is overdue is taken out of the queue by its timer in a moment
    queue = state.queues.get(entry.queue_id)
    limit = overflows_at(entry, queue) if queue is not None else None
    return (limit is None or limit > now) and not is_held_back(state, lane, entry)


def is_held_back(state: State, lane: Lane, entry: Entry) -> bool:
    """Whether the agents idle in ``lane`` are reserved for contacts of better priority."""
    queue = state.queues[lane.need.queue_id]
    return entry.priority > queue.reserve_priority and len(lane.idle) <= queue.reserve


def _share(state: State, queue_id: str) -> tuple[int, int]:
    """When the next turn of a queue starts in the virtual time of shares, and what it costs; (0, 0) when it has none."""
    share = state.queues[queue_id].share
    if not share:
        return 0, 0
    start = max(state.counters.get(SHARE_ROW, 0), state.counters.get(share_row(queue_id), 0))
    return start, SHARE_UNIT // share


def rank(state: State, lane: Lane, entry: Entry, count: int) -> list[Agent]:
    """The first ``count`` idle agents of ``lane``: who was tried for this entry least often, then by the lane's order."""
    fresh = (key[-1] for key in lane.idle if key[-1] not in entry.tries)
    found = list(islice(fresh, count))
    if len(found) < count and entry.tries:
        tried = sorted((times, lane.ranks[key], key) for key, times in entry.tries.items() if key in lane.ranks)
        found += [key for _, _, key in tried[: count - len(found)]]
    return [state.agents[key] for key in found]
