"""What must hold between administered objects; each fault names object, field, reason and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from ipcc.contracts.config import (
    Calendar,
    DialPlan,
    EntryPoint,
    Organisation,
    PauseReason,
    Phone,
    Queue,
    Skill,
    User,
    Webhook,
)
from services.admin.core.dial_rules import dial_faults
from services.admin.core.faults import Fault
from services.admin.core.queue_rules import queue_faults

Object = Organisation | Skill | Queue | Phone | User | EntryPoint | Calendar | DialPlan | PauseReason | Webhook
Key = tuple[str, str]
Objects = Mapping[Key, Object]

MOST_WEBHOOKS = 100
"""Each is a consumer of its own: more would cost the brokers more than they are worth."""


def key_of(subject: Object) -> Key:
    """Kind and id: what makes an object the same from version to version."""
    return subject.kind, subject.id


def faults(objects: Objects) -> list[Fault]:
    """Everything wrong with ``objects`` as a whole; empty when they may take effect together."""
    found: list[Fault] = []
    for subject in objects.values():
        found += _reference_faults(subject, objects)
    found += _shared_phones(objects)
    found += _shared_numbers(objects)
    found += _circles(objects)
    found += _many_webhooks(objects)
    found += queue_faults(objects)
    found += dial_faults(objects)
    found += _pause_faults(objects)
    return found


def _pause_faults(objects: Objects) -> Iterator[Fault]:
    for one in objects.values():
        if isinstance(one, PauseReason) and one.daily_limit_s and one.limit_s > one.daily_limit_s:
            problem = f"one pause of {one.limit_s} s is longer than all of a day, {one.daily_limit_s} s"
            chinese = f"单次时限 {one.limit_s} 秒长于每日时限 {one.daily_limit_s} 秒;请缩短单次时限"
            yield Fault("pause_reason", one.id, "limit_s", problem, "shorten it, or leave one out", chinese)


def references(subject: Object) -> Iterator[tuple[str, Key]]:
    """Each field of ``subject`` that names another object, with the object it names."""
    match subject:
        case Organisation(parent=parent):
            named = [("parent", "organisation", parent)]
        case Queue():
            named = list(_named_by_queue(subject))
        case User(organisation=unit, phone=phone, skills=skills):
            named = [("organisation", "organisation", unit), ("phone", "phone", phone)]
            named += [(f"skills.{skill}", "skill", skill) for skill in skills]
        case EntryPoint(organisation=unit) | Webhook(organisation=unit):
            named = [("organisation", "organisation", unit)]
        case DialPlan(organisation=unit, rules=rules):
            named = [("organisation", "organisation", unit)]
            named += [(f"rules.{n}.skills", "skill", skill) for n, rule in enumerate(rules) for skill in rule.skills]
        case _:
            named = []
    for field, kind, target in named:
        if target is not None:
            yield field, (kind, target)


def _named_by_queue(queue: Queue) -> Iterator[tuple[str, str, str | None]]:
    yield from ((f"skills.{skill}", "skill", skill) for skill in queue.skills)
    yield "calendar", "calendar", queue.calendar
    if queue.callback is not None:
        yield "callback.organisation", "organisation", queue.callback.organisation
    yield from ((f"agent_order.{number}", "user", user) for number, user in enumerate(queue.agent_order))
    for number, rule in enumerate(queue.precedence):
        yield from ((f"precedence.{number}.skills.{skill}", "skill", skill) for skill in rule.skills)


def users_of(wanted: Key, objects: Objects) -> list[Key]:
    """The objects that name ``wanted``: it cannot be removed while there are any."""
    return [key for key, subject in objects.items() if any(target == wanted for _, target in references(subject))]


def _reference_faults(subject: Object, objects: Objects) -> Iterator[Fault]:
    for field, target in references(subject):
        if target not in objects:
            kind, name = target
            yield Fault(subject.kind, subject.id, field, f"there is no {kind} {name!r}", _advice(kind, name, objects))


def _advice(kind: str, name: str, objects: Objects) -> str:
    known = sorted(other for other_kind, other in objects if other_kind == kind)
    near = get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"add it, or use one of: {', '.join(known[:10])}" if known else f"add a {kind} first"


def _repeated(values: Iterable[str]) -> set[str]:
    return {value for value, times in Counter(values).items() if times > 1}


def _shared_phones(objects: Objects) -> Iterator[Fault]:
    users = [one for one in objects.values() if isinstance(one, User) and one.phone]
    for phone in sorted(_repeated(user.phone or "" for user in users)):
        holders = [user.id for user in users if user.phone == phone]
        for user in holders[1:]:
            yield Fault("user", user, "phone", f"phone {phone!r} is user {holders[0]}'s", "give each user his own")


def _shared_numbers(objects: Objects) -> Iterator[Fault]:
    entries = [one for one in objects.values() if isinstance(one, EntryPoint)]
    for number in sorted(_repeated(entry.number for entry in entries)):
        holders = [entry.id for entry in entries if entry.number == number]
        for entry in holders[1:]:
            yield Fault(
                "entry_point", entry, "number", f"{number} leads to {holders[0]}", "a number has one entry point"
            )


def _many_webhooks(objects: Objects) -> Iterator[Fault]:
    hooks = [one for one in objects.values() if isinstance(one, Webhook)]
    for hook in hooks[MOST_WEBHOOKS:]:
        yield Fault("webhook", hook.id, "id", f"there are {MOST_WEBHOOKS} webhooks already", "remove one first")


def _circles(objects: Objects) -> Iterator[Fault]:
    parents = {one.id: one.parent for one in objects.values() if isinstance(one, Organisation)}
    for unit in parents:
        seen: set[str] = set()
        above = parents[unit]
        while above is not None and above not in seen:
            if above == unit:
                yield Fault("organisation", unit, "parent", "it is above itself", "let one unit have no parent")
                break
            seen.add(above)
            above = parents.get(above)
