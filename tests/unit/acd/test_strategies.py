"""Who is offered a contact, strategy by strategy and rule by rule."""

from __future__ import annotations

from typing import Any

import pytest

from ipcc.contracts.acd import AgentState as S
from ipcc.contracts.acd import (
    ChangeEntry,
    EntryChanged,
    EntryEnded,
    OfferEnded,
    OfferMade,
    PullEntry,
    SetNotReady,
    SetReady,
)
from ipcc.errors import NotNow
from services.acd.core.inputs import PickedUp
from tests.unit.acd.world import NODE, World, queue, user

ALL = ("ann", "bob", "cho")


def world_of(**rules: Any) -> World:
    """Three agents who can do service at 5, 7 and 9, and a queue with these rules."""
    agents = (user("ann"), user("bob", skills={"service": 7, "cards": 9}), user("cho", skills={"service": 9}))
    return World(queue(wrap_up_s=0, **rules), agents=agents)


def talk(world: World, name: str, seconds: float) -> str:
    """A whole conversation; who had it."""
    world.call(name)
    agent = world.offered_to(name)
    offer = world.serve(name)
    world.wait(seconds)
    world.drop_agent_leg(offer)
    return agent


def order_of(world: World, count: int, seconds: float = 10) -> list[str]:
    done = len(world.told(EntryEnded))
    return [talk(world, f"n{done + n}", seconds) for n in range(count)]


def test_longest_idle() -> None:
    world = world_of()
    world.come(*ALL)
    assert order_of(world, 4) == ["ann", "bob", "cho", "ann"]


def test_most_idle_share_counts_how_long_they_worked_and_not_when() -> None:
    world = world_of(strategy="most_idle_share")
    world.come(*ALL)
    assert [talk(world, "a", 300), talk(world, "b", 60), talk(world, "c", 10)] == ["ann", "bob", "cho"]
    # cho worked last, but least
    assert [talk(world, "d", 100), talk(world, "e", 1)] == ["cho", "bob"]
    assert talk(world, "f", 1) == "bob"


def test_least_busy_counts_contacts_since_sign_in() -> None:
    world = world_of(strategy="least_busy")
    world.come("ann", "bob")
    assert order_of(world, 3) == ["ann", "bob", "ann"]
    world.come("cho")
    # bob had one contact and ann two; among equals who worked less: bob 10 s, cho 10 s, bob idle longer
    assert order_of(world, 3) == ["cho", "bob", "cho"]


def test_best_skill() -> None:
    world = world_of(strategy="best_skill")
    world.come(*ALL)
    for name, agent in (("a", "cho"), ("b", "bob"), ("c", "ann")):
        world.call(name)
        assert world.offered_to(name) == agent


def test_round_robin_goes_by_the_last_offer_not_by_idleness() -> None:
    world = world_of(strategy="round_robin")
    world.come(*ALL)
    assert order_of(world, 2) == ["ann", "bob"]
    world.give(SetNotReady(agent_id="cho", reason="lunch"))
    world.wait(60)
    world.give(SetReady(agent_id="cho"))
    assert order_of(world, 3) == ["cho", "ann", "bob"]


def test_top_down_follows_the_list_and_then_idleness() -> None:
    world = world_of(strategy="top_down", agent_order=("cho", "bob"))
    world.come(*ALL)
    assert order_of(world, 2) == ["cho", "cho"]
    for name, agent in (("a", "cho"), ("b", "bob"), ("c", "ann")):
        world.call(name)
        assert world.offered_to(name) == agent


def test_ring_all_rings_all_and_the_first_to_answer_wins() -> None:
    world = world_of(strategy="ring_all", ring_at_once=2)
    world.come(*ALL)
    world.call("x")
    made = world.told(OfferMade)
    assert [offer.agent_id for offer in made] == ["ann", "bob"]
    world.give(PickedUp(made[1].offer_id, NODE))
    assert [(e.agent_id, e.outcome, e.cause_text) for e in world.told(OfferEnded)] == [
        ("ann", "withdrawn", "bob was first")
    ]
    assert world.stands("ann")[0] is S.READY
    world.give(PickedUp(made[0].offer_id, NODE))
    assert world.entry("x").offer_id == made[1].offer_id


