"""Callbacks, decided: the window, the hours of the day, the place in the queue, and numbers that are none."""

from __future__ import annotations

from typing import Any

import pytest

from ipcc.contracts.acd import AgentState, EntryEnded, EntryOutcome
from ipcc.contracts.callback import CancelCallback, RequestCallback
from ipcc.errors import NotFound, Refused
from services.acd.core.inputs import RingFailed
from services.acd.core.state import PAST_KEPT
from tests.unit.acd.world import NODE, World, queue

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
