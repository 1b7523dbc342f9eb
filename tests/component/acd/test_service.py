"""acd on its bus and switch: from the order to queue to the end of wrap-up, and what REST shows of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from ipcc.bus import Message
from ipcc.bus.events import TYPE_HEADER
from ipcc.contracts.acd import (
    AgentChanged,
    AgentState,
    ContactHandled,
    EndWrapUp,
    EntryChanged,
    EntryEnded,
    EntryOutcome,
    OfferEnded,
    OfferMade,
    OfferOutcome,
    OfferRinging,
    SetNotReady,
)
from ipcc.contracts.call import LegEnded
from ipcc.contracts.config import ConfigChanged
from ipcc.contracts.envelope import encode
from ipcc.contracts.topics import CONFIG
from ipcc.errors import NotFound, NotNow, Unavailable
from ipcc.esl.commands import Originate, UuidBridge
from ipcc.ids import LegId
from tests.component.acd.stand import NODE, SERVICE, Stand
from tests.support.until import until


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    made = Stand(tmp_path)
    await made.open("ann", "bob")
    yield made
    await made.close()


async def test_a_caller_is_offered_joined_handled_and_explained(stand: Stand) -> None:
    stand.phones_ring()
    async with stand.acd() as client:
        await stand.sign_in("ann")
        answer = await stand.arrive("x")
        assert (answer["entry_id"], answer["position"]) == ("entry-x", 1)
        made = await stand.hear(OfferMade)
        await stand.hear(OfferRinging)
        stand.lift(made.offer_id)
        ended = await stand.hear(EntryEnded)
        assert (ended.outcome, ended.agent_id) == (EntryOutcome.ANSWERED, "ann")
        assert stand.node.told(UuidBridge) == [UuidBridge(LegId("leg-x"), LegId(made.offer_id))]
        gone = LegEnded(call_id="call-x", leg_id=made.offer_id, node_id=NODE, cause="NORMAL_CLEARING")
        await stand.tell(gone)
        await stand.hear(AgentChanged, state=AgentState.WRAP_UP)
        await stand.ask(EndWrapUp(agent_id="ann", code="card.lost"))
        handled = await stand.hear(ContactHandled)
        assert handled.wrap_up_code == "card.lost"
        why = (await client.get("/v1/contacts/call-x/why")).json()
        words = [step["words"] for step in why["stays"][0]["steps"]]
        assert words[0].startswith("Queued in service")
        assert words[1].startswith("Offered to ann: idle for")
        assert words[-1].startswith("Left the queue")


async def test_the_live_picture_over_rest(stand: Stand) -> None:
    stand.phones_ring()
    async with stand.acd() as client:
        await stand.sign_in("ann")
        await stand.arrive("x")
        await stand.arrive("y")
        await stand.hear(OfferRinging)
        [queue] = (await client.get("/v1/queues")).json()
        assert (queue["waiting"], queue["offered"], queue["agents"]["ringing"]) == (1, 1, 1)
        entries = (await client.get("/v1/entries", params={"queue": "service"})).json()
        assert [(e["id"], e["position"], e["offered_to"]) for e in entries] == [
            ("entry-x", 1, "ann"),
            ("entry-y", 2, ""),
        ]
        agents = {a["id"]: a["state"] for a in (await client.get("/v1/agents")).json()}
        assert agents == {"ann": "ringing", "bob": "out"}
        assert "ipcc_acd_decision_duration_seconds" in (await client.get("/metrics")).text


async def test_a_supervisor_forces_a_state_on_any_replica(stand: Stand) -> None:
    async with stand.acd("acd-0"), stand.acd("acd-1") as client:
        await stand.sign_in("ann")
        answer = await client.post("/v1/agents/ann/state", json={"state": "not_ready", "reason": "training"})
        assert (answer.status_code, answer.json()["reason"]) == (200, "training")
        assert (await client.post("/v1/agents/zoe/state", json={"state": "out"})).status_code == 404
        assert (await client.post("/v1/agents/bob/state", json={"state": "ready"})).status_code == 409


async def test_a_supervisor_moves_pulls_and_drops_who_waits(stand: Stand) -> None:
    async with stand.acd() as client:
        for name in ("x", "y", "z"):
            await stand.arrive(name)
        moved = await client.patch("/v1/entries/entry-y", json={"priority": 1})
        assert (moved.status_code, moved.json()["position"]) == (200, 1)
        dropped = await client.delete("/v1/entries/entry-z", params={"target": "voicemail"})
        assert dropped.json()["outcome"] == "transferred"
        await stand.hear(EntryEnded, entry_id="entry-z", target="voicemail")
        await stand.sign_in("ann")
        await stand.hear(OfferMade, entry_id="entry-y")
        assert (await client.post("/v1/entries/entry-x/pull", json={"agent_id": "ann"})).status_code == 409
        assert (await client.patch("/v1/entries/entry-x", json={"queue_id": "nowhere"})).status_code == 404
        assert (await client.delete("/v1/entries/nobody")).status_code == 404
        [changed] = await stand.told(EntryChanged)
        assert (changed.reason, changed.by != "") == ("reprioritised", True)
        steps = (await client.get("/v1/contacts/entry-y/why")).json()["stays"][0]["steps"]
        assert any("优先级改为 1" in step["words_zh"] for step in steps)


async def test_refusals_reach_the_asker_as_what_they_are(stand: Stand) -> None:
    async with stand.acd():
        with pytest.raises(NotNow, match="not signed in"):
            await stand.ask(SetNotReady(agent_id="ann", reason="lunch"))
        with pytest.raises(NotFound, match="there is no switch fs9"):
            await stand.ask(stand.order("x").model_copy(update={"node_id": "fs9"}))


async def test_a_caller_who_hangs_up_while_the_agent_rings_ends_the_ringing(stand: Stand) -> None:
    stand.phones_ring()
    async with stand.acd():
        await stand.sign_in("ann")
        await stand.arrive("x")
        made = await stand.hear(OfferMade)
        await stand.hear(OfferRinging)
        await stand.hang_up("x")
        await stand.hear(EntryEnded, outcome=EntryOutcome.ABANDONED)
        await stand.hear(AgentChanged, agent_id="ann", state=AgentState.READY, reason="caller_gone")
        await until(lambda: made.offer_id in stand.kills(), what="his phone stopped ringing")


async def test_nobody_lifts_so_the_next_agent_is_offered(stand: Stand) -> None:
    stand.phones_ring()
    async with stand.acd():
        await stand.sign_in("ann", "bob")
        await stand.arrive("x")
        first = await stand.hear(OfferMade)
        second = await stand.hear(OfferMade, count=2)
        assert (first.agent_id, second.agent_id) == ("ann", "bob")
        assert (await stand.hear(OfferEnded)).outcome is OfferOutcome.NO_ANSWER
        await until(lambda: first.offer_id in stand.kills(), what="the first phone stopped ringing")
        assert len(stand.node.told(Originate)) == 2


async def test_rules_of_a_newer_release_leave_a_queue_its_last_good_ones_also_with_a_new_owner(stand: Stand) -> None:
    stand.phones_ring()
    good = SERVICE.model_copy(update={"max_waiting": 1})
    async with AsyncExitStack() as stack:
        first = AsyncExitStack()
        await first.enter_async_context(stand.acd("acd-0"))
        client = await stack.enter_async_context(stand.acd("acd-1"))
        await stand.tell(ConfigChanged(kind="queue", object_id="service", version=2, object=good))
        event = stand.publisher.event(ConfigChanged(kind="queue", object_id="service", version=3, object=SERVICE))
        newer = encode(event).replace(b'"longest_idle"', b'"by_mood"')
        await stand.bus.send(Message(CONFIG.name, "queue/service", newer, {TYPE_HEADER: event.type}))

        async def is_told() -> bool:
            warnings = (await client.get("/health/ready")).json().get("warnings", {})
            return "queue/service: its last good version is in force" in warnings.get("administered objects", "")

        await until(is_told, what="health says so")
        await stand.arrive("x")
        with pytest.raises(NotNow):
            await stand.ask(stand.order("y"))
        await first.aclose()

        async def is_full() -> bool:
            try:
                await stand.ask(stand.order("z"))
            except NotNow as refused:
                return refused.code == "acd.queue_full"
            except Unavailable:
                return False
            raise AssertionError("the rules in force let one wait")

        await until(is_full, what="the new owner goes by the last good rules")
