"""When a queue sends a contact elsewhere or refuses it: full, crowded, slow, unstaffed, closed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from ipcc.contracts.acd import EntryEnded, SignOut, WaitForetold
from ipcc.contracts.config import Calendar, Holiday, Hours
from ipcc.errors import NotNow
from services.acd.core.opening import closed_because
from tests.unit.acd.world import World, changed, queue, user


def sends(when: str, above: int = 0) -> dict[str, Any]:
    return {"overflow": ({"when": when, "above": above, "to": "queue:other"},)}


def sent(world: World) -> list[str]:
    return [e.entry_id for e in world.told(EntryEnded) if (e.outcome, e.target) == ("overflowed", "queue:other")]


def test_one_more_than_may_wait_is_sent_on_and_the_answer_says_where() -> None:
    world = World(queue(**sends("size", 2)))
    for name in "abc":
        answer = world.call(name).result
    assert sent(world) == ["entry-c"]
    assert (answer["outcome"], answer["target"]) == ("overflowed", "queue:other")


def test_nobody_joins_those_who_wait_too_long_already() -> None:
    world = World(queue(**sends("longest_wait", 60)))
    world.call("a")
    world.wait(60)
    world.call("b")
    world.wait(1)
    world.call("c")
    assert sent(world) == ["entry-c"]


def test_a_long_expected_wait_sends_on() -> None:
    world = World(queue(**sends("expected_wait", 300)))
    world.come("ann")
    for name in "abcde":
        world.call(name)
    # a is offered, b is next; with 240 s for a contact, who waits behind b waits too long
    assert sent(world) == ["entry-c", "entry-d", "entry-e"]


def test_without_agents_contacts_are_sent_on_when_they_come_and_when_the_last_agent_goes() -> None:
    world = World(queue(**sends("no_agents")))
    world.call("a")
    assert sent(world) == ["entry-a"]
    world.come("ann", ready=False)
    world.call("b")
    assert sent(world) == ["entry-a"]
    world.give(SignOut(agent_id="ann"))
    assert sent(world) == ["entry-a", "entry-b"]


BANK_HOURS = Calendar(
    id="bank",
    name="Bank",
    hours=(Hours(days=(1, 2, 3, 4, 5), opens="09:00", closes="18:00"),),
    holidays=(
        Holiday(name="New Year", first=date(2026, 1, 1), last=date(2026, 1, 3)),
        Holiday(name="Short day", first=date(2026, 1, 4), last=date(2026, 1, 4), opens="10:00", closes="12:00"),
    ),
)


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        ("2026-01-05T01:00", ""),
        ("2026-01-05T00:59", "outside opening hours"),
        ("2026-01-05T10:00", "outside opening hours"),
        ("2026-01-10T03:00", "outside opening hours"),
        ("2026-01-02T03:00", "holiday: New Year"),
        ("2026-01-03T15:59", "holiday: New Year"),
        ("2026-01-04T02:30", ""),
        ("2026-01-04T05:00", "holiday: Short day"),
    ],
)
def test_hours_are_those_of_the_calendars_own_zone(at: str, reason: str) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert closed_because(queue(), BANK_HOURS, moment) == reason


def test_a_closed_queue_refuses_or_sends_on_and_an_emergency_closes_it_at_once() -> None:
    world = World(queue(calendar="bank"))
    world.give(changed(BANK_HOURS))
    world.call("a")
    world.give(changed(queue(calendar="bank", closed=True)))
    with pytest.raises(NotNow, match="closed for an emergency"):
        world.call("b")
    world.give(changed(queue(calendar="bank", closed=True, **sends("closed"))))
    world.call("c")
    assert sent(world) == ["entry-c"]
    assert world.entry("a").offer_id == ""


def test_the_wait_is_foretold_as_a_range_that_follows_staffing_and_is_unknown_without_agents() -> None:
    world = World(queue())
    world.call("a")
    told = world.told(WaitForetold)
    assert (told[0].low_s, told[0].high_s) == (None, None)
    world.come("ann", "bob")
    for name in "bcd":
        world.call(name)
    world.come(*(f"agent{n}" for n in range(8)), ready=False)
    told = world.told(WaitForetold)
    assert [t.position for t in told] == [1, 3, 4] or [t.position for t in told] == [1, 2, 3]
    assert all(t.low_s < t.high_s and t.coverage == 0.8 for t in told[1:])
    # those who are paused do not count
    world.call("e")
    paused = world.told(WaitForetold)[-1]
    world.hire(user("zoe"))
    world.come(*(f"more{n}" for n in range(2)))
    world.call("f")
    assert world.told(WaitForetold)[-1].high_s < paused.high_s


def test_a_calendar_in_a_time_zone_nobody_knows_leaves_its_queues_their_last_good_hours() -> None:
    world = World(queue(calendar="c"))
    closed = Calendar(
        id="c", name="C", holidays=({"name": "Today", "first": world.now.date(), "last": world.now.date()},)
    )
    world.give(changed(closed))
    world.give(changed(closed.model_copy(update={"timezone": "Mars/North", "holidays": ()})))
    assert world.state.broken == {"calendar/c": "there is no time zone Mars/North"}
    with pytest.raises(NotNow, match="holiday: Today"):
        world.call("a")
    world.give(changed(closed.model_copy(update={"hours": (), "holidays": ()})))
    assert not world.state.broken


def test_a_queue_whose_rules_broke_goes_on_by_its_last_good_ones() -> None:
    world = World(queue(ring_s=33))
    world.come("ann")
    world.give(changed(queue(ring_s=5, expression="this is no condition")))
    assert world.state.broken["service"].startswith("not a condition")
    world.call("a")
    assert world.offered_to("a") == "ann"
    assert world.state.queues["service"].ring_s == 33
    world.give(changed(queue(ring_s=5)))
    assert not world.state.broken