def test_a_caller_who_hangs_up_frees_everybody_rung_for_him() -> None:
    world = world_of(strategy="ring_all")
    world.come(*ALL)
    world.call("x")
    world.hang_up("x")
    assert [world.stands(agent)[0] for agent in ALL] == [S.READY] * 3


def test_agents_of_preferred_groups_and_sites_come_first() -> None:
    world = World(queue(prefer_groups=("night",), prefer_sites=("south",)))
    for name, at in (("ann", {}), ("bob", {"site": "south"}), ("cho", {"groups": ("night",)})):
        world.hire(user(name, **at))
    world.come(*ALL)
    for name, agent in (("a", "bob"), ("b", "cho"), ("c", "ann")):
        world.call(name)
        assert world.offered_to(name) == agent


def test_rules_are_relaxed_step_by_step_and_say_so() -> None:
    steps = ({"after_s": 10, "lower_by": 2}, {"after_s": 30, "drop": ("service",)})
    world = World(queue(skills={"service": 9}, relax=steps))
    world.hire(user("ann", skills={"service": 7}))
    world.hire(user("bob", skills={"loans": 1}))
    world.come("bob")
    world.call("x")
    world.wait(15)
    assert world.entry("x").step == 1
    world.come("ann")
    assert world.offered_to("x") == "ann"
    assert world.told(OfferMade)[0].why["relaxations"] == 1
    world.serve("x")
    world.call("y")
    world.wait(29)
    assert not world.offered_to("y")
    world.wait(1)
    assert world.offered_to("y") == "bob"
    assert [e.reason for e in world.told(EntryChanged)] == ["relaxed"] * 3


def test_a_queue_of_one_group_widens_to_another() -> None:
    world = World(queue(groups=("day",), relax=({"after_s": 20, "groups": ("night",)},)))
    world.hire(user("ann", groups=("night",)))
    world.come("ann")
    world.call("x")
    assert not world.offered_to("x")
    world.wait(20)
    assert world.offered_to("x") == "ann"


def test_a_contact_waits_for_its_agent_and_then_takes_anybody() -> None:
    world = world_of(preferred_wait_s=30)
    world.come(*ALL)
    world.give(SetNotReady(agent_id="bob", reason="lunch"))
    world.call("x", preferred=("bob",))
    world.call("y")
    assert world.offered_to("y") == "ann"
    made = world.told(OfferMade)[-1]
    assert made.why["inverted_by"] == {"waits_for_preferred": 1}
    world.serve("y")
    world.wait(30)
    assert world.offered_to("x") == "cho"


def test_a_contact_whose_agent_is_here_gets_him_and_one_whose_agent_is_out_does_not_wait() -> None:
    world = world_of(preferred_wait_s=30)
    world.come("ann", "bob")
    world.call("x", preferred=("bob",))
    world.call("y", preferred=("cho",))
    assert (world.offered_to("x"), world.offered_to("y")) == ("bob", "ann")


def test_the_last_idle_agents_are_kept_for_better_priorities() -> None:
    world = world_of(reserve=1, reserve_priority=2)
    world.come("ann", "bob")
    for name, priority in (("a", 5), ("b", 5), ("c", 2)):
        world.call(name, priority=priority)
    assert (world.offered_to("a"), world.offered_to("b"), world.offered_to("c")) == ("ann", "", "bob")
    world.come("cho")
    assert not world.offered_to("b")


def test_precedence_by_attribute_is_named_and_goes_first() -> None:
    world = world_of(precedence=({"when": 'segment == "vip" and balance >= 100', "priority": 1},))
    world.call("plain")
    world.call("vip", attributes={"segment": "vip", "balance": "250"})
    world.come("ann")
    assert world.offered_to("vip") == "ann"
    assert world.entry("vip").priority == 1


