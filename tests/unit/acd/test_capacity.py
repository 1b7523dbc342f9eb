"""Capacity per medium, and which work is given beside which."""

from __future__ import annotations

import pytest

from ipcc.contracts.acd import (
    AgentState,
    ContactHandled,
    EndWrapUp,
    OfferMade,
    SetNotReady,
    SetReady,
    SignIn,
)
from ipcc.contracts.digital import AgentMediumChanged
from ipcc.errors import NotFound
from services.acd.core.estimate import expected_wait
from services.acd.core.explanation import because
from services.acd.core.reasons import chinese
from tests.unit.acd.world import World, changed, queue, user
from tests.unit.acd.written import WEB, accept, chats, chatter, comes, end, world_of


class TestCapacity:
    def test_an_agent_is_offered_as_many_chats_as_he_may_hold_and_not_one_more(self) -> None:
        world = world_of(chatter("ann", chat=2))
        for name in ("1", "2", "3"):
            comes(world, name)
        assert [world.offered_to(name) for name in ("1", "2", "3")] == ["ann", "ann", ""]
        accept(world, "1")
        accept(world, "2")
        assert world.offered_to("3") == ""
        end(world, "1")
        assert world.offered_to("3") == "ann"

    def test_who_may_hold_none_of_a_medium_is_offered_none(self) -> None:
        world = world_of(user("ann"), chatter("bob", chat=0, mail=5))
        comes(world, "1")
        assert world.offered_to("1") == ""
        assert world.state.lanes.of_entry("entry-1")[0].members == []

    def test_media_have_their_places_apart(self) -> None:
        world = world_of(chatter("ann", chat=1, mail=1))
        comes(world, "1")
        comes(world, "2", "letters")
        assert (world.offered_to("1"), world.offered_to("2")) == ("ann", "ann")

    def test_places_in_writing_may_be_limited_together(self) -> None:
        world = world_of(chatter("ann", chat=3, mail=3, blending={"together": 2}))
        chats(world, "1")
        comes(world, "2", "letters")
        comes(world, "3")
        assert (world.offered_to("2"), world.offered_to("3")) == ("ann", "")

    def test_a_capacity_lowered_below_what_is_held_takes_nothing_away_and_gives_nothing_more(self) -> None:
        world = world_of(chatter("ann", chat=3))
        chats(world, "1", "2")
        world.give(changed(chatter("ann", chat=1)))
        comes(world, "3")
        end(world, "1")
        assert (world.agent("ann").in_writing, world.offered_to("3")) == (1, "")
        end(world, "2")
        assert world.offered_to("3") == "ann"

    def test_chats_are_spread_to_who_holds_fewest(self) -> None:
        world = world_of(chatter("ann"), chatter("bob"))
        taken = []
        for name in ("1", "2", "3", "4"):
            comes(world, name)
            taken.append(world.offered_to(name))
            accept(world, name)
        assert taken == ["ann", "bob", "ann", "bob"]
        end(world, "2")
        comes(world, "5")
        assert world.offered_to("5") == "bob"

    def test_every_change_of_what_he_holds_is_told_with_his_capacity(self) -> None:
        world = world_of(chatter("ann", chat=2), wrap_up_s=10)
        chats(world, "1")
        end(world, "1")
        world.give(EndWrapUp(agent_id="ann", entry_id="entry-1", code="done"))
        told = world.told(AgentMediumChanged)
        assert [(e.offered, e.serving, e.wrapping) for e in told] == [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)]
        assert {(e.agent_id, e.medium, e.capacity) for e in told} == {("ann", "chat", 2)}

    def test_the_reason_of_an_offer_says_what_he_holds_and_what_the_others_held(self) -> None:
        world = world_of(chatter("ann", chat=1), chatter("bob", chat=2))
        chats(world, "1", "2")
        comes(world, "3")
        why = world.told(OfferMade)[-1].why
        assert why["candidates"][0] == {
            "agent_id": "bob",
            "idle_s": 0.0,
            "tries": 0,
            "medium": "chat",
            "held": 1,
            "capacity": 2,
        }
        assert why["others"] == {"ann": "holds 1 chat of 1"}
        assert "holds 1 chat of 2" in because(why)
        assert chinese(why["others"]["ann"]) == "手上已有 1 个 chat,上限 1 个"

    def test_the_wait_foretold_counts_every_place(self) -> None:
        one, three = world_of(chatter("ann", chat=1)), world_of(chatter("ann", chat=3))
        for world, names in ((one, "1"), (three, "123")):
            chats(world, *names)
            comes(world, "9")
        first, second = (expected_wait(world.state, world.entry("9")) for world in (one, three))
        assert first is not None
        assert second is not None
        assert second.middle_s == pytest.approx(first.middle_s / 3, abs=0.2)


