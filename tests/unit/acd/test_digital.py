"""Contacts in writing: offered, taken, declined and ended without any leg; and what is refused at the door."""

from __future__ import annotations

import pytest

from ipcc.contracts.acd import (
    AgentState,
    ChangeEntry,
    ContactHandled,
    EndWrapUp,
    EntryEnded,
    EntryOutcome,
    LeaveQueue,
    OfferEnded,
    OfferMade,
    OfferOutcome,
    PullEntry,
    SignOut,
)
from ipcc.contracts.callback import RequestCallback
from ipcc.contracts.digital import AcceptOffer, ContactEnded, DeclineOffer
from ipcc.errors import Invalid, NotFound, NotNow
from services.acd.core.inputs import Bridged, Joined, PickedUp, Rang, RingFailed
from services.acd.core.snapshot import from_dict, to_dict
from tests.unit.acd.world import NODE, changed, enqueue, queue, user
from tests.unit.acd.written import WEB, accept, chats, chatter, comes, end, world_of


class TestOffers:
    def test_an_offer_in_writing_rings_no_phone_and_stands_as_long_as_its_queue_says(self) -> None:
        world = world_of(chatter("ann"), ring_s=30)
        decision = comes(world, "1")
        made = world.told(OfferMade)[-1]
        assert decision.effects == ()
        assert (made.medium, made.phone_id, made.node_id, made.capacity) == ("chat", "", "", 3)
        assert (made.deadline - world.now).total_seconds() == 30

    def test_taken_it_leaves_the_queue_answered_and_the_telephone_stays_ready(self) -> None:
        world = world_of(chatter("ann"))
        comes(world, "1")
        world.wait(4)
        answer = accept(world, "1")
        ended = world.told(EntryEnded)[-1]
        assert (ended.outcome, ended.agent_id, ended.wait_ms) == (EntryOutcome.ANSWERED, "ann", 4_000)
        assert answer.result["is_over"] is False
        assert world.agent("ann").state is AgentState.READY

    def test_taking_it_twice_answers_the_same_and_changes_nothing(self) -> None:
        world = world_of(chatter("ann"))
        comes(world, "1")
        again = AcceptOffer(agent_id="ann", offer_id=world.offer_of("1"))
        first, second = world.give(again), world.give(again)
        assert second.result == first.result
        assert second.events == ()

    def test_the_offer_of_another_cannot_be_taken_or_declined(self) -> None:
        world = world_of(chatter("ann"), chatter("bob"))
        comes(world, "1")
        for kind in (AcceptOffer, DeclineOffer):
            with pytest.raises(NotFound):
                world.give(kind(agent_id="bob", offer_id=world.offer_of("1")))
        assert world.offered_to("1") == "ann"

    def test_a_call_is_not_taken_at_the_desktop(self) -> None:
        world = world_of(chatter("ann"))
        world.call("1")
        for given in (
            AcceptOffer(agent_id="ann", offer_id=world.offer_of("1")),
            DeclineOffer(agent_id="ann", offer_id=world.offer_of("1")),
        ):
            with pytest.raises(NotNow) as refused:
                world.give(given)
            assert refused.value.code == "acd.by_phone"
        world.serve("1")
        with pytest.raises(NotNow) as refused:
            end(world, "1")
        assert refused.value.code == "acd.by_phone"

    def test_nothing_a_switch_says_is_about_an_offer_in_writing_or_a_conversation(self) -> None:
        world = world_of(chatter("ann"))
        comes(world, "1")
        offer_id = world.offer_of("1")
        bridge = Bridged("leg", offer_id, world.now)
        said = (PickedUp(offer_id, NODE), Rang(offer_id, NODE), Joined(offer_id), RingFailed(offer_id, "X"), bridge)
        assert [world.give(one).events for one in said] == [()] * len(said)
        assert world.drop_agent_leg(offer_id).events == ()
        accept(world, "1")
        assert world.drop_agent_leg(offer_id).events == ()
        assert world.state.contacts["entry-1"].ended_at is None

    def test_not_taken_in_time_he_is_not_ready_and_the_next_is_offered_it(self) -> None:
        world = world_of(chatter("ann"), chatter("bob"), ring_s=10, return_after_s=60)
        comes(world, "1")
        world.wait(10)
        assert world.stands("ann") == (AgentState.NOT_READY, "no_answer")
        assert world.offered_to("1") == "bob"
        assert world.told(OfferEnded)[-1].outcome is OfferOutcome.NO_ANSWER
        world.wait(60)
        assert world.stands("ann") == (AgentState.READY, "")

    def test_declined_where_the_queue_lets_him_stay_ready_he_rests_a_moment(self) -> None:
        world = world_of(chatter("ann"), after_no_answer="ready")
        comes(world, "1")
        world.give(DeclineOffer(agent_id="ann", offer_id=world.offer_of("1")))
        assert world.stands("ann") == (AgentState.NOT_READY, "declined")
        world.wait(5)
        assert world.offered_to("1") == "ann"

    def test_not_taken_while_he_talks_he_talks_on_and_is_offered_no_more_until_he_is_ready(self) -> None:
        world = world_of(chatter("ann", blending={"beside_call": {"chat": 2}}), ring_s=10)
        world.call("1")
        offer_id = world.serve("1")
        comes(world, "2")
        world.wait(10)
        assert (world.agent("ann").state, world.offered_to("2")) == (AgentState.TALKING, "")
        world.drop_agent_leg(offer_id)
        world.give(EndWrapUp(agent_id="ann"))
        assert world.offered_to("2") == "ann"

    def test_a_customer_who_stops_writing_is_told_by_his_service(self) -> None:
        world = world_of(chatter("ann"))
        comes(world, "1")
        world.give(LeaveQueue(entry_id="entry-1", outcome=EntryOutcome.ABANDONED))
        assert world.told(OfferEnded)[-1].outcome is OfferOutcome.CALLER_GONE
        assert world.told(EntryEnded)[-1].outcome is EntryOutcome.ABANDONED
        assert world.stands("ann") == (AgentState.READY, "")
        assert world.agent("ann").in_writing == 0

    def test_a_caller_is_not_abandoned_by_command(self) -> None:
        world = world_of()
        world.call("1")
        with pytest.raises(Invalid):
            world.give(LeaveQueue(entry_id="entry-1", outcome=EntryOutcome.ABANDONED))

    def test_announced_to_all_at_once_the_first_to_take_it_has_it(self) -> None:
        world = world_of(chatter("ann"), chatter("bob"), strategy="ring_all")
        comes(world, "1")
        assert {o.agent_id for o in world.state.offers.values()} == {"ann", "bob"}
        bobs = next(o.id for o in world.state.offers.values() if o.agent_id == "bob")
        world.give(AcceptOffer(agent_id="bob", offer_id=bobs))
        assert world.state.offers == {}
        assert (world.agent("ann").in_writing, world.agent("bob").in_writing) == (0, 1)

    def test_pulled_it_needs_room(self) -> None:
        world = world_of(chatter("ann", chat=1))
        chats(world, "1")
        comes(world, "2")
        with pytest.raises(NotNow, match="holds 1 chat of 1"):
            world.give(PullEntry(entry_id="entry-2", agent_id="ann"))


