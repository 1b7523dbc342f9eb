"""Administered reasons of not being ready: who may give which, how long it is good for, and what of the day is used up.

Where no reason is administered any word will do. Reasons that the router itself gives (no answer, phone lost) have no limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ipcc.contracts.acd import AgentState
from ipcc.contracts.config import PauseReason, User
from ipcc.errors import Invalid, NotAllowed, NotNow
from services.acd.core.rows import Agent
from services.acd.core.state import State

# a day of pauses is one of the bank
ZONE = ZoneInfo("Asia/Shanghai")
# what a supervisor gives who names no reason, and what is given when a desktop is lost: nobody administers these
OWN = frozenset({"supervisor", "desktop_lost"})


def check(state: State, agent: Agent, reason_id: str, by: str) -> None:
    """Whether he may be not ready for this reason; somebody who puts him there (``by``) is bound by none of its limits.

    Raises Invalid (acd.unknown_reason), NotAllowed (acd.reason_not_allowed) and NotNow (acd.reason_taken).
    """
    if not state.reasons or (by and reason_id in OWN):
        return
    reason = state.reasons.get(reason_id)
    if reason is None:
        text = f"there is no reason {reason_id!r}; there are {', '.join(sorted(state.reasons))}"
        raise Invalid("acd.unknown_reason", text, reason=reason_id, detail_zh=f"没有小休原因“{reason_id}”")
    user = state.users.get(agent.id)
    if by or user is None:
        return
    if reason.roles and not set(reason.roles) & set(user.roles):
        holders = ", ".join(reason.roles)
        chinese = f"小休原因“{reason.name}”仅限角色: {holders}"
        text = f"the reason {reason.id!r} is for {holders} only"
        raise NotAllowed("acd.reason_not_allowed", text, reason=reason.id, detail_zh=chinese)
    _check_room(state, user, reason)


def _check_room(state: State, user: User, reason: PauseReason) -> None:
    if not reason.most_at_once:
        return
    others = (other for other in state.agents.values() if other.id != user.id and _has(other, reason.id))
    mates = [other.id for other in others if _are_mates(user, state.users.get(other.id))]
    if len(mates) >= reason.most_at_once:
        text = f"{len(mates)} of his group are not ready for {reason.id!r} already"
        chinese = f"同组已有 {len(mates)} 人处于“{reason.name}”"
        raise NotNow("acd.reason_taken", text, reason=reason.id, detail_zh=chinese)


def _has(agent: Agent, reason_id: str) -> bool:
    return (agent.state is AgentState.NOT_READY and agent.reason == reason_id) or agent.then_reason == reason_id


def _are_mates(user: User, other: User | None) -> bool:
    """Whether they share a group; who is in none has all who are in none beside him."""
    if other is None:
        return False
    return bool(set(user.groups) & set(other.groups)) or not (user.groups or other.groups)


def limit_at(state: State, agent: Agent, reason_id: str, now: datetime) -> datetime | None:
    """Until when a pause for this reason that begins ``now`` is good; None is for ever."""
    reason = state.reasons.get(reason_id)
    if reason is None:
        return None
    limits = [now + timedelta(seconds=reason.limit_s)] if reason.limit_s else []
    if reason.daily_limit_s:
        used_s = agent.paused_s.get(reason_id, 0.0) if agent.paused_on == day_of(now) else 0.0
        limits.append(now + timedelta(seconds=max(0.0, reason.daily_limit_s - used_s)))
    return min(limits, default=None)


def day_of(at: datetime) -> str:
    """The bank's day."""
    return at.astimezone(ZONE).date().isoformat()


def used(agent: Agent, at: datetime) -> tuple[str, Mapping[str, float]]:
    """The day, and seconds per reason in it, once the pause he is in ends ``at``; of one over midnight the part of its last day."""
    day = day_of(at)
    before = agent.paused_s if agent.paused_on == day else {}
    if agent.state is not AgentState.NOT_READY or agent.since is None or not agent.reason:
        return (day, before) if before else (agent.paused_on, agent.paused_s)
    midnight = at.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    spent_s = max(0.0, (at - max(agent.since, midnight)).total_seconds())
    return day, {**before, agent.reason: before.get(agent.reason, 0.0) + spent_s}
