"""Callbacks, decided: the window, the hours of the day, the place in the queue, and numbers that are none."""

from __future__ import annotations

from typing import Any

import pytest

from ipcc.contracts.acd import AgentState, EntryEnded, EntryOutcome
from ipcc.contracts.callback import CallbackOutcome, CallbackTried, CancelCallback, RequestCallback
from ipcc.contracts.config import ConfigObject, DialPlan, DialRule, Organisation
from ipcc.errors import Invalid, NotAllowed, NotFound, Refused
from services.acd.core.effects import DialCustomer
from services.acd.core.inputs import PickedUp, RingFailed
from services.acd.core.state import PAST_KEPT
from tests.unit.acd.world import NODE, World, changed, queue

NUMBER = "13800000009"
ALL_DAY = {"not_before": "00:00", "not_after": "24:00", "pause_s": 60, "ring_s": 10}


def world(**rules: Any) -> World:
    return World(queue(callback={**ALL_DAY, **rules}))


def ask(name: str = "a", **fields: Any) -> RequestCallback:
    return RequestCallback.model_validate(
        {"entry_id": f"entry-{name}", "queue_id": "service", "phone_number": NUMBER, **fields}
    )


def test_a_window_that_closes_ends_it_unreached() -> None:
    day = world(window_s=120)
    day.give(ask())
    day.wait(121)
    (ended,) = day.told(EntryEnded)
    assert (ended.outcome, ended.target, ended.wait_ms) == (EntryOutcome.UNREACHED, "window", 120_000)


def test_nobody_is_dialled_outside_the_hours_of_the_day() -> None:
    # 17:00 in the queue's zone
    day = world(not_before="08:00", not_after="17:30", window_s=86_400)
    day.give(ask())
    day.wait(1801)
    day.come("ann")
    assert day.entry("a").is_paused
    assert not day.offered_to("a")
    day.wait(14.5 * 3600)
    assert day.offered_to("a") == "ann"


def test_a_caller_who_asked_may_hang_up_and_stands_where_he_stood() -> None:
    day = world()
    day.call("a", caller_number=NUMBER)
    day.wait(5)
    day.call("b")
    day.give(RequestCallback(entry_id="entry-a"))
    day.hang_up("a")
    day.come("ann")
    assert day.offered_to("a") == "ann"
    assert not day.told(EntryEnded)


def test_the_agent_of_a_customer_who_was_not_reached_keeps_his_place() -> None:
    day = world(first="customer")
    day.come("ann", "bob")
    idle_since = day.agent("ann").idle_since
    day.give(ask())
    (leg_id,) = day.state.by_customer
    day.give(RingFailed(leg_id, "USER_BUSY"))
    assert day.agent("ann").state is AgentState.READY
    assert day.agent("ann").idle_since == idle_since
    assert day.entry("a").is_paused
    day.wait(61)
    assert day.offered_to("a") == "bob"
    assert day.state.offers[day.offer_of("a")].node_id == NODE


@pytest.mark.parametrize("given", [ask(phone_number=""), ask(queue_id="nowhere"), CancelCallback(entry_id="nobody")])
def test_what_cannot_be_called_back_is_refused(given: object) -> None:
    with pytest.raises(Refused):
        world().give(given)


def test_who_ended_so_long_ago_that_he_is_forgotten_is_not_taken_in_again_unless_a_queue_is_named() -> None:
    day = world()
    day.call("a", caller_number=NUMBER)
    day.hang_up("a")
    day.wait(PAST_KEPT.total_seconds() + 1)
    day.call("b")
    day.hang_up("b")
    with pytest.raises(NotFound, match="nobody waits as entry-a"):
        day.give(RequestCallback(entry_id="entry-a", phone_number=NUMBER))
    assert [ended.entry_id for ended in day.told(EntryEnded)] == ["entry-a", "entry-b"]
    assert not day.state.entries


BANK = Organisation(id="bank", name="Bank")
SALES = Organisation(id="sales", name="Sales", parent="bank")
RULES = (
    DialRule(name="urgent", reach="emergency", pattern="(110|119)"),
    DialRule(name="premium", pattern=r"168\d{5,8}", allow=False),
    DialRule(name="mobile", pattern=r"1[3-9]\d{9}", gateway="mobile", prefix="0", roles=("system",)),
    DialRule(name="abroad", pattern=r"00\d{6,18}", roles=("supervisor",)),
    DialRule(name="desks", reach="internal", pattern=r"8\d{4}", strip=1),
)


def planned(*plans: DialPlan, **rules: Any) -> World:
    day = world(**rules)
    things: tuple[ConfigObject, ...] = (BANK, SALES, *plans)
    for one in things:
        day.give(changed(one))
    return day


@pytest.mark.parametrize(("number", "rule"), [("16812345", "premium"), ("0049301234567", "abroad"), ("95500", "")])
def test_a_number_the_dial_plan_refuses_is_refused_by_the_name_of_the_rule_when_it_is_asked_for(
    number: str, rule: str
) -> None:
    day = planned(DialPlan(id="p", name="P", organisation="bank", rules=RULES))
    with pytest.raises(NotAllowed) as refused:
        day.give(ask(phone_number=number))
    assert (refused.value.code, refused.value.details["rule"]) == ("dial.not_allowed", rule)
    assert not day.state.entries
    with pytest.raises(Invalid, match="phone of ours"):
        day.give(ask(phone_number="81001"))


def test_a_customer_is_dialled_as_the_plan_of_the_queues_unit_says_and_not_once_it_no_longer_lets_him() -> None:
    wide = DialPlan(id="wide", name="Wide", organisation="bank", rules=(DialRule(name="all", pattern=r"\d{3,20}"),))
    day = planned(wide, DialPlan(id="p", name="P", organisation="sales", rules=RULES), organisation="sales")
    with pytest.raises(NotAllowed):
        day.give(ask(phone_number="16812345"))
    day.give(ask())
    day.come("ann")
    day.give(PickedUp(day.offer_of("a"), NODE))
    dialled = day.effects[-1]
    assert isinstance(dialled, DialCustomer)
    assert (dialled.gateway, dialled.phone_number) == ("mobile", f"0{NUMBER}")
    day.give(RingFailed(dialled.leg_id, "USER_BUSY"))
    day.give(changed(DialPlan(id="p", name="P", organisation="sales", rules=RULES[:2])))
    day.wait(61)
    day.give(PickedUp(day.offer_of("a"), NODE))
    dialled = day.effects[-1]
    assert isinstance(dialled, DialCustomer)
    assert dialled.phone_number == ""
    day.give(RingFailed(dialled.leg_id, "OUTGOING_CALL_BARRED"))
    tried = day.told(CallbackTried)[-1]
    assert (tried.outcome, tried.cause_text) == (CallbackOutcome.FAILED, "OUTGOING_CALL_BARRED")
