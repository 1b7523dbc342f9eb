"""How much an agent worked: counted at the moments he begins and ends, so that the log alone tells it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from math import log

from ipcc.contracts.acd import AgentState
from services.acd.core.rows import LOAD_HALF_LIFE_S, Agent

BUSY = frozenset({AgentState.OFFERED, AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP})


def worked(agent: Agent, becomes: AgentState, at: datetime) -> Agent:
    """``agent`` with his work counted as he passes to ``becomes``."""
    if agent.state is AgentState.OUT and becomes is not AgentState.OUT:
        agent = replace(agent, handled=0, busy_s=0.0)
    return counted(agent, becomes in BUSY or agent.in_writing > 0, at)


def counted(agent: Agent, is_busy: bool, at: datetime) -> Agent:
    """``agent`` with his work counted up to ``at``, when he begins or goes on to work, or ends; several things at once count once."""
    if is_busy:
        return agent if agent.busy_since is not None else replace(agent, busy_since=at)
    if agent.busy_since is None:
        return agent
    span = max(0.0, (at - agent.busy_since).total_seconds())
    busy_s = agent.busy_s + span
    return replace(agent, busy_since=None, busy_s=busy_s, load=_load(agent, span, at), load_at=at)


def _load(agent: Agent, span: float, at: datetime) -> float:
    """Earlier work, faded, and ``span`` seconds that end now, each faded by its own age."""
    before = (at - agent.load_at).total_seconds() if agent.load_at is not None else 0.0
    faded = agent.load * _fading(max(0.0, before))
    return faded + LOAD_HALF_LIFE_S / log(2) * (1 - _fading(span))


def _fading(seconds: float) -> float:
    return float(0.5 ** (seconds / LOAD_HALF_LIFE_S))
