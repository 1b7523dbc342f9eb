"""Offers: whom, how long, and what each way of ending does to agent and caller."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ipcc.contracts.acd import (
    AgentState,
    EntryEnded,
    EntryOutcome,
    OfferEnded,
    OfferMade,
    OfferOutcome,
    SetNotReady,
    SetReady,
    SignOut,
)
from ipcc.contracts.call import PhoneChanged
from services.acd.core.effects import EndLeg, JoinLegs, RingAgent
from services.acd.core.inputs import Joined, JoinFailed, NodeChanged, PickedUp, Rang, RingFailed, TimePassed
from tests.unit.acd.world import NODE, START, World, queue, user

READY, NOT_READY = AgentState.READY, AgentState.NOT_READY


def test_the_agent_idle_longest_is_offered_first() -> None:
    world = World()
    world.come("ann", "bob")
    world.call("x")
    assert world.offered_to("x") == "ann"
    assert world.stands("ann") == (AgentState.OFFERED, "")
    [ring] = [e for e in world.effects if isinstance(e, RingAgent)]
    assert (ring.agent_id, ring.phone_id, ring.ring_s, ring.node_id) == ("ann", "phone-ann", 21, NODE)


def test_an_agent_below_the_level_or_without_the_language_is_passed_over() -> None:
    world = World(agents=(user("low", skills={"service": 2}), user("english", languages=("en",)), user("fit")))
    world.come("low", "english", "fit")
    world.call("x", language="zh")
    assert world.offered_to("x") == "fit"
    why = world.told(OfferMade)[0].why
    assert why["rule"] == "longest_idle"
    assert why["candidates"] == [{"agent_id": "fit", "idle_s": 1.0, "tries": 0}]
    assert why["others"] == {"low": "skill service: has 2, needs 3", "english": "does not speak zh"}


def test_a_contact_may_ask_for_more_than_its_queue() -> None:
    world = World(agents=(user("plain"), user("cards", skills={"service": 3, "cards": 7})))
    world.come("plain", "cards")
    world.call("x", skills={"cards": 6})
    assert world.offered_to("x") == "cards"


def test_priority_then_time_decides_who_is_next() -> None:
    world = World()
    for name, priority in (("slow", 5), ("late", 5), ("vip", 1)):
        world.call(name, priority=priority)
        world.wait(1)
    world.come("ann")
    assert world.offered_to("vip") == "ann"
    world.come("bob")
    assert world.offered_to("slow") == "bob"
    assert world.offered_to("late") == ""


def test_a_caller_who_cannot_be_served_does_not_hold_up_those_behind_him() -> None:
    world = World()
    world.call("hard", skills={"loans": 9})
    world.wait(1)
    world.call("easy")
    world.come("ann")
    assert world.offered_to("easy") == "ann"
    assert world.told(OfferMade)[0].why["passed_over"] == 1


def test_a_phone_on_another_switch_or_a_switch_that_is_down_is_not_used() -> None:
    world = World()
    world.come("ann")
    world.give(NodeChanged(NODE, is_up=False, reason="cut"))
    world.call("x")
    assert world.offered_to("x") == ""
    world.give(NodeChanged(NODE, is_up=True))
    assert world.offered_to("x") == "ann"
    world.come("bob")
    world.give(PhoneChanged(phone_id="phone-bob", registered=True, node_id="fs2"))
    world.call("y")
    assert world.offered_to("y") == ""


@pytest.mark.parametrize(
    ("cause", "outcome", "state", "reason"),
    [
        ("NO_ANSWER", OfferOutcome.NO_ANSWER, NOT_READY, "no_answer"),
        ("USER_BUSY", OfferOutcome.BUSY, NOT_READY, "busy"),
        ("CALL_REJECTED", OfferOutcome.DECLINED, NOT_READY, "declined"),
        ("USER_NOT_REGISTERED", OfferOutcome.UNREGISTERED, NOT_READY, "phone_lost"),
        ("SUBSCRIBER_ABSENT", OfferOutcome.UNREGISTERED, NOT_READY, "phone_lost"),
        ("NORMAL_TEMPORARY_FAILURE", OfferOutcome.FAILED, NOT_READY, "failed"),
    ],
)
def test_a_failed_offer_leaves_the_caller_in_place_and_takes_the_agent_out(
    cause: str, outcome: OfferOutcome, state: AgentState, reason: str
) -> None:
    world = World()
    world.come("ann")
    world.call("x")
    entered = world.entry("x").entered_at
    world.wait(3)
    world.give(RingFailed(world.offer_of("x"), cause))
    assert world.told(OfferEnded)[0].outcome is outcome
    assert world.stands("ann") == (state, reason)
    assert (world.entry("x").entered_at, world.offer_of("x")) == (entered, "")
    world.come("bob")
    assert world.offered_to("x") == "bob"


def test_ring_time_is_ours_and_its_end_kills_the_leg() -> None:
    world = World(queue(ring_s=15))
    world.come("ann")
    world.call("x")
    offer_id = world.offer_of("x")
    world.give(Rang(offer_id, NODE))
    world.wait(15.9)
    assert world.offered_to("x") == "ann"
    world.wait(0.2)
    [ended] = world.told(OfferEnded)
    assert (ended.outcome, ended.ring_ms) == (OfferOutcome.NO_ANSWER, 16_000)
    assert EndLeg(NODE, offer_id, "NO_ANSWER") in world.effects


@pytest.mark.parametrize(("outcome", "back_s"), [("NO_ANSWER", 30), ("USER_BUSY", 30), ("CALL_REJECTED", 30)])
def test_a_silent_agent_comes_back_when_his_queue_says_so(outcome: str, back_s: int) -> None:
    world = World(queue(return_after_s=back_s))
    world.come("ann")
    world.call("x")
    world.give(RingFailed(world.offer_of("x"), outcome))
    assert world.agent("ann").until == world.now + timedelta(seconds=back_s)
    world.wait(back_s)
    assert world.offered_to("x") == "ann"


def test_an_agent_who_stays_ready_is_rung_again_only_when_nobody_else_fits() -> None:
    world = World(queue(after_no_answer="ready"))
    world.come("ann", "bob")
    world.call("x")
    world.give(RingFailed(world.offer_of("x"), "NO_ANSWER"))
    assert world.offered_to("x") == "bob"
    world.give(RingFailed(world.offer_of("x"), "NO_ANSWER"))
    assert world.offered_to("x") == "ann"
    assert world.entry("x").tries == {"ann": 2, "bob": 1}


def test_a_phone_that_refuses_at_once_is_not_dialled_in_a_loop() -> None:
    world = World(queue(after_no_answer="ready"))
    world.come("ann")
    world.call("x")
    world.give(RingFailed(world.offer_of("x"), "USER_BUSY"))
    assert world.offered_to("x") == ""
    world.wait(5)
    assert world.offered_to("x") == "ann"


def test_answer_joins_the_legs_and_only_the_join_ends_the_wait() -> None:
    world = World()
    world.come("ann")
    world.call("x")
    offer_id = world.offer_of("x")
    world.wait(2)
    world.give(PickedUp(offer_id, NODE))
    assert world.effects[-1] == JoinLegs(offer_id, NODE, "leg-x", offer_id)
    assert world.told(EntryEnded) == []
    assert world.give(PickedUp(offer_id, NODE)).effects == ()
    world.give(Joined(offer_id))
    [ended] = world.told(EntryEnded)
    assert (ended.outcome, ended.agent_id, ended.wait_ms) == (EntryOutcome.ANSWERED, "ann", 2000)
    assert world.stands("ann")[0] is AgentState.TALKING
    assert world.give(Joined(offer_id)).events == ()


def test_an_answered_offer_does_not_run_into_its_ring_time() -> None:
    world = World(queue(ring_s=10))
    world.come("ann")
    world.call("x")
    world.wait(10.9)
    world.give(PickedUp(world.offer_of("x"), NODE))
    world.wait(1)
    assert world.offered_to("x") == "ann"


def test_a_caller_who_hangs_up_while_the_agent_rings_stops_the_ringing_and_costs_the_agent_nothing() -> None:
    world = World()
    world.come("ann")
    idle_since = world.agent("ann").idle_since
    world.call("x")
    offer_id = world.offer_of("x")
    world.give(Rang(offer_id, NODE))
    world.wait(4)
    decision = world.hang_up("x")
    assert decision.effects == (EndLeg(NODE, offer_id, "ORIGINATOR_CANCEL"),)
    assert world.told(OfferEnded)[0].outcome is OfferOutcome.CALLER_GONE
    assert world.told(EntryEnded)[0].outcome is EntryOutcome.ABANDONED
    assert world.stands("ann") == (READY, "caller_gone")
    assert world.agent("ann").idle_since == idle_since


def test_a_caller_who_hangs_up_in_the_instant_of_the_answer_leaves_no_ghost() -> None:
    world = World()
    world.come("ann")
    world.call("x")
    offer_id = world.offer_of("x")
    world.give(PickedUp(offer_id, NODE))
    world.give(JoinFailed(offer_id, is_caller_alive=False, is_agent_alive=True))
    assert world.effects[-1] == EndLeg(NODE, offer_id, "ORIGINATOR_CANCEL")
    assert world.told(EntryEnded)[0].outcome is EntryOutcome.ABANDONED
    assert world.hang_up("x").events == ()
    late = world.give(PickedUp(offer_id, NODE))
    assert late.effects == (EndLeg(NODE, offer_id, "NORMAL_TEMPORARY_FAILURE"),)


def test_an_agent_left_alone_by_a_caller_who_hangs_up_in_the_moment_of_the_bridge_is_let_go() -> None:
    world = World()
    world.come("ann")
    world.call("x")
    offer_id = world.offer_of("x")
    world.give(PickedUp(offer_id, NODE))
    world.give(Joined(offer_id))
    assert world.give(JoinFailed(offer_id, is_caller_alive=True, is_agent_alive=True)).effects == ()
    assert world.give(JoinFailed(offer_id, is_caller_alive=False, is_agent_alive=False)).effects == ()
    let_go = world.give(JoinFailed(offer_id, is_caller_alive=False, is_agent_alive=True))
    assert let_go.effects == (EndLeg(NODE, offer_id, "NORMAL_CLEARING"),)
    assert let_go.events == ()


def test_an_agent_who_hangs_up_before_he_is_joined_declined() -> None:
    world = World()
    world.come("ann", "bob")
    world.call("x")
    offer_id = world.offer_of("x")
    world.give(PickedUp(offer_id, NODE))
    world.give(JoinFailed(offer_id, is_caller_alive=True, is_agent_alive=False))
    assert world.told(OfferEnded)[0].outcome is OfferOutcome.DECLINED
    assert world.offered_to("x") == "bob"


def test_legs_the_switch_does_not_join_are_parted_and_the_caller_offered_anew() -> None:
    world = World()
    world.come("ann", "bob")
    world.call("x")
    first = world.offer_of("x")
    world.give(PickedUp(first, NODE))
    world.give(JoinFailed(first, is_caller_alive=True, is_agent_alive=True))
    assert EndLeg(NODE, first, "ORIGINATOR_CANCEL") in world.effects
    assert world.offered_to("x") == "bob"


def test_a_join_nobody_reports_is_given_up() -> None:
    world = World()
    world.come("ann")
    world.call("x")
    world.give(PickedUp(world.offer_of("x"), NODE))
    world.wait(5)
    assert world.told(OfferEnded)[0].outcome is OfferOutcome.FAILED


def test_a_pause_asked_for_during_an_offer_holds_when_the_offer_comes_to_nothing() -> None:
    world = World()
    world.come("ann")
    world.call("x")
    world.give(SetNotReady(agent_id="ann", reason="lunch"))
    assert world.stands("ann")[0] is AgentState.OFFERED
    world.hang_up("x")
    assert world.stands("ann") == (NOT_READY, "lunch")


def test_a_pause_can_be_taken_back() -> None:
    world = World()
    world.come("ann")
    world.call("x")
    world.give(SetNotReady(agent_id="ann", reason="lunch"))
    world.give(SetReady(agent_id="ann"))
    world.hang_up("x")
    assert world.stands("ann")[0] is READY


def test_forced_out_during_an_offer_the_caller_goes_to_the_next() -> None:
    world = World()
    world.come("ann", "bob")
    world.call("x")
    first = world.offer_of("x")
    world.give(SignOut(agent_id="ann", force=True))
    assert world.stands("ann")[0] is AgentState.OUT
    assert world.told(OfferEnded)[0].outcome is OfferOutcome.WITHDRAWN
    assert EndLeg(NODE, first, "ORIGINATOR_CANCEL") in world.effects
    assert world.offered_to("x") == "bob"


def test_the_same_history_makes_the_same_offers() -> None:
    def history() -> list[object]:
        world = World()
        world.come("ann", "bob")
        world.call("x")
        world.give(RingFailed(world.offer_of("x"), "NO_ANSWER"))
        return list(world.events)

    assert history() == history()


def test_an_offer_says_until_when_it_stands_and_for_whom() -> None:
    world = World(queue(ring_s=20))
    world.come("ann")
    world.call("x", caller_number="13800000001", caller_name="Li", attributes={"segment": "gold"})
    [made] = world.told(OfferMade)
    assert made.deadline == START + timedelta(seconds=22)
    assert (made.caller_number, made.caller_name, made.attributes) == ("13800000001", "Li", {"segment": "gold"})
    assert made.epoch == 1


def test_while_the_link_is_cut_no_offer_is_given_up_for_want_of_news() -> None:
    world = World()
    world.come("ann")
    world.call("x")
    world.give(PickedUp(world.offer_of("x"), NODE))
    world.give(NodeChanged(NODE, is_up=False, reason="cut"))
    world.now += timedelta(seconds=60)
    assert world.give(TimePassed()).events == ()
    world.give(NodeChanged(NODE, is_up=True))
    world.give(TimePassed())
    assert world.told(OfferEnded)[0].outcome is OfferOutcome.FAILED
