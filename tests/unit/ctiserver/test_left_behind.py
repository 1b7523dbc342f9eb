"""Who is left behind by a hang-up in the middle of something, and whose desktop is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ipcc.call.book import CallBook
from ipcc.call.model import Call, FlowStay, Leg, Tick
from ipcc.contracts.call import DesktopChanged, Direction
from ipcc.contracts.tags import LegRole
from ipcc.ids import CallId, LegId, NodeId
from services.ctiserver.core.minding import Case, Remedy, find_cases
from services.ctiserver.core.presence import Presence
from services.ctiserver.core.signing import signature

T0 = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
JOINED = Tick(T0, frozenset({"bridged"}))
CUSTOMER = Leg(
    LegId("c"), CallId("c"), NodeId("fs1"), LegRole.CUSTOMER, T0, answered_at=T0, bridging=JOINED, is_parked=True
)
AGENT = replace(CUSTOMER, leg_id=LegId("a"), role=LegRole.AGENT, consults=LegId("d"))
THIRD = replace(CUSTOMER, leg_id=LegId("d"), role=LegRole.CONSULT)
WAITS = replace(CUSTOMER, is_waiting=True, waits_for=LegId("a"))
GONE = replace(AGENT, ended_at=T0)


def cases(*legs: Leg) -> list[Case]:
    book = CallBook()
    live = frozenset(leg.leg_id for leg in legs if leg.is_live)
    ids = tuple(leg.leg_id for leg in legs)
    book.calls[CallId("c")] = Call(CallId("c"), NodeId("fs1"), Direction.INBOUND, T0, leg_ids=ids, live=live)
    for leg in legs:
        book.put(leg)
    return find_cases(book, "fs1")


def test_nobody_is_left_behind_in_a_call_or_a_consult_that_goes_on() -> None:
    talking = replace(AGENT, bridged_to=LegId("c"), is_parked=False)
    assert cases(replace(CUSTOMER, bridged_to=LegId("a"), is_parked=False), talking) == []
    consulting = replace(AGENT, bridged_to=LegId("d"), is_parked=False)
    assert cases(WAITS, consulting, replace(THIRD, bridged_to=LegId("a"))) == []
    dialling = replace(AGENT, is_parked=False)
    assert cases(WAITS, dialling, replace(THIRD, answered_at=None, bridging=Tick())) == []
    assert cases(WAITS, AGENT, replace(THIRD, ended_at=T0)) == []


def test_the_two_an_agent_leaves_in_a_consult_are_joined_once() -> None:
    assert cases(WAITS, GONE, THIRD) == [Case(Remedy.JOIN, LegId("c"), LegId("d"))]
    # the third waits, the customer was talked to
    third = replace(THIRD, is_waiting=True, waits_for=LegId("a"))
    assert cases(CUSTOMER, GONE, third) == [Case(Remedy.JOIN, LegId("d"), LegId("c"))]


def test_a_customer_with_nobody_left_meets_the_net_and_a_third_alone_is_hung_up() -> None:
    assert cases(WAITS, GONE, replace(THIRD, ended_at=T0)) == [Case(Remedy.NET, LegId("c"))]
    assert cases(CUSTOMER, GONE, replace(THIRD, ended_at=T0)) == [Case(Remedy.NET, LegId("c"))]
    assert cases(replace(CUSTOMER, ended_at=T0), GONE, THIRD) == [Case(Remedy.END, LegId("d"))]


def test_a_customer_in_a_flow_finishes_it_though_his_agent_is_gone() -> None:
    walking = replace(WAITS, in_flow=FlowStay("s", "pin", T0))
    assert cases(walking, GONE) == []
    assert cases(walking, replace(AGENT, consults=None)) == []


def test_while_somebody_is_still_being_dialled_nothing_is_decided() -> None:
    assert cases(WAITS, GONE, replace(THIRD, answered_at=None)) == []


def test_an_agent_nobody_is_left_for_is_hung_up_but_not_one_who_was_never_joined() -> None:
    ended = replace(CUSTOMER, ended_at=T0)
    assert cases(ended, AGENT, replace(THIRD, ended_at=T0)) == [Case(Remedy.END, LegId("a"))]
    assert cases(CUSTOMER, replace(AGENT, bridging=Tick(), consults=None)) == []


def test_a_customer_parked_by_others_is_left_to_them() -> None:
    assert cases(CUSTOMER) == []
    assert cases(CUSTOMER, replace(GONE, consults=None)) == []
    assert cases(replace(CUSTOMER, is_waiting=True)) == []


def test_the_last_one_in_a_room_and_a_supervisor_without_a_call_are_hung_up() -> None:
    alone = replace(CUSTOMER, room="c", is_parked=False)
    assert cases(alone, replace(GONE, room="c")) == [Case(Remedy.END, LegId("c"))]
    assert cases(alone, replace(AGENT, room="c")) == []
    boss = replace(AGENT, leg_id=LegId("s"), role=LegRole.SUPERVISOR, supervises=LegId("a"), consults=None)
    assert Case(Remedy.END, LegId("s")) in cases(CUSTOMER, replace(GONE, consults=None), boss)


def test_the_newest_desktop_is_the_one_and_losing_an_older_one_changes_nothing() -> None:
    presence = Presence()
    for number, (desktop, connected) in enumerate([("d1", True), ("d2", True), ("d1", False)]):
        changed = DesktopChanged(agent_id="li", desktop_id=desktop, connected=connected)
        presence.take(changed, T0 + timedelta(seconds=number))
    assert presence.is_taken("li", "d1")
    assert not presence.is_taken("li", "d2")
    assert list(presence.lost_before(T0 + timedelta(hours=1))) == []
    presence.take(DesktopChanged(agent_id="li", desktop_id="d2", connected=False), T0)
    assert [agent for agent, _ in presence.lost_before(T0)] == ["li"]
    presence.forget(T0 + timedelta(hours=2), timedelta(hours=1))
    assert presence.desks == {}


def test_a_signature_is_of_this_body_this_moment_and_this_secret() -> None:
    given = signature("secret", T0, b"body")
    assert given.startswith(f"t={int(T0.timestamp())},v1=")
    others = {signature("other", T0, b"body"), signature("secret", T0, b"other")}
    assert given not in others | {signature("secret", T0 + timedelta(seconds=1), b"body")}