class TestEnd:
    def test_wrap_up_keeps_the_place_until_its_time_is_over(self) -> None:
        world = world_of(chatter("ann", chat=1), wrap_up_s=20)
        chats(world, "1")
        world.wait(30)
        end(world, "1")
        comes(world, "2")
        assert world.told(ContactEnded)[-1].until == world.state.contacts["entry-1"].until
        world.wait(19)
        assert world.offered_to("2") == ""
        world.wait(1)
        assert world.offered_to("2") == "ann"
        handled = world.told(ContactHandled)[-1]
        assert (handled.talk_ms, handled.wrap_up_ms, handled.medium) == (30_000, 20_000, "chat")

    def test_ending_it_again_answers_and_changes_nothing(self) -> None:
        world = world_of(chatter("ann"))
        chats(world, "1")
        end(world, "1")
        again = end(world, "1")
        assert again.events == ()
        assert again.result["outcome"] == "answered"

    def test_what_nobody_serves_cannot_be_ended(self) -> None:
        world = world_of()
        comes(world, "1")
        with pytest.raises(NotNow) as refused:
            end(world, "1")
        assert refused.value.code == "acd.not_answered"
        with pytest.raises(NotFound):
            end(world, "2")

    def test_its_wrap_up_is_ended_by_its_own_agent_once_the_conversation_is_over(self) -> None:
        world = world_of(chatter("ann"), chatter("bob"), wrap_up_s=60)
        chats(world, "1")
        with pytest.raises(NotNow):
            world.give(EndWrapUp(agent_id="ann", entry_id="entry-1"))
        end(world, "1")
        world.give(EndWrapUp(agent_id="ann", entry_id="entry-1", code="sold"))
        assert world.told(ContactHandled)[-1].wrap_up_code == "sold"
        with pytest.raises(NotFound):
            world.give(EndWrapUp(agent_id="bob", entry_id="entry-9"))

    def test_who_holds_a_chat_signs_out_by_force_alone_and_his_chat_goes_on(self) -> None:
        world = world_of(chatter("ann"))
        chats(world, "1")
        comes(world, "2")
        with pytest.raises(NotNow) as refused:
            world.give(SignOut(agent_id="ann"))
        assert refused.value.code == "acd.agent_engaged"
        world.give(SignOut(agent_id="ann", force=True))
        assert (world.agent("ann").state, world.offered_to("2")) == (AgentState.OUT, "")
        world.come("ann")
        assert world.agent("ann").state is AgentState.READY
        assert world.agent("ann").in_writing == 2
        end(world, "1")
        assert world.told(ContactHandled)[-1].entry_id == "entry-1"

    def test_work_in_writing_counts_as_work(self) -> None:
        world = world_of(chatter("ann"))
        chats(world, "1", "2")
        world.wait(100)
        end(world, "1")
        world.wait(50)
        end(world, "2")
        assert world.agent("ann").busy_s == pytest.approx(150)
        assert world.agent("ann").handled == 2


