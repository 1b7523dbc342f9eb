"""What an agent becomes when he is free again, whatever freed him."""

from __future__ import annotations

from ipcc.contracts.acd import AgentState
from services.acd.core.places import can_be_rung, lost_at, rest_at
from services.acd.core.rows import Agent
from services.acd.core.rules import REMOVED
from services.acd.core.turn import Become, Turn


def freedom(turn: Turn, agent: Agent, wish: Become) -> Become:
    """``wish`` bent to what holds when he becomes free: removed, a pause he asked for, a phone that does not work."""
    if agent.id not in turn.state.users:
        return Become(AgentState.OUT, REMOVED, phone_id="")
    if agent.then_reason:
        return Become(AgentState.NOT_READY, agent.then_reason)
    if wish.state is AgentState.READY and not can_be_rung(turn.state, agent.phone_id):
        return Become(AgentState.NOT_READY, lost_at(agent.phone_id))
    return rest_at(agent.phone_id, wish)
