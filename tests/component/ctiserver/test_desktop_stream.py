"""Desktops: the screen pops up with the offer, and a broken connection loses nothing and repeats nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
import websockets

from ipcc.auth.principal import Role
from ipcc.clock import SystemClock
from ipcc.contracts.acd import AgentChanged, AgentState, OfferEnded, OfferMade, OfferOutcome, OfferRinging
from ipcc.contracts.ivr import NodeEntered
from tests.component.ctiserver.bench import Bench
from tests.component.ctiserver.desk import office_of


def offer(agent: str = "li", call: str = "c1", number: int = 1) -> OfferMade:
    return OfferMade(
        offer_id=f"a{number}",
        entry_id=f"e{number}",
        call_id=call,
        queue_id="cards",
        agent_id=agent,
        phone_id="1001",
        node_id="fs1",
        epoch=1,
        deadline=SystemClock().now() + timedelta(seconds=20),
        attributes={"customer": "gold"},
    )


async def test_the_screen_pops_up_with_the_offer_and_follows_the_call(bench: Bench) -> None:
    async with office_of(bench) as office, office.desktop("li") as desktop:
        assert (await desktop.next())["type"] == "hello"
        node, publish = bench.node, bench.publisher.publish
        node.arrive("c1", name="王先生")
        await bench.until_told("LegStarted c1")
        for place in ("welcome", "menu", "queue"):
            await publish(NodeEntered(call_id="c1", session_id="s", flow_node=place, kind="x"))
        await publish(AgentChanged(agent_id="li", state=AgentState.OFFERED, offer_id="a1", call_id="c1"))
        await publish(offer())
        popup = (await desktop.until("offer.made"))["data"]
        assert (popup["caller_number"], popup["caller_name"], popup["dialled_number"]) == (
            "13800000001",
            "王先生",
            "95500",
        )
        assert (popup["queue_name"], popup["attributes"]) == ("信用卡", {"customer": "gold"})
        assert popup["flow_path"] == ["welcome", "menu", "queue"]
        node.dial("a1", "c1", "li")
        await publish(OfferRinging(offer_id="a1", entry_id="e1", agent_id="li"))
        node.pick_up("a1")
        node.join("c1", "a1")
        await desktop.until("call.connected")
        node.tell("CHANNEL_HOLD", "a1")
        await desktop.until("call.held")
        node.tell("CHANNEL_UNHOLD", "a1")
        await desktop.until("call.resumed")
        node.end("a1")
        ended = await desktop.until("call.ended")
        assert ended["data"]["cause"] == "NORMAL_CLEARING"
        assert desktop.types[:3] == ["hello", "agent.state", "offer.made"]
        assert {"offer.ringing", "call.dialled", "call.ringing", "call.answered", "call.disconnected"} <= set(
            desktop.types
        )


async def test_an_agent_sees_only_his_own_and_a_supervisor_sees_all(bench: Bench) -> None:
    async with (
        office_of(bench) as office,
        office.desktop("li") as li,
        office.desktop("", path="/v1/events", subject="boss", roles=(Role.SUPERVISOR,)) as boss,
    ):
        await bench.publisher.publish(offer("han"))
        await bench.publisher.publish(offer("li", number=2))
        assert (await li.until("offer.made"))["data"]["offer_id"] == "a2"
        assert [(await boss.until("offer.made"))["data"]["offer_id"] for _ in range(2)] == ["a1", "a2"]
    async with office_of(bench) as office:
        with pytest.raises((websockets.InvalidStatus, websockets.ConnectionClosed)):
            async with office.desktop("li", subject="han") as stranger:
                await stranger.next()


async def test_a_desktop_that_comes_back_misses_nothing_and_sees_nothing_twice(bench: Bench) -> None:
    async with office_of(bench) as office:
        async with office.desktop("li") as desktop:
            await desktop.next()
            await bench.publisher.publish(offer(number=1))
            await desktop.until("offer.made")
        for number in (2, 3):
            await bench.publisher.publish(offer(number=number))
            ended = {"offer_id": f"a{number}", "entry_id": "e", "call_id": "c", "queue_id": "cards", "agent_id": "li"}
            await bench.publisher.publish(OfferEnded(**ended, outcome=OfferOutcome.NO_ANSWER))
        async with office.desktop("li", after=desktop.last_id) as back:
            await bench.publisher.publish(offer(number=4))
            while "a4" not in [message["data"].get("offer_id") for message in back.seen]:
                await back.next()
            seen = [(message["type"], message["data"]["offer_id"]) for message in back.seen]
    assert seen == [
        ("offer.made", "a2"),
        ("offer.ended", "a2"),
        ("offer.made", "a3"),
        ("offer.ended", "a3"),
        ("offer.made", "a4"),
    ]
    # another process of ours, later: it goes on from the same event
    async with office_of(bench) as office, office.desktop("li", after=back.seen[2]["id"]) as elsewhere:
        rest = [(m["type"], m["data"]["offer_id"]) for m in [await elsewhere.next() for _ in range(2)]]
    assert rest == seen[3:]


async def test_a_desktop_that_was_away_too_long_is_told_to_start_afresh(bench: Bench) -> None:
    async with office_of(bench, history_per_agent=10) as office:
        async with office.desktop("li") as desktop:
            await desktop.next()
            await bench.publisher.publish(offer(number=0))
            await desktop.until("offer.made")
        for number in range(1, 20):
            await bench.publisher.publish(offer(number=number))
        for wrong in (desktop.last_id, "nonsense", "1-2.3.4"):
            async with office.desktop("li", after=wrong) as back:
                assert (await back.next())["type"] == "reset"
