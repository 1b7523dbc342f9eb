"""Queue entries: taken in, refused, abandoned, overflowed, and asked for twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ipcc.contracts.acd import EntryEnded, EntryOutcome, EntryQueued, LeaveQueue, OfferEnded
from ipcc.contracts.config import ConfigChanged
from ipcc.errors import Invalid, NotFound, NotNow, Refused
from services.acd.core.effects import EndLeg
from services.acd.core.inputs import PickedUp, RingFailed
from tests.unit.acd.world import NODE, World, queue


def test_the_same_order_twice_gives_the_same_place_and_changes_nothing() -> None:
    world = World()
    world.call("x")
    first = world.call("y").result
    again = world.call("y")
    assert (first["position"], again.events, again.result) == (2, (), first)


def test_an_order_repeated_after_the_end_is_answered_with_the_end() -> None:
    world = World()
    world.call("x")
    world.hang_up("x")
    assert world.call("x").result == {
        "entry_id": "entry-x",
        "queue_id": "service",
        "position": 0,
        "outcome": "abandoned",
    }


@pytest.mark.parametrize(
    ("fields", "error", "code"),
    [
        ({"queue_id": "none"}, NotFound, "acd.unknown_queue"),
        ({"skills": {"magic": 3}}, Invalid, "acd.unknown_skill"),
        ({"skills": {"cards": 11}}, Invalid, "acd.unknown_skill"),
        ({"leg_id": "a b\nuuid_kill"}, Invalid, "acd.bad_id"),
        ({"entry_id": ""}, Invalid, "acd.bad_id"),
        ({"attributes": {"x": "y" * 2000}}, Invalid, "acd.too_much"),
    ],
)
def test_what_cannot_be_routed_is_refused_by_name(fields: dict[str, object], error: type[Refused], code: str) -> None:
    world = World()
    queue_id = str(fields.pop("queue_id", "service"))
    with pytest.raises(error) as refused:
        world.call("x", queue_id, **fields)
    assert refused.value.code == code
    assert not world.state.entries


def test_a_full_queue_refuses() -> None:
    world = World(queue(max_waiting=1))
    world.call("x")
    with pytest.raises(NotNow, match="1 wait in service already"):
        world.call("y")


def test_a_call_waits_once() -> None:
    world = World()
    world.call("x")
    with pytest.raises(NotNow, match="waits already as entry entry-x"):
        world.call("other", call_id="call-x")


def test_a_caller_whose_end_was_heard_first_is_not_queued() -> None:
    world = World()
    world.hang_up("x")
    with pytest.raises(NotNow, match="hung up"):
        world.call("x")


def test_the_clock_of_another_machine_gives_no_better_place() -> None:
    world = World()
    world.call("x", entered_at=world.now + timedelta(hours=1))
    assert world.entry("x").entered_at == world.now


def test_a_waiting_caller_who_hangs_up_is_abandoned_once() -> None:
    world = World()
    world.call("x")
    world.wait(7)
    world.hang_up("x")
    world.hang_up("x")
    [ended] = world.told(EntryEnded)
    assert (ended.outcome, ended.wait_ms) == (EntryOutcome.ABANDONED, 7_000)


def test_waiting_too_long_overflows() -> None:
    world = World(queue(max_wait_s=30))
    world.call("x")
    world.wait(30)
    [ended] = world.told(EntryEnded)
    assert (ended.outcome, ended.wait_ms) == (EntryOutcome.OVERFLOWED, 30_000)


def test_overflow_waits_for_an_offer_that_is_out() -> None:
    world = World(queue(max_wait_s=10, ring_s=20))
    world.come("ann")
    world.call("x")
    world.wait(15)
    assert world.told(EntryEnded) == []
    world.come("bob")
    world.give(RingFailed(world.offer_of("x"), "USER_BUSY"))
    assert world.offered_to("x") == ""
    world.wait(0)
    assert world.told(EntryEnded)[0].outcome is EntryOutcome.OVERFLOWED


def test_a_queue_whose_limit_is_lowered_overflows_those_who_wait() -> None:
    world = World()
    world.call("x")
    world.give(ConfigChanged(kind="queue", object_id="service", version=2, object=queue(max_wait_s=5)))
    world.wait(5)
    assert world.told(EntryEnded)[0].outcome is EntryOutcome.OVERFLOWED


def test_a_removed_queue_takes_nobody_in_and_serves_those_who_wait() -> None:
    world = World()
    world.call("x")
    world.give(ConfigChanged(kind="queue", object_id="service", version=2, object=None))
    with pytest.raises(NotFound):
        world.call("y")
    world.come("ann")
    assert world.offered_to("x") == "ann"


def test_leaving_a_queue_takes_back_the_offer() -> None:
    world = World()
    world.come("ann")
    world.call("x")
    offer_id = world.offer_of("x")
    result = world.give(LeaveQueue(entry_id="entry-x", outcome=EntryOutcome.OVERFLOWED, target="voicemail")).result
    assert (result["position"], result["outcome"]) == (0, "overflowed")
    assert EndLeg(NODE, offer_id, "ORIGINATOR_CANCEL") in world.effects
    assert world.told(OfferEnded)[0].outcome.value == "withdrawn"
    assert world.told(EntryEnded)[0].target == "voicemail"
    assert world.give(LeaveQueue(entry_id="entry-x")).result["outcome"] == "overflowed"


def test_leaving_is_refused_once_an_agent_picked_up() -> None:
    world = World()
    world.come("ann")
    world.call("x")
    world.give(PickedUp(world.offer_of("x"), NODE))
    with pytest.raises(NotNow, match="picked up"):
        world.give(LeaveQueue(entry_id="entry-x"))


def test_leaving_what_never_was_is_refused() -> None:
    with pytest.raises(NotFound):
        World().give(LeaveQueue(entry_id="entry-x"))
    world = World()
    world.call("x")
    with pytest.raises(Invalid):
        world.give(LeaveQueue(entry_id="entry-x", outcome=EntryOutcome.ANSWERED))


def test_the_log_alone_knows_who_calls() -> None:
    world = World()
    world.call("x", caller_number="13800000001", caller_name="李")
    [queued] = world.told(EntryQueued)
    assert (queued.caller_number, queued.caller_name) == ("13800000001", "李")
