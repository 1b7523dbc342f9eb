"""How long a contact will wait: a range that is meant to hold in four of five cases, or nothing when nobody is signed in.

Whoever stands at place p waits until p agents have become free (fewer, by the share of callers who give up). With n agents who
take h seconds a contact on average, that time is about gamma distributed with shape p and scale h/n: exactly so for n busy agents
and exponential times. An agent whom several queues want counts for each of them in part. Reacts to sign-ins and pauses at once,
since it counts the agents as they are now.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from math import sqrt

from ipcc.contracts.acd import AgentState
from services.acd.core.lanes import Lane
from services.acd.core.rows import DEFAULT_HANDLE_S, Entry, Pace
from services.acd.core.state import State

COVERAGE = 0.8
# the normal distribution's tenth and ninetieth hundredth
_Z = 1.2816
# so many agents of a lane are looked at; more are taken to be like them
SAMPLE = 16


@dataclass(frozen=True, slots=True)
class Expected:
    """``low_s`` to ``high_s`` holds COVERAGE of the cases; ``middle_s`` is as often too long as too short."""

    low_s: float
    middle_s: float
    high_s: float


def expected_wait(state: State, entry: Entry) -> Expected | None:
    """How long ``entry`` will wait from now on; None is unknown: nobody is signed in who could serve it."""
    lanes = state.lanes.of_entry(entry.id)
    agents = sum(_working(state, lane) for lane in lanes)
    if agents <= 0:
        return None
    pace = state.paces.get(entry.queue_id) or Pace(entry.queue_id, DEFAULT_HANDLE_S)
    ahead = state.lanes.ahead(entry)
    # who stands at place 1 waits for one agent, whatever others do
    turns = 1 + ahead * (1 - pace.lost)
    scale = pace.handle_s / agents
    return Expected(*(round(_gamma_quantile(turns, z) * scale, 1) for z in (-_Z, 0.0, _Z)))


def _working(state: State, lane: Lane) -> float:
    """How many agents work for ``lane``: those not paused, each by the part of him that is wanted here."""
    seen = list(islice(lane.members, SAMPLE))
    parts = (
        _places(state, lane, key) / _wanted_by(state, lane, key)
        for key in seen
        if state.agents[key].state is not AgentState.NOT_READY
    )
    return sum(parts) * len(lane.members) / len(seen) if seen else 0.0


def _places(state: State, lane: Lane, agent_id: str) -> int:
    """He serves so many at a time: an agent with three chats frees a place three times as often as one with a call."""
    user = state.users.get(agent_id)
    return user.capacity.of(lane.need.medium) if user is not None else 1


def _wanted_by(state: State, here: Lane, agent_id: str) -> int:
    """How many lanes want his places of this medium."""
    medium = here.need.medium
    return max(1, sum(1 for lane in state.lanes.of_agent(agent_id) if lane.waiting and lane.need.medium == medium))


def _gamma_quantile(shape: float, z: float) -> float:
    """Wilson and Hilferty's approximation; within 3 % above shape 1, and within 20 % at shape 1's lower end."""
    third = 1 / (9 * shape)
    return float(shape * max(0.0, 1 - third + z * sqrt(third)) ** 3)
