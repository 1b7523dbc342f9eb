"""The order in which idle agents are offered a contact: one function for each strategy.

Each gives the first part of a rank; the smaller comes first. It must not change while an agent is idle, so that lanes can be kept
sorted: what grows with time is expressed by when it began. Equal ranks are settled by who is idle longest, then by id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log2
from typing import Any

from ipcc.contracts.config import VOICE, Queue, User
from services.acd.core.media import use_of
from services.acd.core.needs import Need
from services.acd.core.rows import LOAD_HALF_LIFE_S, Agent

Rank = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An idle agent who fits a need."""

    agent: Agent
    user: User
    queue: Queue
    need: Need


def longest_idle(one: Candidate) -> Rank:
    """Who is idle longest."""
    return ()


def most_idle_share(one: Candidate) -> Rank:
    """Who was busy for the smallest share of his time, the last hour counting half, the one before a quarter, and so on.

    All shares shrink alike while nobody works, so that their order holds: the logarithm of a share at a common moment ranks them.
    """
    if one.agent.load <= 0 or one.agent.load_at is None:
        return (float("-inf"),)
    return (round(log2(one.agent.load) + one.agent.load_at.timestamp() / LOAD_HALF_LIFE_S, 6),)


def least_busy(one: Candidate) -> Rank:
    """Who had the fewest contacts since he signed in; among equals, the least work in seconds."""
    return one.agent.handled, round(one.agent.busy_s, 3)


def best_skill(one: Candidate) -> Rank:
    """Who has the highest levels in what is asked for, added up."""
    return (-sum(one.user.skills.get(skill, 0) for skill, _ in one.need.skills),)


def round_robin(one: Candidate) -> Rank:
    """Whose last offer is longest ago."""
    return (one.agent.offered_epoch,)


def top_down(one: Candidate) -> Rank:
    """Who stands first in the queue's list; who is not in it comes last."""
    order = one.queue.agent_order
    return (order.index(one.agent.id) if one.agent.id in order else len(order),)


def ring_all(one: Candidate) -> Rank:
    """All at once; the order matters only when there are more than may ring."""
    return ()


STRATEGIES: Mapping[str, Callable[[Candidate], Rank]] = {
    "longest_idle": longest_idle,
    "most_idle_share": most_idle_share,
    "least_busy": least_busy,
    "best_skill": best_skill,
    "round_robin": round_robin,
    "top_down": top_down,
    "ring_all": ring_all,
}


def rank_of(one: Candidate) -> Rank:
    """His place among the idle of his lane: preferred group or site, the strategy, idle longest, id.

    Idle in a medium of writing is who holds the fewest contacts of it, then whose last began or ended longest ago.
    """
    order = STRATEGIES[one.queue.strategy](one)
    first = 0 if is_preferred(one.user, one.queue) else 1
    if one.need.medium == VOICE:
        return (first, *order, one.agent.idle_since, one.agent.id)
    use = use_of(one.agent, one.need.medium)
    return (first, *order, use.held, use.since.timestamp() if use.since else 0.0, one.agent.id)


def is_preferred(user: User, queue: Queue) -> bool:
    """Whether he is of a group, or at a site, that comes first."""
    return user.site in queue.prefer_sites or not set(queue.prefer_groups).isdisjoint(user.groups)


def score_of(one: Candidate) -> dict[str, Any]:
    """What his rank was made from, for people to read."""
    score = _SCORES.get(one.queue.strategy)
    found = score(one) if score is not None else {}
    if one.need.medium == VOICE:
        return found
    held, capacity = use_of(one.agent, one.need.medium).held, one.user.capacity.of(one.need.medium)
    return {**found, "medium": one.need.medium, "held": held, "capacity": capacity}


_SCORES: Mapping[str, Callable[[Candidate], dict[str, Any]]] = {
    "most_idle_share": lambda one: {"busy_weight": round(one.agent.load, 1)},
    "least_busy": lambda one: {"contacts": one.agent.handled, "busy_s": round(one.agent.busy_s, 1)},
    "best_skill": lambda one: {"levels": -int(best_skill(one)[0])},
    "round_robin": lambda one: {"last_offer": one.agent.offered_epoch},
    "top_down": lambda one: {"place": int(top_down(one)[0]) + 1},
}