def test_waiting_is_worth_priority_when_the_queue_says_so() -> None:
    world = world_of(ageing_s=60)
    world.call("old", priority=5)
    world.wait(130)
    world.call("new", priority=3)
    world.call("urgent", priority=1)
    world.come("ann", "bob", "cho")
    assert [(o.entry_id, o.agent_id) for o in world.told(OfferMade)] == [
        ("entry-urgent", "ann"),
        ("entry-old", "bob"),
        ("entry-new", "cho"),
    ]


def test_queues_that_share_agents_take_turns_by_weight() -> None:
    world = World(queue("service", wrap_up_s=0, share=3), queue("cards", wrap_up_s=0, share=1))
    world.hire(user("ann", skills={"service": 5, "cards": 5}))
    for number in range(12):
        world.call(f"s{number}")
        world.call(f"c{number}", "cards")
    world.come("ann")
    for _ in range(12):
        offer = world.state.offers[world.agent("ann").offer_id]
        world.serve(offer.entry_id.removeprefix("entry-"))
        world.wait(1)
        world.drop_agent_leg(offer.id)
    served = [offer.queue_id for offer in world.told(OfferMade)][:12]
    assert (served.count("service"), served.count("cards")) == (9, 3)


def test_a_contact_in_two_queues_is_served_by_whoever_is_first() -> None:
    world = World(queue("service"), queue("cards"))
    world.hire(user("bob", skills={"cards": 5}))
    world.hire(user("ann"))
    world.call("x", also=("cards",))
    world.come("bob")
    assert world.offered_to("x") == "bob"
    assert world.told(OfferMade)[0].queue_id == "cards"
    world.come("ann")
    assert world.stands("ann")[0] is S.READY
    world.serve("x")
    assert [(e.queue_id, e.agent_id) for e in world.told(EntryEnded)] == [("service", "bob")]


def test_an_expression_of_skills_decides_who_serves() -> None:
    world = World(queue(expression="cards >= 5 or loans >= 2"))
    world.hire(user("ann"))
    world.hire(user("bob", skills={"service": 4, "loans": 2}))
    world.come("ann", "bob")
    world.call("x")
    assert world.offered_to("x") == "bob"
    assert world.told(OfferMade)[0].why["others"] == {"ann": "does not fulfil cards >= 5 or loans >= 2"}


def test_a_waiting_contact_is_moved_and_keeps_its_clock() -> None:
    world = World(queue("service"), queue("cards"))
    world.hire(user("bob", skills={"cards": 5}))
    world.call("x")
    entered = world.entry("x").entered_at
    world.come("bob")
    world.call("later", "cards", priority=9)
    world.wait(5)
    world.give(ChangeEntry(entry_id="entry-x", queue_id="cards", priority=1, by="eve"))
    assert world.entry("x").entered_at == entered
    assert [(e.reason, e.from_queue_id, e.by) for e in world.told(EntryChanged)] == [
        ("moved", "service", "eve"),
        ("reprioritised", "cards", "eve"),
    ]


def test_a_contact_is_pulled_to_an_agent_and_the_offer_says_so() -> None:
    world = world_of()
    world.call("first", skills={"cards": 9})
    world.come("ann")
    world.give(PullEntry(entry_id="entry-first", agent_id="ann", by="eve"))
    assert world.offered_to("first") == "ann"
    assert world.told(OfferMade)[0].why["rule"] == "pulled"
    with pytest.raises(NotNow, match="being offered already"):
        world.give(PullEntry(entry_id="entry-first", agent_id="ann"))
    world.call("second", skills={"cards": 9})
    with pytest.raises(NotNow, match="agent ann is offered"):
        world.give(PullEntry(entry_id="entry-second", agent_id="ann"))


def test_who_waited_too_long_is_sent_where_the_queue_says() -> None:
    world = world_of(max_wait_s=30, overflow_to="voicemail:bank")
    world.call("x")
    world.wait(30)
    assert [(e.outcome, e.target) for e in world.told(EntryEnded)] == [("overflowed", "voicemail:bank")]
