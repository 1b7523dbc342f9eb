"""A caller goes first to the agent who served him last, while there is hope of that one; then to everybody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ipcc.contracts.acd import AgentState, EntryChanged, EntryQueued, OfferMade, SetNotReady, SetReady, SignOut
from services.acd.core import last_agents
from services.acd.core.explanation import sentence
from services.acd.core.fold import evolve
from services.acd.core.snapshot import from_dict, to_dict
from services.acd.core.state import State
from tests.unit.acd.world import World, queue

NUMBER = "13800000009"


def day_of(**fields: Any) -> World:
    """Cho has just served NUMBER, who is customer c1; ann has been idle for longer than he."""
    terms = {"last_agent_wait_s": 30, "last_agent_within_s": 3600, "wrap_up_s": 0, **fields}
    day = World(queue(**terms))
    day.come("cho")
    day.call("a", caller_number=NUMBER, attributes={"customer_id": "c1"})
    offer = day.serve("a")
    day.come("ann")
    day.wait(10)
    day.drop_agent_leg(offer)
    day.wait(60)
    return day


def test_he_is_offered_to_the_agent_who_served_him_last_though_another_is_idle_longer() -> None:
    day = day_of()
    day.call("b", caller_number=NUMBER)
    assert day.offered_to("b") == "cho"
    queued, made = day.told(EntryQueued)[-1], day.told(OfferMade)[-1]
    assert (queued.last_agent, made.why["last_agent"]) == ("cho", "cho")
    assert "Waits for cho alone at first, who served this customer last." in sentence(queued)
    assert "served this customer last" in sentence(made)
    assert "上次服务该客户的座席 cho" in sentence(queued, "zh")
    assert "上次为该客户服务" in sentence(made, "zh")


def test_a_customer_the_flow_knows_is_recognised_at_another_number_and_another_at_his_number_is_not() -> None:
    day = day_of()
    day.call("b", caller_number="13800000001", attributes={"customer_id": "c1"})
    assert day.offered_to("b") == "cho"
    other = day_of()
    other.call("b", caller_number=NUMBER, attributes={"customer_id": "c2"})
    assert other.offered_to("b") == "ann"


def test_he_waits_for_an_agent_who_talks_as_long_as_his_queue_says_and_then_for_everybody() -> None:
    day = day_of()
    day.call("x", caller_number="13800000002", preferred=())
    day.call("y", caller_number="13800000003")
    for name in "xy":
        day.serve(name)
    day.come("bob")
    day.call("b", caller_number=NUMBER)
    assert day.offered_to("b") == ""
    day.wait(29)
    assert day.offered_to("b") == ""
    day.wait(2)
    assert day.offered_to("b") == "bob"
    changed, made = day.told(EntryChanged)[-1], day.told(OfferMade)[-1]
    assert changed.reason == "last_agent_wait_over"
    assert "cho, who served this customer last, is not waited for" in sentence(made)
    assert "等待上次服务的座席已到时限" in sentence(changed, "zh")


@pytest.mark.parametrize(
    "leave", [SignOut(agent_id="cho"), SetNotReady(agent_id="cho", reason="lunch")], ids=["out", "pause"]
)
def test_nobody_waits_for_one_who_is_out_or_on_a_pause(leave: Any) -> None:
    day = day_of()
    day.give(leave)
    day.call("b", caller_number=NUMBER)
    assert day.offered_to("b") == "ann"
    assert day.told(EntryQueued)[-1].last_agent == ""


@pytest.mark.parametrize(
    "leave", [SignOut(agent_id="cho", force=True), SetNotReady(agent_id="cho", reason="lunch")], ids=["out", "pause"]
)
def test_who_waits_for_him_waits_for_everybody_when_he_goes(leave: Any) -> None:
    day = day_of()
    day.give(SetNotReady(agent_id="ann", reason="lunch"))
    day.call("x", caller_number="13800000002")
    day.serve("x")
    day.give(SetReady(agent_id="ann"))
    day.call("b", caller_number=NUMBER)
    assert day.offered_to("b") == ""
    day.give(leave)
    assert day.offered_to("b") == "ann"
    assert day.told(EntryChanged)[-1].reason == "last_agent_away"


def test_one_who_is_back_by_himself_in_time_is_waited_for() -> None:
    day = day_of(return_after_s=20, ring_s=5)
    day.give(SetNotReady(agent_id="ann", reason="lunch"))
    day.call("x", caller_number="13800000002")
    assert day.offered_to("x") == "cho"
    day.wait(7)
    assert day.stands("cho") == (AgentState.NOT_READY, "no_answer")
    day.hang_up("x")
    day.give(SetReady(agent_id="ann"))
    day.call("b", caller_number=NUMBER)
    assert day.offered_to("b") == ""
    day.wait(21)
    assert day.offered_to("b") == "cho"


def test_what_was_too_long_ago_or_needs_more_than_he_can_counts_for_nothing() -> None:
    day = day_of()
    day.call("b", caller_number=NUMBER, skills={"loans": 9})
    assert day.told(EntryQueued)[-1].last_agent == ""
    late = day_of(last_agent_within_s=60)
    late.wait(30)
    late.call("b", caller_number=NUMBER)
    assert late.offered_to("b") == "ann"
    never = day_of(last_agent_wait_s=0)
    never.call("b", caller_number=NUMBER)
    assert never.offered_to("b") == "ann"


def test_agents_the_flow_names_come_before_the_one_we_remember() -> None:
    day = day_of(preferred_wait_s=30)
    day.call("b", caller_number=NUMBER, preferred=("ann",))
    assert day.offered_to("b") == "ann"


def test_the_log_and_a_snapshot_restore_whom_each_was_served_by_and_no_number_of_anybody() -> None:
    day = day_of()
    state = State("default")
    for at, event in day.events:
        evolve(state, event, at)
    assert dict(state.served) == dict(day.state.served) != {}
    saved = to_dict(state)
    assert dict(from_dict("default", saved, {}).served) == dict(state.served)
    assert NUMBER not in str(saved["served"])
    del saved["served"]
    assert not from_dict("default", saved, {}).served


def test_as_many_as_are_kept_are_kept_and_none_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_agents, "SERVED_KEPT", 4)
    day = World(queue(wrap_up_s=0, last_agent_wait_s=30))
    day.come("cho")
    for number in range(8):
        day.call(str(number), caller_number=f"1380000000{number % 6}")
        day.drop_agent_leg(day.serve(str(number)))
        day.wait(1)
    assert len(day.state.served) == 4
    assert len(day.state.ages["served"]) <= 5
    day.call("b", caller_number="13800000001")
    assert day.told(EntryQueued)[-1].last_agent == "cho"
    day.hang_up("b")
    day.wait(last_agents.SERVED_AGE.total_seconds())
    day.call("c", caller_number="13800000009")
    day.drop_agent_leg(day.serve("c"))
    assert len(day.state.served) == 1
    assert timedelta(seconds=2_678_400 - 1) < last_agents.SERVED_AGE
