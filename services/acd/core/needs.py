"""What an entry asks of an agent, and whether an agent has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipcc.contracts.config import Queue
from services.acd.core.rows import Agent, Entry

if TYPE_CHECKING:
    from services.acd.core.state import State


@dataclass(frozen=True, slots=True)
class Need:
    """What an entry asks of an agent in one queue; entries with equal needs are served by the same agents in the same order."""

    queue_id: str
    node_id: str
    skills: tuple[tuple[str, int], ...]
    language: str = ""


def need_in(queue: Queue, entry: Entry) -> Need:
    """What ``entry`` asks in ``queue``: the queue's skills and its own, at the higher level."""
    skills: Mapping[str, int] = queue.skills
    if entry.skills:
        skills = {**entry.skills, **{s: max(level, entry.skills.get(s, 0)) for s, level in queue.skills.items()}}
    return Need(queue.id, entry.node_id, tuple(sorted(skills.items())), entry.language)


def need_of(state: State, entry: Entry) -> Need | None:
    """What ``entry`` asks in its queue. None when it cannot be routed at all now."""
    queue = state.queues.get(entry.queue_id)
    if queue is None or not state.is_up(entry.node_id):
        return None
    return need_in(queue, entry)


def misfit(state: State, agent: Agent, need: Need) -> str:
    """Why ``agent``, were he idle, could not serve ``need``; "" when he could."""
    user = state.users.get(agent.id)
    if user is None:
        return "no longer a user"
    for skill, level in need.skills:
        if user.skills.get(skill, 0) < level:
            return f"skill {skill}: has {user.skills.get(skill, 0)}, needs {level}"
    if need.language and need.language not in user.languages:
        return f"does not speak {need.language}"
    phone = state.registrations.get(agent.phone_id)
    if phone is not None and phone.node_id and phone.node_id != need.node_id:
        return f"phone is on switch {phone.node_id}"
    return ""