class TestDoors:
    def test_a_caller_is_refused_by_a_queue_for_chats_and_a_chat_by_one_for_calls(self) -> None:
        world = world_of()
        with pytest.raises(Invalid) as refused:
            world.give(enqueue("1", "web", world.now))
        assert refused.value.code == "acd.wrong_medium"
        with pytest.raises(Invalid) as refused:
            comes(world, "1", "service")
        assert refused.value.code == "acd.bad_id"
        assert world.state.entries == {}

    def test_it_waits_in_queues_of_its_medium_alone(self) -> None:
        world = world_of()
        with pytest.raises(Invalid) as refused:
            comes(world, "1", also=("letters",))
        assert refused.value.code == "acd.wrong_medium"
        comes(world, "1")
        with pytest.raises(Invalid):
            world.give(ChangeEntry(entry_id="entry-1", queue_id="letters"))
        assert world.entry("1").queue_id == "web"

    def test_it_is_not_called_back(self) -> None:
        world = world_of()
        comes(world, "1")
        with pytest.raises(NotNow) as refused:
            world.give(RequestCallback(entry_id="entry-1", phone_number="13800000001"))
        assert refused.value.code == "acd.no_callback"

    def test_rules_that_would_have_it_called_back_are_not_taken(self) -> None:
        world = world_of()
        world.give(changed(queue("web", **WEB, callback={})))
        assert world.state.broken == {"web": "a queue for chat does not call back"}
        assert world.state.queues["web"].callback is None

    def test_a_queue_that_changes_its_medium_serves_those_in_it_as_they_came(self) -> None:
        world = world_of()
        comes(world, "1")
        world.give(changed(queue("web", skills={"service": 3})))
        world.come("ann")
        assert world.offered_to("1") == ""
        world.hire(chatter("bob"))
        world.come("bob")
        assert world.offered_to("1") == "bob"


def test_a_snapshot_restores_what_everybody_holds() -> None:
    world = world_of(chatter("ann"), wrap_up_s=30)
    chats(world, "1", "2")
    end(world, "1")
    comes(world, "3")
    saved = to_dict(world.state)
    restored = from_dict("default", saved, {})
    assert to_dict(restored) == saved
    assert restored.agents["ann"].uses == world.agent("ann").uses
    assert restored.contacts["entry-1"].until == world.state.contacts["entry-1"].until


def test_a_snapshot_from_before_there_were_media_is_read_as_calls() -> None:
    world = world_of(user("ann"))
    world.call("1")
    saved = to_dict(world.state)
    for table, added in (("agents", "uses"), ("entries", "medium"), ("offers", "medium")):
        for row in saved[table]:
            del row[added]
    restored = from_dict("default", saved, {})
    assert restored.offers == world.state.offers
    assert restored.agents["ann"].uses == {}
