"""Callback in queue on the simulated switch: reached, busy, silent, given up, and the owner replaced in the middle."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest

from ipcc.auth.principal import Role
from ipcc.contracts.acd import EntryEnded, EntryOutcome, EntryQueued, OfferEnded, OfferMade, OfferOutcome
from ipcc.contracts.callback import CallbackDialled, CallbackOutcome, CallbackTried, RequestCallback
from ipcc.contracts.config import ConfigChanged, DialPlan, DialRule, Organisation
from ipcc.sim.people import Caller, PhoneScript
from services.acd.app import build
from tests.component.acd.test_with_simulator import Floor, check_books, floor, queue
from tests.support.service import client_of
from tests.support.until import until

NUMBER = "13800000009"
DAY = {"not_before": "00:00", "not_after": "24:00"}

__all__ = ["floor"]


def calling_back(first: str, **rules: Any) -> dict[str, Any]:
    return {"callback": {**DAY, "first": first, "pause_s": 1, "ring_s": 5, **rules}}


async def nothing_left(floor: Floor) -> None:
    await until(lambda: not floor.switch.engine.kernel.channels, what="nothing left on the switch")


@pytest.mark.parametrize("first", ["agent", "customer"])
async def test_a_customer_who_asked_over_the_web_talks_to_an_agent(floor: Floor, first: str) -> None:
    await floor.open(queue(**calling_back(first)), "1001")
    floor.switch.set_phone(PhoneScript("1001", answer_after_s=0.2))
    floor.switch.set_phone(PhoneScript(NUMBER, answer_after_s=0.3, talk_s=0.6))
    async with floor.acd() as client:
        wanted = {"queue_id": "service", "phone_number": NUMBER, "name": "Wang"}
        answer = await client.post("/v1/callbacks", json=wanted)
        assert answer.status_code == 201, answer.text
        assert (await client.post("/v1/callbacks", json=wanted)).status_code == 409
        listed = (await client.get("/v1/callbacks")).json()
        assert [(view["position"], view["tries"]) for view in listed] == [(1, 0)]
        await floor.sign_in("1001")
        ended = await floor.hear(EntryEnded)
        assert (ended.outcome, ended.agent_id) == (EntryOutcome.ANSWERED, "agent-1001")
        made = await floor.hear(OfferMade)
        dialled = await floor.hear(CallbackDialled)
        assert made.call_id == (made.offer_id if first == "agent" else dialled.leg_id)
        recording = floor.folder / "spool" / "recordings" / made.call_id / f"{made.offer_id}.wav"
        await until(recording.exists, what="the recording")
        await nothing_left(floor)
        words = (await client.get(f"/v1/contacts/{made.call_id}/why")).json()["stays"][0]["steps"]
        assert "The customer answered (1 tries count)." in [step["words"] for step in words]


async def test_busy_then_silent_then_reached_and_the_agent_keeps_his_place(floor: Floor) -> None:
    await floor.open(queue(**calling_back("agent")), "1001")
    floor.switch.set_phone(PhoneScript("1001", answer_after_s=0.1))
    floor.switch.set_phone(PhoneScript(NUMBER, refuse=486, refuse_after_s=0.1))
    async with floor.acd() as client:
        await floor.sign_in("1001")
        await client.post("/v1/callbacks", json={"queue_id": "service", "phone_number": NUMBER})
        assert (await floor.hear(CallbackTried)).outcome is CallbackOutcome.BUSY
        floor.switch.set_phone(PhoneScript(NUMBER, answer_after_s=None))
        assert (await floor.hear(CallbackTried, 2, timeout=30)).outcome is CallbackOutcome.NO_ANSWER
        floor.switch.set_phone(PhoneScript(NUMBER, answer_after_s=0.1, talk_s=0.3))
        ended = await floor.hear(EntryEnded, timeout=30)
        assert ended.outcome is EntryOutcome.ANSWERED
        log = await floor.log()
        queued = next(event for event in log if isinstance(event, EntryQueued))
        assert ended.entry_id == queued.entry_id
        offers = [event.outcome for event in log if isinstance(event, OfferEnded)]
        assert offers == [OfferOutcome.WITHDRAWN, OfferOutcome.WITHDRAWN, OfferOutcome.ANSWERED]
        await nothing_left(floor)
        check_books(await floor.log(), 1)


@pytest.mark.parametrize("first", ["agent", "customer"])
async def test_a_customer_who_cannot_be_reached_is_given_up_after_his_tries(floor: Floor, first: str) -> None:
    await floor.open(queue(**calling_back(first, tries=2)), "1001")
    floor.switch.set_phone(PhoneScript("1001", answer_after_s=0.1))
    floor.switch.set_phone(PhoneScript(NUMBER, refuse=603, refuse_after_s=0.1))
    async with floor.acd() as client:
        await floor.sign_in("1001")
        await client.post("/v1/callbacks", json={"queue_id": "service", "phone_number": NUMBER})
        ended = await floor.hear(EntryEnded, timeout=30)
        assert (ended.outcome, ended.target) == (EntryOutcome.UNREACHED, "tries")
        assert (await client.get("/v1/agents")).json()[0]["state"] == "ready"
        await nothing_left(floor)
        check_books(await floor.log(), 1)


async def test_a_caller_who_asked_may_hang_up_and_keeps_his_place(floor: Floor) -> None:
    await floor.open(queue(**calling_back("agent")), "1001")
    floor.switch.set_phone(PhoneScript("1001", answer_after_s=0.1))
    floor.switch.set_phone(PhoneScript(NUMBER, answer_after_s=0.1, talk_s=0.3))
    async with floor.acd():
        call = await floor.arrive(Caller(NUMBER, "95500"))
        asked = RequestCallback(entry_id=f"entry-{call}", requested_by="flow")
        answer = await floor.requester.ask(asked, 5)
        assert answer["position"] == 1
        floor.switch.api("uuid_kill", call)
        await floor.sign_in("1001")
        ended = await floor.hear(EntryEnded)
        assert (ended.entry_id, ended.outcome) == (f"entry-{call}", EntryOutcome.ANSWERED)
        await nothing_left(floor)


@pytest.mark.parametrize("first", ["agent", "customer"])
async def test_an_owner_who_is_replaced_while_the_customer_rings_loses_nothing(floor: Floor, first: str) -> None:
    await floor.open(queue(**calling_back(first, ring_s=10)), "1001")
    floor.switch.set_phone(PhoneScript("1001", answer_after_s=0.1))
    floor.switch.set_phone(PhoneScript(NUMBER, answer_after_s=3, talk_s=0.5))
    async with AsyncExitStack() as stack:
        old = AsyncExitStack()
        client = await old.enter_async_context(floor.acd("acd-0"))
        await stack.enter_async_context(floor.acd("acd-1"))
        await floor.sign_in("1001")
        await client.post("/v1/callbacks", json={"queue_id": "service", "phone_number": NUMBER})
        await floor.hear(CallbackDialled)
        await old.aclose()
        ended = await floor.hear(EntryEnded, timeout=30)
        assert ended.outcome is EntryOutcome.ANSWERED
        await nothing_left(floor)
        check_books(await floor.log(), 1)


async def test_nobody_is_called_back_any_more_once_it_is_cancelled(floor: Floor) -> None:
    await floor.open(queue(**calling_back("agent")), "1001")
    async with floor.acd() as client:
        answer = await client.post("/v1/callbacks", json={"queue_id": "service", "phone_number": NUMBER})
        entry = answer.json()["entry_id"]
        assert (await client.delete(f"/v1/callbacks/{entry}")).json()["outcome"] == "cancelled"
        assert (await client.get("/v1/callbacks")).json() == []
        assert (await client.delete("/v1/callbacks/nobody")).status_code == 404


async def test_over_rest_a_number_is_refused_by_the_rule_and_who_the_customer_is_only_systems_may_say(
    floor: Floor,
) -> None:
    await floor.open(queue(**calling_back("agent")), "1001")
    rules = (DialRule(name="premium", pattern=r"168\d+", allow=False), DialRule(name="rest", pattern=r"\d+"))
    plan = DialPlan(id="p", name="P", organisation="bank", rules=rules)
    for thing in (Organisation(id="bank", name="Bank"), plan):
        await floor.tell(ConfigChanged(kind=thing.kind, object_id=thing.id, version=1, object=thing))
    async with client_of(build(floor.settings(), floor.parts), (Role.AGENT,)) as client:

        async def is_refused() -> str:
            asked = {"queue_id": "service", "phone_number": "16812345"}
            problem = (await client.post("/v1/callbacks", json=asked)).json()
            return str(problem.get("details", {}).get("rule", ""))

        assert await until(is_refused, what="refused by a rule") == "premium"
        wanted = {"queue_id": "service", "phone_number": NUMBER, "attributes": {"verified": "yes"}}
        answer = await client.post("/v1/callbacks", json=wanted)
        assert (answer.status_code, answer.json()["code"]) == (403, "acd.identity")
        assert not [event for event in await floor.log() if isinstance(event, EntryQueued)]
