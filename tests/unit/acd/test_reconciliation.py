"""What we believe against what the switch has."""

from __future__ import annotations

from datetime import timedelta

from ipcc.contracts.acd import AgentState, EntryEnded, EntryOutcome, OfferEnded, OfferOutcome
from services.acd.core.decision import Decision
from services.acd.core.effects import EndLeg, JoinLegs
from services.acd.core.inputs import LegsSeen, PickedUp, SeenLeg, TakenOver, TimePassed
from services.acd.core.state import Registration
from tests.unit.acd.world import NODE, World


def look(world: World, *legs: SeenLeg, takeover: bool = False, ago_s: float = 0) -> Decision:
    asked_at = world.now - timedelta(seconds=ago_s)
    return world.give(LegsSeen(NODE, asked_at, {leg.leg_id: leg for leg in legs}, is_takeover=takeover))


def caller(name: str, partner: str = "") -> SeenLeg:
    return SeenLeg(f"leg-{name}", is_answered=True, partner=partner)


def agent_leg(offer_id: str, *, answered: bool = False, partner: str = "") -> SeenLeg:
    return SeenLeg(offer_id, answered, partner, offer_id)


def ringing() -> tuple[World, str]:
    world = World()
    world.come("ann")
    world.call("x")
    return world, world.offer_of("x")


def test_an_agents_leg_nobody_remembers_is_ended() -> None:
    world = World()
    assert look(world, agent_leg("lost")).effects == (EndLeg(NODE, "lost", "NORMAL_TEMPORARY_FAILURE"),)


def test_a_conversation_nobody_remembers_is_left_alone() -> None:
    world = World()
    assert look(world, agent_leg("lost", answered=True, partner="leg-z"), caller("z", "lost")).effects == ()


def test_what_is_as_believed_changes_nothing_but_the_ringing_that_was_not_heard() -> None:
    world, offer_id = ringing()
    assert [type(e).__name__ for e in look(world, caller("x"), agent_leg(offer_id)).events] == [
        "OfferRinging",
        "AgentChanged",
    ]
    assert look(world, caller("x"), agent_leg(offer_id)).events == ()


def test_after_a_takeover_an_offer_whose_leg_is_gone_is_withdrawn_and_made_anew() -> None:
    world, first = ringing()
    look(world, caller("x"), takeover=True)
    assert world.told(OfferEnded)[0].outcome is OfferOutcome.WITHDRAWN
    assert world.offered_to("x") == "ann"
    assert world.offer_of("x") != first


def test_without_a_takeover_a_young_offer_is_given_time_to_appear() -> None:
    world, first = ringing()
    assert look(world, caller("x")).events == ()
    world.wait(4)
    look(world, caller("x"))
    assert world.told(OfferEnded)[0].outcome is OfferOutcome.WITHDRAWN
    assert world.offer_of("x") != first


def test_an_answer_nobody_heard_is_found_and_joined() -> None:
    world, offer_id = ringing()
    decision = look(world, caller("x"), agent_leg(offer_id, answered=True), takeover=True)
    assert decision.effects == (JoinLegs(offer_id, NODE, "leg-x", offer_id),)


def test_a_join_ordered_by_the_dead_owner_is_ordered_again_after_a_takeover_only() -> None:
    world, offer_id = ringing()
    world.give(PickedUp(offer_id, NODE))
    legs = (caller("x"), agent_leg(offer_id, answered=True))
    assert look(world, *legs).effects == ()
    assert look(world, *legs, takeover=True).effects == (JoinLegs(offer_id, NODE, "leg-x", offer_id),)


def test_legs_found_together_are_an_answered_contact() -> None:
    world, offer_id = ringing()
    look(world, caller("x", offer_id), agent_leg(offer_id, answered=True, partner="leg-x"), takeover=True)
    assert world.told(EntryEnded)[0].outcome is EntryOutcome.ANSWERED
    assert world.stands("ann")[0] is AgentState.TALKING