class TestBlending:
    def test_nothing_in_writing_comes_while_he_is_on_the_telephone(self) -> None:
        world = world_of(chatter("ann", mail=2))
        world.call("1")
        comes(world, "2")
        assert world.offered_to("2") == ""
        offer_id = world.serve("1")
        assert world.offered_to("2") == ""
        world.drop_agent_leg(offer_id)
        assert world.agent("ann").state is AgentState.WRAP_UP
        assert world.offered_to("2") == ""
        world.give(EndWrapUp(agent_id="ann"))
        assert world.offered_to("2") == "ann"

    def test_beside_a_call_he_is_offered_as_many_as_his_rules_say(self) -> None:
        world = world_of(chatter("ann", chat=3, blending={"beside_call": {"chat": 1}}))
        world.call("1")
        world.serve("1")
        chats(world, "2")
        comes(world, "3")
        assert (world.agent("ann").state, world.offered_to("3")) == (AgentState.TALKING, "")

    def test_with_a_chat_he_is_not_rung_unless_his_rules_say_so(self) -> None:
        strict, loose = (world_of(chatter("ann", blending=b)) for b in ({}, {"call_beside": {"chat": 1}}))
        for world in (strict, loose):
            chats(world, "1")
            world.call("2")
        assert (strict.offered_to("2"), loose.offered_to("2")) == ("", "ann")
        end(strict, "1")
        assert strict.offered_to("2") == "ann"

    def test_a_call_comes_beside_mail_whatever_he_holds_of_it(self) -> None:
        world = world_of(chatter("ann", mail=5))
        chats(world, "1", "2", queue_id="letters")
        world.call("3")
        assert world.offered_to("3") == "ann"
        assert world.agent("ann").in_writing == 2

    def test_the_call_of_better_priority_is_offered_before_the_chat_that_came_first(self) -> None:
        world = world_of(chatter("ann"))
        world.give(SetNotReady(agent_id="ann", reason="lunch"))
        comes(world, "1", priority=5)
        world.call("2", priority=1)
        world.give(SetReady(agent_id="ann"))
        assert (world.offered_to("2"), world.offered_to("1")) == ("ann", "")

    def test_who_is_not_ready_is_offered_nothing_and_goes_on_with_what_he_has(self) -> None:
        world = world_of(chatter("ann"))
        chats(world, "1")
        world.give(SetNotReady(agent_id="ann", reason="lunch"))
        comes(world, "2")
        assert world.offered_to("2") == ""
        end(world, "1")
        assert world.told(ContactHandled)[-1].entry_id == "entry-1"

    def test_a_pause_asked_for_in_a_call_keeps_chats_away_at_once(self) -> None:
        world = world_of(chatter("ann", blending={"beside_call": {"chat": 2}}))
        world.call("1")
        world.serve("1")
        world.give(SetNotReady(agent_id="ann", reason="lunch"))
        comes(world, "2")
        assert world.offered_to("2") == ""

    def test_an_agent_for_writing_alone_signs_in_without_a_phone_and_is_never_rung(self) -> None:
        world = World(queue("service"), queue("web", **WEB))
        for name in ("ann", "bob"):
            world.give(changed(user(name, capacity={"voice": 0, "chat": 1})))
            world.give(SignIn(agent_id=name, phone_id="", ready=True))
        assert world.stands("ann") == world.stands("bob") == (AgentState.READY, "")
        world.call("1")
        comes(world, "2")
        assert (world.offered_to("1"), world.offered_to("2")) == ("", "ann")
        world.give(changed(user("bob", capacity={"voice": 1})))
        assert world.offered_to("1") == ""

    def test_who_takes_calls_needs_a_phone(self) -> None:
        world = World(agents=(chatter("ann"),))
        with pytest.raises(NotFound, match="phone"):
            world.give(SignIn(agent_id="ann", phone_id=""))

    def test_idle_agents_reserved_for_better_chats_are_counted_by_room(self) -> None:
        world = world_of(chatter("ann", chat=2), reserve=1, reserve_priority=1)
        comes(world, "1", priority=5)
        assert world.offered_to("1") == ""
        comes(world, "2", priority=1)
        assert world.offered_to("2") == "ann"

    def test_queues_for_chats_take_turns_by_their_shares(self) -> None:
        ann = chatter("ann", chat=6, skills={"service": 5})
        world = World(queue("a", **WEB, share=2), queue("b", **WEB, share=1), agents=(ann,))
        for number in range(6):
            comes(world, f"a{number}", "a")
            comes(world, f"b{number}", "b")
        world.come("ann")
        offered = [offer.queue_id for offer in world.state.offers.values()]
        assert (offered.count("a"), offered.count("b")) == (4, 2)
