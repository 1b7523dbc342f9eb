"""What is told of contacts and of the room agents have, whichever medium they are of."""

from __future__ import annotations

from ipcc.contracts.acd import ContactHandled
from ipcc.contracts.config import VOICE
from ipcc.contracts.digital import AgentMediumChanged
from services.acd.core.media import use_of
from services.acd.core.rows import Contact, Offer
from services.acd.core.turn import Turn, milliseconds


def count(
    turn: Turn,
    of: Offer | Contact,
    *,
    offered: int = 0,
    serving: int = 0,
    wrapping: int = 0,
    pause: str | None = None,
) -> None:
    """So many in writing more, or fewer, are with the agent ``of`` that offer or contact, in its medium; ``pause``: no more of it,
    for this reason."""
    agent_id, medium = of.agent_id, of.medium
    use = use_of(turn.agent(agent_id), medium)
    turn.tell(
        AgentMediumChanged,
        agent_id=agent_id,
        medium=medium,
        offered=use.offered + offered,
        serving=use.serving + serving,
        wrapping=use.wrapping + wrapping,
        capacity=capacity_of(turn, agent_id, medium),
        reason=use.pause if pause is None else pause,
    )


def capacity_of(turn: Turn, agent_id: str, medium: str) -> int:
    """How many contacts of ``medium`` he may hold; none once he is no longer a user."""
    user = turn.state.users.get(agent_id)
    return user.capacity.of(medium) if user is not None else 0


def tell_handled(turn: Turn, contact: Contact, code: str) -> None:
    """His part in the contact is over, wrap-up included; a place for one in writing is free again."""
    ended_at = contact.ended_at or turn.now
    turn.tell(
        ContactHandled,
        entry_id=contact.id,
        call_id=contact.call_id,
        queue_id=contact.queue_id,
        agent_id=contact.agent_id,
        talk_ms=milliseconds(ended_at - contact.joined_at),
        wrap_up_ms=milliseconds(turn.now - ended_at),
        wrap_up_code=code,
        medium=contact.medium,
    )
    if contact.medium != VOICE:
        is_over = contact.ended_at is not None
        count(turn, contact, serving=0 if is_over else -1, wrapping=-1 if is_over else 0)
