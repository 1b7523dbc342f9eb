"""What an entry asks of an agent, and whether an agent has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ipcc.conditions import has_levels
from ipcc.contracts.config import VOICE, Queue, Relaxation, User
from services.acd.core.rows import Agent, Entry

if TYPE_CHECKING:
    from services.acd.core.state import State


@dataclass(frozen=True, slots=True)
class Need:
    """What an entry asks of an agent in one queue; entries with equal needs are served by the same agents in the same order.

    ``groups`` and ``sites``: he must be of one of them, if there are any; ``only``: he must be one of these, if there are any.
    """

    queue_id: str
    node_id: str
    skills: tuple[tuple[str, int], ...]
    language: str = ""
    expression: str = ""
    groups: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    medium: str = VOICE


def need_in(queue: Queue, entry: Entry) -> Need:
    """What ``entry`` asks in ``queue``: the queue's skills and its own at the higher level, less what was relaxed by now."""
    skills: Mapping[str, int] = queue.skills
    if entry.skills:
        skills = {**entry.skills, **{s: max(level, entry.skills.get(s, 0)) for s, level in queue.skills.items()}}
    need = Need(
        queue.id,
        entry.node_id,
        tuple(sorted(skills.items())),
        entry.language,
        queue.expression,
        queue.groups,
        queue.sites,
        entry.preferred,
        entry.medium,
    )
    for step in queue.relax[: entry.step]:
        need = _relaxed(need, step)
    return need


def _relaxed(need: Need, step: Relaxation) -> Need:
    kept = tuple((s, max(1, level - step.lower_by)) for s, level in need.skills if s not in step.drop)
    # nothing to widen where everybody may serve it
    groups = need.groups + step.groups if need.groups else ()
    sites = need.sites + step.sites if need.sites else ()
    return replace(need, skills=kept, groups=groups, sites=sites)


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
    if not user.capacity.of(need.medium):
        return f"takes no {need.medium}"
    for skill, level in need.skills:
        if user.skills.get(skill, 0) < level:
            return f"skill {skill}: has {user.skills.get(skill, 0)}, needs {level}"
    if need.language and need.language not in user.languages:
        return f"does not speak {need.language}"
    return (need.medium == VOICE and _far_away(state, agent, need)) or _outsider(user, need)


def _far_away(state: State, agent: Agent, need: Need) -> str:
    phone = state.registrations.get(agent.phone_id)
    if not agent.phone_id:
        return "has no phone"
    if phone is not None and phone.node_id and phone.node_id != need.node_id:
        if need.node_id:
            return f"phone is on switch {phone.node_id}"
        if not state.is_up(phone.node_id):
            return f"switch {phone.node_id} is down"
    return ""


def _outsider(user: User, need: Need) -> str:
    if need.only and user.id not in need.only:
        return "the caller waits for another agent"
    if need.groups and not set(need.groups).intersection(user.groups):
        return f"not of group {' or '.join(need.groups)}"
    if need.sites and user.site not in need.sites:
        return f"not at site {' or '.join(need.sites)}"
    if need.expression and not has_levels(need.expression, user.skills):
        return f"does not fulfil {need.expression}"
    return ""
