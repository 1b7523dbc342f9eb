"""Administered reasons of not being ready: who may give them, how many at once, and what happens past their time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ipcc.contracts.acd import AgentChanged, AgentState, SetNotReady, SetReady
from ipcc.contracts.config import ConfigChanged, PauseReason
from ipcc.errors import Invalid, NotAllowed, NotNow
from services.acd.core.fold import evolve
from services.acd.core.snapshot import from_dict, to_dict
from services.acd.core.state import State
from tests.unit.acd.world import World, changed, queue, user


def reason(code: str = "lunch", **fields: Any) -> PauseReason:
    return PauseReason.model_validate({"id": code, "name": "午餐", "name_en": "Lunch", **fields})


def day_of(*reasons: PauseReason) -> World:
    groups = {"ann": ("a",), "bob": ("a", "b"), "cho": ("b",)}
    staff = (user(name, groups=groups.get(name, ())) for name in ("ann", "bob", "cho", "dia"))
    day = World(queue(wrap_up_s=0), agents=tuple(staff))
    for one in reasons:
        day.give(changed(one))
    day.come("ann", "bob", "cho", "dia")
    return day


def rest(day: World, agent: str = "ann", code: str = "lunch", by: str = "") -> AgentChanged | None:
    told = len(day.told(AgentChanged))
    day.give(SetNotReady(agent_id=agent, reason=code, by=by))
    found: list[AgentChanged] = day.told(AgentChanged)
    return found[-1] if len(found) > told else None


def test_past_its_time_a_pause_goes_on_and_is_told_to_be_overdue_once() -> None:
    day = day_of(reason(limit_s=600))
    began = day.now
    told = rest(day)
    assert told is not None
    assert (told.limit_at, told.overdue) == (began + timedelta(seconds=600), False)
    day.wait(599)
    assert not day.agent("ann").overdue
    day.wait(2)
    last = day.told(AgentChanged)[-1]
    assert (last.agent_id, last.state, last.reason, last.overdue) == ("ann", AgentState.NOT_READY, "lunch", True)
    assert day.agent("ann").since == began
    count = len(day.told(AgentChanged))
    day.wait(3600)
    assert len(day.told(AgentChanged)) == count
    day.give(SetReady(agent_id="ann"))
    assert (day.agent("ann").overdue, day.agent("ann").limit_at) == (False, None)


def test_the_pauses_of_a_day_count_together_and_the_next_day_begins_anew() -> None:
    day = day_of(reason(limit_s=1200, daily_limit_s=1800))
    for _ in range(2):
        rest(day)
        day.wait(700)
        day.give(SetReady(agent_id="ann"))
    assert day.agent("ann").paused_s == {"lunch": 1400}
    began = day.now
    third = rest(day)
    assert third is not None
    assert third.limit_at == began + timedelta(seconds=400)
    day.wait(500)
    assert day.agent("ann").overdue
    day.give(SetReady(agent_id="ann"))
    fourth = rest(day)
    assert fourth is not None
    assert fourth.limit_at == day.now
    day.give(SetReady(agent_id="ann"))
    day.wait(24 * 3600)
    next_day = rest(day)
    assert next_day is not None
    assert next_day.limit_at == day.now + timedelta(seconds=1200)


def test_a_pause_asked_for_in_a_contact_has_its_time_from_when_it_begins() -> None:
    day = day_of(reason(limit_s=600))
    day.call("a")
    offer = day.serve("a")
    agent = day.told(AgentChanged)[-1].agent_id
    rest(day, agent)
    assert day.agent(agent).limit_at is None
    day.wait(900)
    day.drop_agent_leg(offer)
    assert day.stands(agent) == (AgentState.NOT_READY, "lunch")
    assert day.agent(agent).limit_at == day.now + timedelta(seconds=600)


def test_an_unknown_reason_is_refused_by_name_once_there_are_any() -> None:
    day = day_of()
    assert rest(day, code="whatever") is not None
    day.give(changed(reason()))
    with pytest.raises(Invalid, match="'siesta'; there are lunch") as refused:
        rest(day, "bob", "siesta")
    assert (refused.value.code, refused.value.details["reason"]) == ("acd.unknown_reason", "siesta")
    assert day.stands("bob") == (AgentState.READY, "")
    day.give(ConfigChanged(kind="pause_reason", object_id="lunch", version=2, object=None))
    assert rest(day, "bob", "siesta") is not None


def test_a_reason_for_other_roles_is_refused_and_a_supervisor_may_put_him_there_all_the_same() -> None:
    day = day_of(reason("coaching", roles=("supervisor",)))
    with pytest.raises(NotAllowed, match="'coaching' is for supervisor only") as refused:
        rest(day, code="coaching")
    assert refused.value.code == "acd.reason_not_allowed"
    assert rest(day, code="coaching", by="boss") is not None
    assert rest(day, "bob", "supervisor", by="boss") is not None
    with pytest.raises(Invalid):
        rest(day, "cho", "supervisor")


def test_no_more_of_a_group_than_may_be_are_not_ready_for_it_at_once() -> None:
    day = day_of(reason(most_at_once=1))
    rest(day, "ann")
    with pytest.raises(NotNow, match="1 of his group") as refused:
        rest(day, "bob")
    assert refused.value.code == "acd.reason_taken"
    # cho shares no group with ann, dia is in none
    assert rest(day, "cho") is not None
    assert rest(day, "dia") is not None
    assert rest(day, "ann") is None
    day.give(SetReady(agent_id="ann"))
    with pytest.raises(NotNow):
        rest(day, "bob")
    assert rest(day, "bob", by="boss") is not None


def test_what_the_router_itself_gives_as_reason_has_no_limit_and_a_restart_forgets_nothing() -> None:
    day = day_of(reason(limit_s=600, daily_limit_s=700))
    rest(day)
    day.wait(601)
    day.give(SetReady(agent_id="ann"))
    rest(day, "ann")
    state = State("default")
    for at, event in day.events:
        evolve(state, event, at)
    assert state.agents["ann"] == day.agent("ann")
    again = from_dict("default", to_dict(state), {})
    assert again.agents["ann"] == day.agent("ann")
    assert again.next_due() == state.next_due() == day.agent("ann").limit_at
    day.call("a")
    offered = day.offered_to("a")
    day.wait(60)
    assert day.stands(offered) == (AgentState.NOT_READY, "no_answer")
    assert day.agent(offered).limit_at is None
