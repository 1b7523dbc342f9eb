"""Objects that a newer admin wrote, as an older reader understands them: never more widely than they were meant."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from ipcc.contracts.config import ConfigChanged, DialPlan, DialRule, Queue, User
from ipcc.contracts.newer import salvage
from ipcc.dialling import Reacher, route_of
from ipcc.errors import NotAllowed

URGENT = {"name": "urgent", "reach": "emergency", "pattern": "(110|119)"}
LOCAL = {"name": "local", "pattern": r"[2-8]\d{6,7}"}


def written(kind: str, **fields: Any) -> bytes:
    found = {"kind": kind, "id": "x", "name": "X", **fields}
    data = {"kind": kind, "object_id": "x", "version": 7, "object": found}
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": "e1",
            "type": ConfigChanged.TYPE,
            "source": "admin/0",
            "subject": f"{kind}/x",
            "time": "2026-01-01T00:00:00Z",
            "dataschema": f"{ConfigChanged.TYPE}.v1",
            "data": data,
        }
    )


def understood(raw: bytes) -> Any:
    event = salvage(raw)
    assert event is not None
    assert isinstance(event.data, ConfigChanged)
    return event.data.object


def plan(*rules: dict[str, Any]) -> DialPlan:
    found = understood(written("dial_plan", organisation="bank", rules=rules))
    assert isinstance(found, DialPlan)
    return found


@pytest.mark.parametrize(
    "newer",
    [
        {"name": "sky", "pattern": r"00\d+", "reach": "satellite"},
        {"name": "sky", "pattern": r"00\d+", "hours": "office"},
        {"name": "sky", "pattern": r"00\d+", "allow": "with a reason"},
    ],
)
def test_a_rule_with_a_word_of_a_newer_release_refuses_its_numbers_and_the_others_hold(newer: dict[str, Any]) -> None:
    rules = plan(URGENT, newer, LOCAL).rules
    with pytest.raises(NotAllowed) as refused:
        route_of("0049301234567", rules, Reacher(("supervisor",)))
    assert refused.value.details["rule"] == "sky"
    assert route_of("65551234", rules, Reacher()).rule == "local"
    assert route_of("110", rules, Reacher()).rule == "urgent"


def test_a_rule_whose_pattern_is_not_understood_refuses_every_number_behind_it_but_emergency() -> None:
    rules = plan({"name": "new", "pattern": {"country": "de"}}, LOCAL, {**URGENT, "priority": 1}).rules
    with pytest.raises(NotAllowed):
        route_of("65551234", rules, Reacher())
    assert route_of("119", rules, Reacher()).rule == "urgent"


def test_of_a_queue_and_a_user_what_is_understood_holds() -> None:
    queue = understood(
        written(
            "queue",
            strategy="by_mood",
            skills={"cards": 3},
            relax=[{"after_s": 10, "lower_by": 1}, {"lower_by": 2, "when": "full"}],
            wrap_up_s=7,
        )
    )
    assert isinstance(queue, Queue)
    assert (queue.strategy, queue.skills, queue.wrap_up_s, len(queue.relax)) == ("longest_idle", {"cards": 3}, 7, 1)
    user = understood(written("user", organisation="bank", roles=["agent", "coach"], outside="roaming"))
    assert isinstance(user, User)
    assert (user.roles, user.outside) == (("agent",), "no")


@pytest.mark.parametrize(
    "raw", [b"?", b"[]", b"{}", written("tariff"), written("user"), written("dial_plan", organisation="bank", rules=3)]
)
def test_of_what_is_no_object_we_know_nothing_is_made(raw: bytes) -> None:
    assert salvage(raw) is None


def test_a_plan_without_newer_words_is_what_it_was() -> None:
    rules = (DialRule(**URGENT), DialRule(**LOCAL))
    assert plan(URGENT, LOCAL).rules == rules
