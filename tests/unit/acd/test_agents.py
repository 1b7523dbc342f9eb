"""Agents: signing in and out, pauses, wrap-up, phones."""

from __future__ import annotations

import pytest

from ipcc.contracts.acd import AgentState, ContactHandled, EndWrapUp, SetNotReady, SetReady, SignIn, SignOut
from ipcc.contracts.call import PhoneChanged
from ipcc.contracts.config import ConfigChanged
from ipcc.errors import NotFound, NotNow
from tests.unit.acd.world import NODE, World, queue, user

READY, NOT_READY, OUT, WRAP_UP = AgentState.READY, AgentState.NOT_READY, AgentState.OUT, AgentState.WRAP_UP


def phone(agent_id: str, *, registered: bool) -> PhoneChanged:
    return PhoneChanged(phone_id=f"phone-{agent_id}", registered=registered, node_id=NODE)


def test_he_starts_not_ready_unless_he_says_ready() -> None:
    world = World()
    world.come("ann", ready=False)
    world.come("bob", ready=True)
    assert world.stands("ann") == (NOT_READY, "signed_in")
    assert world.stands("bob") == (READY, "")


def test_signing_in_again_changes_nothing() -> None:
    world = World()
    world.come("ann")
    decision = world.give(SignIn(agent_id="ann", phone_id="phone-ann", ready=True))
    assert decision.events == ()
    assert decision.result["state"] == "ready"


@pytest.mark.parametrize(
    ("agent_id", "phone_id", "code"),
    [("nobody", "phone-ann", "acd.unknown_agent"), ("ann", "phone-x", "acd.unknown_phone")],
)
def test_unknown_people_and_phones_are_refused_by_name(agent_id: str, phone_id: str, code: str) -> None:
    world = World(agents=(user("ann"),))
    with pytest.raises(NotFound) as refused:
        world.give(SignIn(agent_id=agent_id, phone_id=phone_id))
    assert refused.value.code == code


def test_two_agents_cannot_sit_at_one_phone() -> None:
    world = World(agents=(user("bob"),))
    world.come("ann")
    with pytest.raises(NotNow, match="ann is signed in at phone phone-ann"):
        world.give(SignIn(agent_id="bob", phone_id="phone-ann"))


def test_a_free_agent_may_move_to_another_phone() -> None:
    world = World(agents=(user("bob"),))
    world.come("ann")
    world.give(SignIn(agent_id="ann", phone_id="phone-bob"))
    assert (world.agent("ann").phone_id, world.agent("ann").state) == ("phone-bob", READY)


def test_nobody_is_ready_without_a_working_phone() -> None:
    world = World()
    world.hire(user("ann"), registered=False)
    world.give(SignIn(agent_id="ann", phone_id="phone-ann", ready=True))
    assert world.stands("ann") == (NOT_READY, "phone_lost")
    with pytest.raises(NotNow, match="not registered"):
        world.give(SetReady(agent_id="ann"))
    world.give(phone("ann", registered=True))
    assert world.stands("ann")[0] is READY
    world.give(phone("ann", registered=False))
    assert world.stands("ann") == (NOT_READY, "phone_lost")


def test_a_line_that_drops_makes_him_not_ready_for_that_until_it_is_found_again() -> None:
    world, place = World(), "line-01a22149-e6de-7091-88dc-3624e37a2f58"
    world.hire(user("ann"))
    line = PhoneChanged(phone_id=place, registered=True, node_id=NODE)
    world.give(line)
    world.give(SignIn(agent_id="ann", phone_id=place, ready=True))
    assert world.stands("ann") == (READY, "")
    world.give(line.model_copy(update={"registered": False}))
    assert world.stands("ann") == (NOT_READY, "line_lost")
    with pytest.raises(NotNow, match="not registered"):
        world.give(SetReady(agent_id="ann"))
    world.give(line)
    assert world.stands("ann") == (READY, "")


def test_a_phone_that_comes_back_does_not_end_a_pause() -> None:
    world = World()
    world.come("ann")
    world.give(SetNotReady(agent_id="ann", reason="lunch"))
    world.give(phone("ann", registered=False))
    world.give(phone("ann", registered=True))
    assert world.stands("ann") == (NOT_READY, "lunch")


