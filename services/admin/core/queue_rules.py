"""What must hold of queues and calendars before they may take effect: each fault by name, with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import time
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ipcc.conditions import has_levels, name_of, names_in, problem_with
from ipcc.contracts.config import VOICE, Calendar, Holiday, Hours, Queue, Skill, User
from services.admin.core.faults import Fault
from services.admin.core.medium_rules import medium_faults, targets_of

Key = tuple[str, str]


def queue_faults(objects: Mapping[Key, object]) -> Iterator[Fault]:
    """Everything wrong with the queues and calendars among ``objects``."""
    queues = {one.id: one for one in objects.values() if isinstance(one, Queue)}
    users = [one for one in objects.values() if isinstance(one, User)]
    skills = {one.id for one in objects.values() if isinstance(one, Skill)}
    for queue in queues.values():
        yield from _expression_faults(queue, skills)
        yield from _step_faults(queue)
        yield from _place_faults(queue, users)
        yield from _staff_faults(queue, users)
        yield from _callback_faults(queue)
        yield from _patience_faults(queue)
    yield from _overflow_faults(queues)
    yield from medium_faults(queues, users)
    for one in objects.values():
        if isinstance(one, Calendar):
            yield from _calendar_faults(one)


def _expression_faults(queue: Queue, skills: set[str]) -> Iterator[Fault]:
    conditions = [("expression", queue.expression)] if queue.expression else []
    conditions += [(f"precedence.{n}.when", rule.when) for n, rule in enumerate(queue.precedence)]
    for field, text in conditions:
        problem = problem_with(text)
        if problem:
            yield Fault(
                "queue", queue.id, field, problem, "write comparisons such as english >= 5, joined by and, or, not"
            )
    if queue.expression and not problem_with(queue.expression):
        for name in sorted(names_in(queue.expression) - {name_of(skill) for skill in skills}):
            yield Fault("queue", queue.id, "expression", f"there is no skill {name!r}", "add it, or name another")


def _step_faults(queue: Queue) -> Iterator[Fault]:
    for number, (first, second) in enumerate(pairwise(queue.relax), start=1):
        if second.after_s <= first.after_s:
            problem = f"{second.after_s} s is not after {first.after_s} s"
            yield Fault(
                "queue", queue.id, f"relax.{number}.after_s", problem, "let every step come later than the last"
            )
    known = {*queue.skills, *(skill for rule in queue.precedence for skill in rule.skills)}
    for number, step in enumerate(queue.relax):
        widens = (("groups", step.groups, queue.groups), ("sites", step.sites, queue.sites))
        for field, wider, kept in widens:
            if wider and not kept:
                yield Fault(
                    "queue", queue.id, f"relax.{number}.{field}", f"the queue is open to all {field}", "leave it out"
                )
        for skill in step.drop:
            if skill not in known:
                problem = f"skill {skill!r} is not asked for"
                yield Fault("queue", queue.id, f"relax.{number}.drop", problem, "drop a skill the queue asks for")


def _callback_faults(queue: Queue) -> Iterator[Fault]:
    rules = queue.callback
    if rules is not None and _minutes(rules.not_after) <= _minutes(rules.not_before):
        problem = f"customers may be dialled from {rules.not_before} to {rules.not_after}: never"
        chinese = f"可外呼时段 {rules.not_before} 至 {rules.not_after} 为空;结束时间应晚于开始时间"
        yield Fault("queue", queue.id, "callback.not_after", problem, "let it be later than not_before", chinese)
    if rules is not None and rules.window_s < rules.pause_s and rules.tries > 1:
        problem = (
            f"a pause of {rules.pause_s} s is longer than the window of {rules.window_s} s: there is no second try"
        )
        chinese = f"重拨间隔 {rules.pause_s} 秒长于回电时限 {rules.window_s} 秒,不会有第二次回电;请缩短间隔,或只拨一次"
        yield Fault("queue", queue.id, "callback.pause_s", problem, "shorten it, or have one try", chinese)


def _patience_faults(queue: Queue) -> Iterator[Fault]:
    """Who waits for one agent alone until he is sent elsewhere is never offered to anybody else."""
    for field, patience_s in (
        ("last_agent_wait_s", queue.last_agent_wait_s),
        ("preferred_wait_s", queue.preferred_wait_s),
    ):
        if queue.max_wait_s and patience_s >= queue.max_wait_s:
            problem = (
                f"{patience_s} s is not shorter than max_wait_s, {queue.max_wait_s} s: nobody else is ever offered"
            )
            chinese = f"{patience_s} 秒不短于最长等待 {queue.max_wait_s} 秒,客户不会再分配给其他座席;请缩短"
            yield Fault("queue", queue.id, field, problem, "shorten it", chinese)


def _place_faults(queue: Queue, users: list[User]) -> Iterator[Fault]:
    groups = {group for user in users for group in user.groups}
    sites = {user.site for user in users if user.site}
    asked = [("groups", queue.groups, groups), ("prefer_groups", queue.prefer_groups, groups)]
    asked += [("sites", queue.sites, sites), ("prefer_sites", queue.prefer_sites, sites)]
    for number, step in enumerate(queue.relax):
        asked += [(f"relax.{number}.groups", step.groups, groups), (f"relax.{number}.sites", step.sites, sites)]
    for field, names, known in asked:
        for name in names:
            if name not in known:
                kind = "group" if "groups" in field else "site"
                yield Fault(
                    "queue", queue.id, field, f"no user is of {kind} {name!r}", "put a user there, or name another"
                )


def _staff_faults(queue: Queue, users: list[User]) -> Iterator[Fault]:
    """A queue nobody could serve, even at the last relaxation."""
    if not any(_could_serve(queue, user) for user in users):
        asks = ", ".join(f"{skill} {level}" for skill, level in queue.skills.items()) or "no skills"
        asks += f", room for {queue.medium}" if queue.medium != VOICE else ""
        yield Fault(
            "queue", queue.id, "skills", f"no agent could serve it (asks {asks})", "give an agent what it asks for"
        )


def _could_serve(queue: Queue, user: User) -> bool:
    if user.domain != queue.domain or not (user.skills or "agent" in user.roles):
        return False
    if not user.capacity.of(queue.medium):
        return False
    lower = sum(step.lower_by for step in queue.relax)
    dropped = {skill for step in queue.relax for skill in step.drop}
    groups = {*queue.groups, *(group for step in queue.relax for group in step.groups)}
    sites = {*queue.sites, *(site for step in queue.relax for site in step.sites)}
    has_skills = all(
        user.skills.get(skill, 0) >= max(1, level - lower)
        for skill, level in queue.skills.items()
        if skill not in dropped
    )
    is_placed = (not queue.groups or groups.intersection(user.groups)) and (not queue.sites or user.site in sites)
    return has_skills and bool(is_placed) and (not queue.expression or has_levels(queue.expression, user.skills))


def _overflow_faults(queues: Mapping[str, Queue]) -> Iterator[Fault]:
    ways = {queue.id: list(_ways_out(queue)) for queue in queues.values()}
    for queue_id, targets in ways.items():
        for field, target in targets:
            if target not in queues:
                problem, advice = f"there is no queue {target!r}", "add it, or name another"
                yield Fault("queue", queue_id, field, problem, advice)
            elif (circle := _way_back(target, queue_id, ways)) is not None:
                problem = f"overflow goes in a circle: {' > '.join([queue_id, *circle])}"
                yield Fault(
                    "queue", queue_id, field, problem, "let one of them overflow to something else than a queue"
                )


def _ways_out(queue: Queue) -> Iterator[tuple[str, str]]:
    for field, target in targets_of(queue):
        kind, _, name = target.partition(":")
        if kind == "queue":
            yield field, name


def _way_back(start: str, goal: str, ways: Mapping[str, list[tuple[str, str]]]) -> list[str] | None:
    """The queues on the way from ``start`` to ``goal``, both included; None when there is no way."""
    paths, seen = [[start]], {start}
    while paths:
        path = paths.pop(0)
        if path[-1] == goal:
            return path
        for _, target in ways.get(path[-1], []):
            if target not in seen:
                seen.add(target)
                paths.append([*path, target])
    return None


def _calendar_faults(calendar: Calendar) -> Iterator[Fault]:
    try:
        ZoneInfo(calendar.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        yield Fault(
            "calendar", calendar.id, "timezone", f"there is no time zone {calendar.timezone!r}", "use Area/City"
        )
    for number, span in enumerate(calendar.hours):
        if _minutes(span.closes) <= _minutes(span.opens):
            problem = f"closes at {span.closes}, before it opens at {span.opens}"
            yield Fault("calendar", calendar.id, f"hours.{number}", problem, "cut it in two at midnight")
    yield from _overlapping_hours(calendar)
    yield from _holiday_faults(calendar)


def _overlapping_hours(calendar: Calendar) -> Iterator[Fault]:
    for day in range(1, 8):
        spans: list[Hours] = sorted((h for h in calendar.hours if day in h.days), key=lambda h: h.opens)
        for first, second in pairwise(spans):
            if second.opens < first.closes:
                problem = f"on day {day} {first.opens}-{first.closes} and {second.opens}-{second.closes} overlap"
                yield Fault("calendar", calendar.id, "hours", problem, "join them")


def _holiday_faults(calendar: Calendar) -> Iterator[Fault]:
    for one in calendar.holidays:
        if one.last < one.first:
            yield Fault("calendar", calendar.id, "holidays", f"{one.name} ends before it begins", "swap first and last")
        if (one.opens is None) != (one.closes is None) or (one.opens or "") > (one.closes or ""):
            yield Fault(
                "calendar", calendar.id, "holidays", f"{one.name} is open half", "give opens and closes, or neither"
            )
    days: list[Holiday] = sorted(calendar.holidays, key=lambda one: (one.first, one.last))
    for first, second in pairwise(days):
        if second.first <= first.last:
            problem = f"{first.name} and {second.name} overlap on {second.first}"
            yield Fault("calendar", calendar.id, "holidays", problem, "let each day belong to one")


def _minutes(clock: str) -> int:
    # 24:00 is the end of a day
    return 24 * 60 if clock == "24:00" else time.fromisoformat(clock).hour * 60 + time.fromisoformat(clock).minute
