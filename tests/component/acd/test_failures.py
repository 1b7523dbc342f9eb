"""What must hold when something breaks: the owner, the link to the switch, the broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from ipcc.bus.port import Fenced, Message
from ipcc.contracts.acd import (
    AcdSnapshot,
    AgentChanged,
    AgentState,
    EntryEnded,
    EntryOutcome,
    EntryQueued,
    OfferAnswered,
    OfferEnded,
    OfferMade,
    OfferOutcome,
    OfferRinging,
    SetNotReady,
    SetReady,
)
from ipcc.contracts.call import LegEnded
from ipcc.contracts.topics import ACD, CALL, DEAD_LETTER
from ipcc.errors import NotNow
from ipcc.esl.commands import Originate, UuidBridge
from ipcc.ids import LegId
from services.acd.core import decision
from tests.component.acd.stand import NODE, Stand
from tests.support.until import until


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    made = Stand(tmp_path)
    await made.open("ann", "bob")
    yield made
    await made.close()


async def test_a_restart_keeps_places_clocks_and_agents(stand: Stand) -> None:
    stand.phones_ring()
    async with stand.acd():
        for name in ("x", "y"):
            await stand.arrive(name)
        queued = {e.entry_id: e.entered_at for e in await stand.told(EntryQueued)}
    async with stand.acd() as client:
        entries = (await client.get("/v1/entries")).json()
        assert [(e["id"], e["position"]) for e in entries] == [("entry-x", 1), ("entry-y", 2)]
        repeated = await stand.ask(stand.order("x"))
        assert repeated["position"] == 1
        assert repeated["entered_at"] == queued["entry-x"].isoformat()
        await stand.sign_in("ann")
        assert (await stand.hear(OfferMade)).entry_id == "entry-x"


async def test_a_restart_in_the_middle_of_a_ring_goes_on_with_the_same_offer(stand: Stand) -> None:
    stand.phones_ring()
    async with stand.acd():
        await stand.sign_in("ann")
        await stand.arrive("x")
        made = await stand.hear(OfferMade)
        await stand.hear(OfferRinging)
    async with stand.acd():
        # nobody was listening when he lifted: the look finds it
        stand.answered.add(made.offer_id)
        await stand.hear(OfferAnswered)
        ended = await stand.hear(EntryEnded)
    assert (ended.outcome, ended.offer_id) == (EntryOutcome.ANSWERED, made.offer_id)
    assert len(stand.node.told(Originate)) == 1


async def test_an_offer_whose_leg_vanished_meanwhile_is_made_anew(stand: Stand) -> None:
    stand.phones_ring()
    async with stand.acd():
        await stand.sign_in("ann")
        await stand.arrive("x")
        made = await stand.hear(OfferMade)
        await stand.hear(OfferRinging)
    del stand.node.legs[LegId(made.offer_id)]
    async with stand.acd():
        again = await stand.hear(OfferMade, count=2)
    assert again.offer_id != made.offer_id
    assert (await stand.hear(OfferEnded)).outcome is OfferOutcome.WITHDRAWN


async def test_legs_of_forgotten_offers_and_callers_who_left_meanwhile_are_cleared(stand: Stand) -> None:
    stand.phones_ring()
    async with stand.acd():
        await stand.sign_in("ann")
        await stand.arrive("x")
        made = await stand.hear(OfferMade)
        await stand.hear(OfferRinging)
    del stand.node.legs[LegId("leg-x")]
    async with stand.acd():
        await stand.hear(EntryEnded, outcome=EntryOutcome.ABANDONED)
        await until(lambda: made.offer_id in stand.kills())
        assert (await stand.hear(OfferEnded)).outcome is OfferOutcome.CALLER_GONE


async def test_what_ctiserver_said_while_nobody_listened_is_heard(stand: Stand) -> None:
    async with stand.acd():
        await stand.sign_in("ann")
        await stand.arrive("x")
        made = await stand.hear(OfferMade)
        await stand.hear(EntryEnded, outcome=EntryOutcome.ANSWERED)
    await stand.tell(LegEnded(call_id="call-x", leg_id=made.offer_id, node_id=NODE, cause="NORMAL_CLEARING"))
    async with stand.acd():
        await stand.hear(AgentChanged, agent_id="ann", state=AgentState.WRAP_UP)


async def test_whoever_hung_up_while_nobody_owned_the_domain_waited_until_then_and_not_longer(stand: Stand) -> None:
    async with stand.acd():
        await stand.arrive("x")
        queued = (await stand.told(EntryQueued))[0]
    await stand.tell(LegEnded(call_id="call-x", leg_id="leg-x", node_id=NODE, cause="NORMAL_CLEARING"))
    stand.node.hang_up(LegId("leg-x"))
    left_at = stand.clock.now()
    await until(lambda: stand.clock.now() - left_at > timedelta(seconds=1), what="a second without an owner")
    async with stand.acd():
        ended = await stand.hear(EntryEnded, outcome=EntryOutcome.ABANDONED)
    # told in whole milliseconds
    assert timedelta(milliseconds=ended.wait_ms - 1) <= left_at - queued.entered_at


async def test_the_second_replica_takes_over_and_the_first_can_write_no_more(stand: Stand) -> None:
    stand.phones_ring()
    async with AsyncExitStack() as stack:
        first = AsyncExitStack()
        await first.enter_async_context(stand.acd("acd-0"))
        await stack.enter_async_context(stand.acd("acd-1"))
        await stand.sign_in("ann")
        await stand.arrive("x")
        made = await stand.hear(OfferMade)
        await stand.hear(OfferRinging)
        await first.aclose()
        stand.lift(made.offer_id)
        await stand.hear(EntryEnded, outcome=EntryOutcome.ANSWERED)
    assert len(await stand.told(OfferMade)) == 1


async def test_an_owner_that_was_fenced_writes_nothing_and_takes_the_domain_anew(stand: Stand) -> None:
    async with stand.acd():
        await stand.sign_in("ann")
        usurper = await stand.bus.fenced("acd.default")
        # the lease is still ours: what the fenced owner could not store is decided again by the next one, once
        assert (await stand.arrive("x"))["position"] == 1
        assert len(await stand.told(EntryQueued)) == 1
        with pytest.raises(Fenced):
            await usurper.append([Message(ACD.name, "default", b"late")])


async def test_with_the_broker_away_an_agent_who_answers_is_joined_and_told_later(stand: Stand) -> None:
    stand.phones_ring()
    async with stand.acd() as client:
        await stand.sign_in("ann")
        await stand.arrive("x")
        made = await stand.hear(OfferMade)
        await stand.hear(OfferRinging)
        stand.broker.go_down("unplugged")
        stand.lift(made.offer_id)
        await until(lambda: stand.node.told(UuidBridge), what="joined without the broker")
        await until(lambda: _is_red(client, "domains"), what="red")
        stand.broker.come_back()
        ended = await stand.hear(EntryEnded)
        assert (ended.outcome, ended.agent_id) == (EntryOutcome.ANSWERED, "ann")


async def _is_red(client: object, component: str) -> bool:
    body = (await client.get("/health/ready")).json()  # type: ignore[attr-defined]
    return bool(body["components"][component]["status"] == "red")


async def test_nothing_is_offered_on_a_switch_that_is_away_and_at_once_when_it_is_back(stand: Stand) -> None:
    async with stand.acd():
        await stand.sign_in("ann")
        stand.node.go_down()
        await stand.arrive("x")
        assert await stand.told(OfferMade) == []
        stand.node.go_up()
        assert (await stand.hear(OfferMade)).entry_id == "entry-x"


async def test_a_message_that_cannot_be_read_is_put_aside(stand: Stand) -> None:
    async with stand.acd():
        await stand.sign_in("ann")
        await stand.bus.send(Message(CALL.name, "call-x", b"not json"))
        await until(lambda: stand.broker.logs(DEAD_LETTER.name)[0].end == 1)
        with pytest.raises(NotNow):
            await stand.ask(SetReady(agent_id="bob"))


async def test_a_restart_reads_no_further_back_than_the_snapshot(stand: Stand) -> None:
    async with stand.acd(snapshot_every=3):
        await stand.sign_in("ann", "bob")
        for _ in range(5):
            await stand.ask(SetReady(agent_id="ann"))
        for name in "abcd":
            await stand.arrive(name)
        await stand.hear(AcdSnapshot, count=2)
        newest = (await stand.told(AcdSnapshot))[-1]
    assert newest.inputs["ipcc.acd.command.v1/" + next(k[-1] for k in newest.inputs if "command" in k)] > 0
    assert {row["id"] for row in newest.state["agents"]} == {"ann", "bob"}


async def test_an_input_that_brings_the_owner_down_is_put_aside_and_the_domain_goes_on(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(turn: object, given: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setitem(decision._HANDLERS, SetNotReady, break_down)
    async with stand.acd():
        await stand.sign_in("ann")
        await stand.tell(SetNotReady(agent_id="ann", reason="lunch"))
        await until(lambda: stand.broker.logs(DEAD_LETTER.name)[0].end == 1)
        await stand.arrive("x")
        assert (await stand.hear(OfferMade)).agent_id == "ann"
