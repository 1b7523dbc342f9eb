"""Whoever waits and is joined to somebody who is no offer of acd, by the safety net or another service, is never offered again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ipcc.contracts.acd import EntryEnded, EntryOutcome, OfferEnded, OfferMade, OfferOutcome
from ipcc.contracts.call import CallEnded, LegEnded
from services.acd.core.effects import EndLeg
from services.acd.core.inputs import Bridged, Joined, JoinFailed, NodeChanged, PickedUp, Rang
from tests.unit.acd.world import NODE, World


def met(world: World, name: str, other: str = "leg-of-the-net", ago_s: float = 0) -> Bridged:
    return Bridged(f"leg-{name}", other, world.now - timedelta(seconds=ago_s))


@pytest.mark.parametrize("is_other_way_round", [False, True])
def test_whoever_the_safety_net_serves_leaves_the_queue(is_other_way_round: bool) -> None:
    world = World()
    world.call("x")
    world.wait(120)
    told = met(world, "x")
    world.give(Bridged(told.other_leg_id, told.leg_id, told.at) if is_other_way_round else told)
    ended = world.told(EntryEnded)
    assert [(e.outcome, e.target, e.wait_ms) for e in ended] == [(EntryOutcome.TRANSFERRED, "safety", 120_000)]
    world.come("ann")
    assert world.told(OfferMade) == []


def test_hearing_it_twice_changes_nothing() -> None:
    world = World()
    world.call("x")
    world.wait(120)
    told = met(world, "x")
    world.give(told)
    world.wait(3)
    assert world.give(told).events == ()


def test_a_bridge_from_before_he_was_queued_says_nothing_however_late_it_is_told() -> None:
    world = World()
    world.wait(60)
    world.call("x")
    world.wait(30)
    world.give(met(world, "x", other="leg-of-the-agent-who-sent-him", ago_s=30))
    world.give(met(world, "x", other="leg-of-the-agent-who-sent-him", ago_s=45))
    assert world.told(EntryEnded) == []
    world.come("ann")
    assert world.offered_to("x") == "ann"


def test_a_phone_that_rings_for_him_is_let_go() -> None:
    world = World()
    world.come("ann")
    world.call("x")
    offer_id = world.offer_of("x")
    world.give(Rang(offer_id, NODE))
    world.wait(5)
    world.give(met(world, "x"))
    assert [e.outcome for e in world.told(OfferEnded)] == [OfferOutcome.WITHDRAWN]
    assert [e.leg_id for e in world.effects if isinstance(e, EndLeg)] == [offer_id]
    assert world.agent("ann").offer_id == ""


def test_an_agent_who_is_being_joined_has_the_last_word() -> None:
    world = World()
    world.come("ann")
    world.call("x")
    offer_id = world.offer_of("x")
    world.wait(5)
    world.give(PickedUp(offer_id, NODE))
    world.give(met(world, "x"))
    assert world.told(EntryEnded) == []
    world.give(Joined(offer_id))
    assert [e.outcome for e in world.told(EntryEnded)] == [EntryOutcome.ANSWERED]


def test_a_joining_that_failed_because_he_talks_elsewhere_is_not_tried_again() -> None:
    world = World()
    world.come("ann", "bob")
    world.call("x")
    offer_id = world.offer_of("x")
    world.wait(5)
    world.give(PickedUp(offer_id, NODE))
    world.give(met(world, "x"))
    world.give(JoinFailed(offer_id, is_caller_alive=True, is_agent_alive=True))
    assert [(e.outcome, e.target) for e in world.told(EntryEnded)] == [(EntryOutcome.TRANSFERRED, "safety")]
    assert len(world.told(OfferMade)) == 1
    assert {world.agent(a).offer_id for a in ("ann", "bob")} == {""}


def test_word_of_an_agent_whose_joining_was_given_up_does_not_end_the_wait() -> None:
    world = World()
    world.come("ann")
    world.call("x")
    offer_id = world.offer_of("x")
    world.wait(5)
    world.give(PickedUp(offer_id, NODE))
    world.give(JoinFailed(offer_id, is_caller_alive=True, is_agent_alive=True))
    world.give(met(world, "x", other=offer_id))
    assert world.told(EntryEnded) == []


def test_the_bridge_of_an_offer_fulfils_it() -> None:
    world = World()
    world.come("ann")
    world.call("x")
    offer_id = world.offer_of("x")
    world.wait(2)
    world.give(Bridged("leg-x", offer_id, world.now))
    assert [e.outcome for e in world.told(EntryEnded)] == [EntryOutcome.ANSWERED]


@pytest.mark.parametrize("is_up", [True, False])
def test_an_end_that_ctiserver_told_for_want_of_sight_holds_only_where_acd_is_blind_too(is_up: bool) -> None:
    world = World()
    world.call("x")
    if not is_up:
        world.give(NodeChanged(NODE, is_up=False, reason="no link"))
    lost = {"call_id": "call-x", "cause": "NETWORK_OUT_OF_ORDER", "resynced": True}
    world.give(LegEnded(leg_id="leg-x", node_id=NODE, **lost))
    world.give(CallEnded(duration_ms=1, **lost))
    assert [e.outcome for e in world.told(EntryEnded)] == ([] if is_up else [EntryOutcome.ABANDONED])