def test_after_the_talk_comes_wrap_up_and_then_ready_by_itself() -> None:
    world = World(queue(wrap_up_s=15))
    world.come("ann")
    world.call("x")
    offer_id = world.serve("x")
    world.wait(60)
    world.drop_agent_leg(offer_id)
    assert world.stands("ann")[0] is WRAP_UP
    assert world.told(ContactHandled) == []
    world.wait(15)
    assert world.stands("ann")[0] is READY
    [handled] = world.told(ContactHandled)
    assert (handled.talk_ms, handled.wrap_up_ms, handled.wrap_up_code) == (60_000, 15_000, "")


def test_wrap_up_ends_with_its_code() -> None:
    world = World()
    world.come("ann")
    world.call("x")
    world.drop_agent_leg(world.serve("x"))
    world.wait(5)
    world.give(EndWrapUp(agent_id="ann", code="card.lost"))
    assert world.told(ContactHandled)[0].wrap_up_code == "card.lost"
    assert world.stands("ann")[0] is READY
    assert world.give(EndWrapUp(agent_id="ann")).events == ()


def test_a_queue_without_wrap_up_gives_the_next_caller_at_once() -> None:
    world = World(queue(wrap_up_s=0))
    world.come("ann")
    world.call("x")
    world.call("y")
    world.drop_agent_leg(world.serve("x"))
    assert world.offered_to("y") == "ann"
    assert len(world.told(ContactHandled)) == 1


def test_a_pause_asked_for_while_talking_holds_from_the_end_of_wrap_up() -> None:
    world = World(queue(wrap_up_s=10))
    world.come("ann")
    world.call("x")
    offer_id = world.serve("x")
    world.give(SetNotReady(agent_id="ann", reason="lunch"))
    assert world.stands("ann")[0] is AgentState.TALKING
    world.drop_agent_leg(offer_id)
    assert world.stands("ann")[0] is WRAP_UP
    world.wait(10)
    assert world.stands("ann") == (NOT_READY, "lunch")


def test_ready_ends_wrap_up() -> None:
    world = World()
    world.come("ann")
    world.call("x")
    world.drop_agent_leg(world.serve("x"))
    world.give(SetReady(agent_id="ann"))
    assert world.stands("ann")[0] is READY
    assert len(world.told(ContactHandled)) == 1


def test_a_phone_lost_during_wrap_up_counts_at_its_end() -> None:
    world = World(queue(wrap_up_s=10))
    world.come("ann")
    world.call("x")
    world.drop_agent_leg(world.serve("x"))
    world.give(phone("ann", registered=False))
    world.wait(10)
    assert world.stands("ann") == (NOT_READY, "phone_lost")


def test_signing_out_is_refused_in_a_contact_unless_forced() -> None:
    world = World(queue(wrap_up_s=10))
    world.come("ann")
    world.call("x")
    with pytest.raises(NotNow, match="has a contact"):
        world.give(SignOut(agent_id="ann"))
    offer_id = world.serve("x")
    with pytest.raises(NotNow):
        world.give(SignOut(agent_id="ann"))
    world.wait(30)
    world.give(SignOut(agent_id="ann", force=True))
    assert world.stands("ann")[0] is OUT
    world.wait(30)
    world.drop_agent_leg(offer_id)
    assert world.told(ContactHandled)[0].talk_ms == 60_000
    assert world.stands("ann")[0] is OUT


def test_who_was_forced_out_of_a_talk_and_comes_back_is_still_talking() -> None:
    world = World()
    world.come("ann")
    world.call("x")
    offer_id = world.serve("x")
    world.give(SignOut(agent_id="ann", force=True))
    world.come("ann")
    assert world.stands("ann")[0] is AgentState.TALKING
    world.drop_agent_leg(offer_id)
    assert world.stands("ann")[0] is WRAP_UP


def test_signing_out_during_wrap_up_closes_the_contact() -> None:
    world = World()
    world.come("ann")
    world.call("x")
    world.drop_agent_leg(world.serve("x"))
    world.give(SignOut(agent_id="ann"))
    assert len(world.told(ContactHandled)) == 1
    assert world.give(SignOut(agent_id="ann")).events == ()


def test_a_removed_user_goes_now_or_when_his_contact_is_over() -> None:
    world = World()
    world.come("ann", "bob")
    world.call("x")
    removed = [ConfigChanged(kind="user", object_id=name, version=2, object=None) for name in ("ann", "bob")]
    world.serve("x")
    for change in removed:
        world.give(change)
    assert world.stands("bob") == (OUT, "removed")
    assert world.stands("ann")[0] is AgentState.TALKING
    world.drop_agent_leg(world.agent("ann").offer_id)
    world.wait(20)
    assert world.stands("ann") == (OUT, "removed")
