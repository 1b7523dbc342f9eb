"""Queues and calendars that must not take effect, each refused by name."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ipcc.contracts.config import Calendar, Holiday, Hours, Organisation, Queue, Skill, User
from services.admin.core.rules import Object, faults, key_of


def named(*changed: Object) -> list[str]:
    """The faults of a small bank with these objects in it."""
    bank: list[Object] = [
        Organisation(id="bank", name="Bank"),
        Skill(id="cards", name="Cards"),
        Skill(id="english", name="English"),
        User(
            id="ann", name="Ann", organisation="bank", skills={"cards": 5, "english": 3}, groups=("day",), site="north"
        ),
        Queue(id="cards", name="Cards", skills={"cards": 3}),
        *changed,
    ]
    return [str(fault) for fault in faults({key_of(one): one for one in bank})]


def queue(name: str = "q", **rules: Any) -> Queue:
    return Queue(id=name, name=name, **{"skills": {"cards": 3}, **rules})


def test_a_queue_that_uses_every_rule_well_is_without_fault() -> None:
    calendar = Calendar(
        id="hours",
        name="Hours",
        hours=(Hours(days=(1, 2), opens="09:00", closes="12:00"), Hours(days=(1,), opens="12:00", closes="24:00")),
        holidays=(
            Holiday(name="A", first=date(2026, 5, 1), last=date(2026, 5, 3)),
            Holiday(name="B", first=date(2026, 5, 4), last=date(2026, 5, 4), opens="09:00", closes="12:00"),
        ),
    )
    rules: dict[str, Any] = {
        "expression": "english >= 3",
        "relax": ({"after_s": 10, "lower_by": 1}, {"after_s": 20, "drop": ("cards",)}),
        "precedence": ({"when": 'segment == "vip"', "priority": 1, "skills": {"english": 2}},),
        "overflow": ({"when": "size", "above": 10, "to": "queue:cards"},),
        "overflow_to": "voicemail:bank",
        "prefer_groups": ("day",),
        "sites": ("north",),
        "agent_order": ("ann",),
        "calendar": "hours",
    }
    assert named(calendar, queue(**rules)) == []


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        ({"skills": {"loans": 1}}, "queue q, skills.loans: there is no skill 'loans'"),
        ({"skills": {"cards": 9}}, "queue q, skills: no agent could serve it (asks cards 9)"),
        ({"groups": ("night",)}, "queue q, groups: no user is of group 'night'"),
        ({"prefer_sites": ("south",)}, "queue q, prefer_sites: no user is of site 'south'"),
        ({"expression": "english >="}, "queue q, expression: not a condition"),
        ({"expression": "german >= 1"}, "queue q, expression: there is no skill 'german'"),
        ({"expression": "english.real"}, "queue q, expression: Attribute may not stand in a condition"),
        ({"precedence": ({"when": "f(x)"},)}, "queue q, precedence.0.when: Call may not stand in a condition"),
        ({"precedence": ({"when": "x", "skills": {"vip": 1}},)}, "queue q, precedence.0.skills.vip: there is no skill"),
        ({"overflow_to": "queue:nowhere"}, "queue q, overflow_to: there is no queue 'nowhere'"),
        ({"overflow_to": "queue:q"}, "queue q, overflow_to: overflow goes in a circle: q > q"),
        ({"calendar": "hours"}, "queue q, calendar: there is no calendar 'hours'"),
        ({"agent_order": ("bob",)}, "queue q, agent_order.0: there is no user 'bob'"),
        (
            {"max_wait_s": 30, "last_agent_wait_s": 30},
            "queue q, last_agent_wait_s: 30 s is not shorter than max_wait_s",
        ),
        ({"max_wait_s": 30, "preferred_wait_s": 31}, "queue q, preferred_wait_s: 31 s is not shorter than max_wait_s"),
        ({"relax": ({"after_s": 9}, {"after_s": 9})}, "queue q, relax.1.after_s: 9 s is not after 9 s"),
        ({"relax": ({"after_s": 9, "drop": ("english",)},)}, "queue q, relax.0.drop: skill 'english' is not asked for"),
        ({"relax": ({"after_s": 9, "groups": ("day",)},)}, "queue q, relax.0.groups: the queue is open to all groups"),
    ],
)
def test_a_broken_queue_is_refused_by_name(rules: dict[str, Any], fault: str) -> None:
    assert any(text.startswith(fault) for text in named(queue(**rules))), named(queue(**rules))


def test_overflow_in_a_circle_is_refused_at_every_queue_of_it() -> None:
    found = named(
        queue("a", overflow_to="queue:b"),
        queue("b", overflow=({"when": "no_agents", "to": "queue:c"},)),
        queue("c", overflow_to="queue:a"),
        queue("d", overflow_to="queue:a"),
    )
    assert [text.partition(";")[0] for text in found] == [
        "queue a, overflow_to: overflow goes in a circle: a > b > c > a",
        "queue b, overflow.0.to: overflow goes in a circle: b > c > a > b",
        "queue c, overflow_to: overflow goes in a circle: c > a > b > c",
    ]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        (
            {
                "holidays": (
                    {"name": "A", "first": "2026-10-01", "last": "2026-10-07"},
                    {"name": "B", "first": "2026-10-06", "last": "2026-10-08"},
                )
            },
            "calendar c, holidays: A and B overlap on 2026-10-06",
        ),
        ({"holidays": ({"name": "A", "first": "2026-10-02", "last": "2026-10-01"},)}, "calendar c, holidays: A ends"),
        (
            {"holidays": ({"name": "A", "first": "2026-10-01", "last": "2026-10-01", "opens": "09:00"},)},
            "calendar c, holidays: A is open half",
        ),
        ({"hours": ({"days": (1,), "opens": "18:00", "closes": "09:00"},)}, "calendar c, hours.0: closes at 09:00"),
        (
            {
                "hours": (
                    {"days": (1, 2), "opens": "09:00", "closes": "12:00"},
                    {"days": (2,), "opens": "11:00", "closes": "13:00"},
                )
            },
            "calendar c, hours: on day 2 09:00-12:00 and 11:00-13:00 overlap",
        ),
        ({"timezone": "Nowhere/City"}, "calendar c, timezone: there is no time zone"),
    ],
)
def test_a_broken_calendar_is_refused_by_name(fields: dict[str, Any], fault: str) -> None:
    found = named(Calendar.model_validate({"id": "c", "name": "C", **fields}))
    assert any(text.startswith(fault) for text in found), found
