"""Facts become messages to the agents they concern."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ipcc.contracts import acd, call, digital
from ipcc.contracts.envelope import wrap
from ipcc.contracts.payload import Payload
from ipcc.contracts.tags import LegRole
from services.ctiserver.core.desktop import Desktops, Message

T0 = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def desktops() -> Desktops:
    return Desktops(lambda _: None, lambda queue: queue.upper())


def take(known: Desktops, *payloads: Payload) -> list[Message]:
    events = [wrap(payload, event_id=str(n), source="test", time=T0) for n, payload in enumerate(payloads)]
    return [message for event in events for message in known.take(event)]


def leg(name: str, agent: str = "", of: str = "c1") -> call.LegStarted:
    role = LegRole.AGENT if agent else LegRole.CUSTOMER
    return call.LegStarted(call_id=of, leg_id=name, node_id="fs1", role=role, agent_id=agent)


def about(name: str, of: str = "c1") -> dict[str, Any]:
    return {"call_id": of, "leg_id": name, "node_id": "fs1"}


def test_a_hold_is_shown_to_every_agent_in_the_call_and_to_no_other() -> None:
    known = desktops()
    take(known, leg("c1"), leg("a1", "li"), leg("a2", "han"), leg("b1", "bo", of="c2"))
    out = take(known, call.LegHeld(**about("a1")))
    assert [(m.agent_id, m.type) for m in out] == [("han", "call.held"), ("li", "call.held")]


def test_a_bridge_between_two_calls_is_shown_once_to_each_agent() -> None:
    known = desktops()
    take(known, leg("a1", "li"), leg("b1", "bo", of="c2"))
    out = take(
        known,
        call.LegsBridged(**about("a1"), other_leg_id="b1"),
        call.LegsBridged(**about("b1", of="c2"), other_leg_id="a1"),
    )
    assert [(m.agent_id, m.data["leg_id"], m.data["other_leg_id"]) for m in out] == [
        ("li", "a1", "b1"),
        ("bo", "b1", "a1"),
    ]


def test_an_agent_who_left_the_call_hears_no_more_of_it() -> None:
    known = desktops()
    take(known, leg("c1"), leg("a1", "li"))
    assert [m.type for m in take(known, call.LegEnded(**about("a1"), cause="NORMAL_CLEARING"))] == ["call.ended"]
    assert take(known, call.CallDataAttached(call_id="c1", data={"a": "b"}), call.LegHeld(**about("c1"))) == []
    assert known.agent_legs("li") == []


def test_data_attached_while_the_phone_rings_reaches_the_agent_who_is_offered_the_call() -> None:
    known = desktops()
    offer = acd.OfferMade(
        offer_id="o",
        entry_id="e",
        call_id="c1",
        queue_id="q",
        agent_id="li",
        phone_id="1",
        node_id="n",
        epoch=1,
        deadline=T0,
    )
    popup = take(known, offer)[0]
    assert popup.data["queue_name"] == "Q"
    assert "why" not in popup.data
    assert [m.agent_id for m in take(known, call.CallDataAttached(call_id="c1", data={"a": "b"}))] == ["li"]
    assert known.offers_to("li")[0]["offer_id"] == "o"
    over = acd.OfferEnded(
        offer_id="o", entry_id="e", call_id="c1", queue_id="q", agent_id="li", outcome=acd.OfferOutcome.DECLINED
    )
    assert [m.type for m in take(known, over)] == ["offer.ended"]
    assert known.offers_to("li") == []


def test_nothing_of_a_call_is_kept_when_it_is_over() -> None:
    known = desktops()
    take(
        known,
        leg("c1"),
        leg("a1", "li"),
        call.LegEnded(**about("a1"), cause="X"),
        call.LegEnded(**about("c1"), cause="X"),
    )
    take(known, call.CallEnded(call_id="c1", cause="X", duration_ms=1))
    assert not known._legs
    assert not known._agents_in


def test_a_chat_pops_up_is_ended_and_its_place_is_counted_at_its_agent_alone() -> None:
    known = desktops()
    of_chat = {"entry_id": "e1", "call_id": "talk-1", "queue_id": "web", "agent_id": "li", "medium": "chat"}
    made = acd.OfferMade(**of_chat, offer_id="o1", phone_id="", node_id="", epoch=1, deadline=T0, capacity=3)
    stands = digital.AgentMediumChanged(agent_id="li", medium="chat", offered=1, serving=0, wrapping=0, capacity=3)
    out = take(known, made, stands)
    assert [(m.agent_id, m.type, m.data["medium"]) for m in out] == [
        ("li", "offer.made", "chat"),
        ("li", "agent.medium", "chat"),
    ]
    assert (out[0].data["phone_id"], out[0].data["capacity"], out[1].data["offered"]) == ("", 3, 1)
    assert [offer["offer_id"] for offer in known.offers_to("li")] == ["o1"]
    over = digital.ContactEnded(**of_chat, until=T0)
    taken = acd.OfferEnded(**of_chat, offer_id="o1", outcome=acd.OfferOutcome.ANSWERED)
    assert [(m.agent_id, m.type) for m in take(known, taken, over)] == [("li", "offer.ended"), ("li", "contact.ended")]
    assert known.offers_to("li") == []
