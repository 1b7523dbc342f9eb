"""What others say, taken into the learnt part of the state: objects, phones, switches, legs that are gone. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ipcc.conditions import problem_with
from ipcc.contracts.call import CallEnded, LegEnded, PhoneChanged
from ipcc.contracts.config import (
    VOICE,
    Calendar,
    ConfigChanged,
    DialPlan,
    Organisation,
    PauseReason,
    Phone,
    Queue,
    Skill,
    User,
)
from services.acd.core.inputs import NodeChanged
from services.acd.core.opening import is_zone
from services.acd.core.state import Registration, State, Table


def learn(state: State, given: object, now: datetime) -> None:
    """Take into the learnt part what ``given`` says about objects, phones, switches and legs; anything else says nothing."""
    take = _LESSONS.get(type(given))
    if take is not None:
        take(state, given, now)


def _learn_config(state: State, given: ConfigChanged, now: datetime) -> None:
    match given.object:
        case None:
            _forget_config(state, given)
        case Queue() as queue:
            _learn_queue(state, given, queue)
        case User() as user:
            if user.domain == state.domain:
                state.write(state.users, user.id, user)
            else:
                state.erase(state.users, user.id)
        case Calendar() as calendar if not is_zone(calendar.timezone):
            # the same for a calendar: its queues go on by its last good hours
            state.write(state.broken, f"calendar/{calendar.id}", f"there is no time zone {calendar.timezone}")
        case Calendar() | Organisation() | DialPlan() | PauseReason() as kept:
            state.erase(state.broken, f"{kept.kind}/{kept.id}")
            state.write(_TABLES[kept.kind](state), kept.id, kept)
        case Skill() | Phone() as known:
            state.write(_TABLES[known.kind](state), known.id, True)


def problem_in(queue: Queue) -> str:
    """Why the core could not work by these rules; "" when it can."""
    if queue.medium != VOICE and queue.callback is not None:
        return f"a queue for {queue.medium} does not call back"
    conditions = [queue.expression] if queue.expression else []
    problems = (problem_with(text) for text in (*conditions, *(rule.when for rule in queue.precedence)))
    return next((problem for problem in problems if problem), "")


def _learn_queue(state: State, given: ConfigChanged, queue: Queue) -> None:
    problem = problem_in(queue)
    if queue.domain != state.domain:
        _forget_config(state, given)
    elif problem:
        # admin refuses it; should one come all the same, the queue goes on by its last good rules
        state.write(state.broken, queue.id, problem)
    else:
        state.erase(state.broken, queue.id)
        state.write(state.queues, queue.id, queue)
        state.erase(state.removed_queues, queue.id)


def _forget_config(state: State, given: ConfigChanged) -> None:
    if given.kind == "queue" and given.object_id in state.queues:
        # those who wait in it are still served by its last rules; nobody new comes in
        state.write(state.removed_queues, given.object_id, True)
    elif given.kind in _TABLES:
        state.erase(_TABLES[given.kind](state), given.object_id)


_TABLES: dict[str, Callable[[State], Table[Any]]] = {
    "user": lambda state: state.users,
    "skill": lambda state: state.skills,
    "phone": lambda state: state.phones,
    "calendar": lambda state: state.calendars,
    "organisation": lambda state: state.units,
    "dial_plan": lambda state: state.plans,
    "pause_reason": lambda state: state.reasons,
}


def _learn_phone(state: State, given: PhoneChanged, now: datetime) -> None:
    state.write(state.registrations, given.phone_id, Registration(given.registered, given.node_id))


def _learn_node(state: State, given: NodeChanged, now: datetime) -> None:
    state.write(state.nodes, given.node_id, "" if given.is_up else given.reason or "down")


def _learn_leg_end(state: State, given: LegEnded, now: datetime) -> None:
    _remember_gone(state, given.leg_id, now)


def _learn_call_end(state: State, given: CallEnded, now: datetime) -> None:
    _remember_gone(state, given.call_id, now)


def _remember_gone(state: State, key: str, now: datetime) -> None:
    # the order to queue a call and the news of its end come by different topics: either may be first
    state.forget_gone(now)
    state.write(state.gone, key, now)


_LESSONS: dict[type, Callable[[State, Any, datetime], None]] = {
    ConfigChanged: _learn_config,
    PhoneChanged: _learn_phone,
    NodeChanged: _learn_node,
    LegEnded: _learn_leg_end,
    CallEnded: _learn_call_end,
}
