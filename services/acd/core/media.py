"""Who has room for one contact more of a medium: capacity, and the rules by which one kind of work is given beside another."""

from __future__ import annotations

from ipcc.contracts.acd import AgentState
from ipcc.contracts.config import VOICE, User
from services.acd.core.rows import Agent, Use

DIGITAL = ("chat", "mail", "message")
ON_THE_TELEPHONE = frozenset({AgentState.OFFERED, AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP})
NOTHING = Use()
_BY_PHONE = frozenset({VOICE})
_NONE: frozenset[str] = frozenset()


def use_of(agent: Agent, medium: str) -> Use:
    """How he stands in a medium of writing."""
    return agent.uses.get(medium, NOTHING)


def obstacle_for(user: User, agent: Agent, medium: str) -> str:
    """Why ``agent``, who is signed in, has no room now for one contact more of ``medium``; "" when he has.

    Whoever has room is idle for that medium, whatever else he does.
    """
    if medium == VOICE:
        return _obstacle_to_call(user, agent)
    if agent.state in (AgentState.OUT, AgentState.NOT_READY):
        return f"is {agent.state.value}"
    use, capacity = use_of(agent, medium), user.capacity.of(medium)
    if agent.state in ON_THE_TELEPHONE:
        if agent.then_reason:
            return "is to be not_ready"
        if use.pause or use.held >= user.blending.beside_call.get(medium, 0):  # type: ignore[call-overload]
            return f"is {agent.state.value}"
    if use.held >= capacity:
        return f"holds {use.held} {medium} of {capacity}"
    if user.blending.together and agent.in_writing >= user.blending.together:
        return f"holds {agent.in_writing} in writing of {user.blending.together}"
    return ""


def _obstacle_to_call(user: User, agent: Agent) -> str:
    if agent.state is not AgentState.READY:
        return f"is {agent.state.value}"
    if user.capacity.voice == 0:
        return "takes no voice"
    for medium, most in user.blending.call_beside.items() if agent.uses else ():
        held = use_of(agent, medium).held
        if held > most:
            return f"holds {held} {medium}, takes calls up to {most}"
    return ""


def free_media(user: User | None, agent: Agent) -> frozenset[str]:
    """The media he has room in. Of somebody of whom only the log tells (no longer a user, or not learnt yet): his telephone."""
    is_by_phone_alone = user is None or not (user.capacity.chat or user.capacity.mail or user.capacity.message)
    if agent.state is AgentState.READY and is_by_phone_alone and not agent.uses:
        return _BY_PHONE if user is None or user.capacity.voice else _NONE
    if user is None or agent.state is AgentState.OUT or (is_by_phone_alone and agent.state is not AgentState.READY):
        return _NONE
    return frozenset(medium for medium in (VOICE, *DIGITAL) if not obstacle_for(user, agent, medium))
