"""Who serves a queue by what is administered: whom its contacts may go to at all, wherever he is and whatever he does now. Pure."""

from __future__ import annotations

from ipcc.conditions import has_levels
from ipcc.contracts.config import Queue, User


def serves(queue: Queue, user: User) -> bool:
    """Whether ``user`` is one of the agents of ``queue``: as routing judges a contact that asks for nothing of its own."""
    return (
        (bool(user.skills) or "agent" in user.roles)
        and user.capacity.of(queue.medium) > 0
        and all(user.skills.get(skill, 0) >= level for skill, level in queue.skills.items())
        and (not queue.groups or not set(queue.groups).isdisjoint(user.groups))
        and (not queue.sites or user.site in queue.sites)
        and (not queue.expression or has_levels(queue.expression, user.skills))
    )