def test_a_waiting_caller_who_is_not_on_the_switch_is_abandoned() -> None:
    world = World()
    world.call("x")
    assert look(world).events == ()
    world.wait(10)
    look(world)
    assert world.told(EntryEnded)[0].outcome is EntryOutcome.ABANDONED


def test_a_caller_gone_while_the_agent_answered_takes_the_agents_leg_with_him() -> None:
    world, offer_id = ringing()
    decision = look(world, agent_leg(offer_id, answered=True), takeover=True)
    assert decision.effects == (EndLeg(NODE, offer_id, "ORIGINATOR_CANCEL"),)
    assert world.told(EntryEnded)[0].outcome is EntryOutcome.ABANDONED
    assert world.stands("ann")[0] is AgentState.READY


def test_both_gone_is_an_abandoned_caller_and_not_the_agents_doing() -> None:
    world, _ = ringing()
    look(world, takeover=True)
    assert world.told(OfferEnded)[0].outcome is OfferOutcome.CALLER_GONE
    assert world.told(EntryEnded)[0].outcome is EntryOutcome.ABANDONED
    assert world.stands("ann")[0] is AgentState.READY


def test_a_talk_whose_leg_is_gone_is_over() -> None:
    world, _ = ringing()
    world.serve("x")
    world.wait(60)
    look(world)
    assert world.stands("ann")[0] is AgentState.WRAP_UP


def test_a_leg_left_behind_by_its_caller_is_ended() -> None:
    world, _ = ringing()
    offer_id = world.serve("x")
    world.wait(60)
    assert look(world, agent_leg(offer_id, answered=True)).effects == (
        EndLeg(NODE, offer_id, "NORMAL_TEMPORARY_FAILURE"),
    )


def test_an_agent_in_a_consultation_after_his_caller_left_is_left_alone() -> None:
    world, _ = ringing()
    offer_id = world.serve("x")
    world.wait(60)
    assert look(world, agent_leg(offer_id, answered=True, partner="consult")).effects == ()


def test_another_switch_is_not_judged_by_this_one() -> None:
    world, _ = ringing()
    world.wait(10)
    decision = world.give(LegsSeen("fs2", world.now, {}))
    assert decision.events == ()


def test_a_new_owner_first_brings_agents_in_line_with_phones_and_users() -> None:
    world = World()
    world.come("ann", "bob", "cho")
    world.state.write(world.state.registrations, "phone-ann", Registration(is_registered=False))
    world.state.erase(world.state.users, "bob")
    world.call("x", skills={"cards": 1})
    world.give(TakenOver())
    assert world.stands("ann") == (AgentState.NOT_READY, "phone_lost")
    assert world.stands("bob") == (AgentState.OUT, "removed")
    assert world.stands("cho") == (AgentState.READY, "")


def test_a_new_owner_repairs_before_he_offers() -> None:
    world, first = ringing()
    world.call("y")
    gone = LegsSeen(NODE, world.now, {"leg-y": caller("y")}, is_takeover=True)
    world.give(TakenOver((gone,)))
    assert world.told(EntryEnded)[0].entry_id == "entry-x"
    assert world.offered_to("y") == "ann"
    assert first not in world.state.offers


def test_a_caller_queued_after_the_switch_was_asked_is_not_judged_by_its_answer() -> None:
    world = World()
    world.wait(1)
    world.call("x")
    assert look(world, takeover=True, ago_s=0.1).events == ()


def test_a_join_a_dead_owner_did_not_finish_has_its_time_anew() -> None:
    world, offer_id = ringing()
    world.give(PickedUp(offer_id, NODE))
    world.now += timedelta(seconds=30)
    both = LegsSeen(
        NODE,
        world.now,
        {"leg-x": caller("x"), offer_id: agent_leg(offer_id, answered=True)},
        is_takeover=True,
    )
    decision = world.give(TakenOver((both,)))
    assert JoinLegs(offer_id, NODE, "leg-x", offer_id) in decision.effects
    # its time was up long ago: to end the agent's leg now would end the call that is being joined
    assert world.give(TimePassed()).effects == ()
    world.wait(6)
    assert world.told(OfferEnded)[0].outcome is OfferOutcome.FAILED
