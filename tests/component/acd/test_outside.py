"""Agents at numbers outside: rung through the gateway, never by early media or a voicemail, and not again once it failed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from ipcc.contracts.acd import (
    AgentChanged,
    AgentState,
    EntryEnded,
    EntryOutcome,
    OfferAnswered,
    OfferEnded,
    OfferMade,
    OfferOutcome,
    OfferRinging,
    SignIn,
)
from ipcc.contracts.call import LegAnswered
from ipcc.esl.commands import Originate, UuidBridge
from ipcc.ids import LegId
from ipcc.sim.people import Caller, Keys, PhoneScript
from services.acd.app import build
from services.acd.core.effects import RingAgent
from services.acd.originates import Dialling, originate_of
from tests.component.acd.stand import NODE, Stand
from tests.component.acd.test_with_simulator import Floor, floor, queue
from tests.support.service import client_of
from tests.support.until import until

MOBILE = "13900001001"
PLACE = f"demo/{MOBILE}"

__all__ = ["floor"]


@asynccontextmanager
async def acd(floor: Floor, **given: str) -> AsyncIterator[httpx.AsyncClient]:
    """An acd that asks for a key, or does not."""
    async with client_of(build(floor.settings(instance_id="acd-0", **given), floor.parts)) as client:

        async def is_green() -> bool:
            return (await client.get("/health/ready")).status_code == 200

        await until(is_green, what="acd is ready")
        yield client


async def sign_in(floor: Floor) -> None:
    answer = await floor.requester.ask(SignIn(agent_id="agent-1001", phone_id=PLACE, ready=True), 5)
    assert (answer["state"], answer["phone_id"]) == ("ready", PLACE)


async def test_he_is_rung_through_the_gateway_and_what_his_network_says_before_he_answers_is_no_answer(
    floor: Floor,
) -> None:
    await floor.open(queue(), "1001")
    floor.switch.set_phone(PhoneScript(MOBILE, early_media_after_s=0.1, answer_after_s=0.8))
    async with acd(floor):
        await sign_in(floor)
        call = await floor.arrive(Caller("13800000001", "95500", talk_s=0.4))
        ended = await floor.hear(EntryEnded)
        assert (ended.outcome, ended.agent_id) == (EntryOutcome.ANSWERED, "agent-1001")
        offer = await floor.hear(OfferEnded)
        assert offer.outcome is OfferOutcome.ANSWERED
        assert offer.ring_ms >= 500
        assert (floor.folder / "spool" / "recordings" / call / f"{offer.offer_id}.wav").exists()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (PhoneScript(MOBILE, refuse=603), "declined"),
        (PhoneScript(MOBILE, refuse=486), "busy"),
        (PhoneScript(MOBILE, refuse=480), "no_answer"),
        (PhoneScript(MOBILE, unreachable=True), "failed"),
    ],
)
async def test_a_number_that_refuses_or_fails_makes_him_not_ready_until_he_says_otherwise(
    floor: Floor, script: PhoneScript, reason: str
) -> None:
    await floor.open(queue(), "1001")
    floor.switch.set_phone(script)
    async with acd(floor):
        await sign_in(floor)
        await floor.arrive(Caller("13800000001", "95500"))
        await floor.hear(OfferEnded)

        async def rests() -> AgentChanged | None:
            told = [event for event in await floor.log() if isinstance(event, AgentChanged)]
            return told[-1] if told[-1].state is AgentState.NOT_READY else None

        rest = await until(rests, what="he is not ready")
        assert rest is not None
        assert (rest.reason, rest.until, rest.phone_id) == (reason, None, PLACE)


async def test_with_a_key_asked_for_he_is_joined_when_he_has_pressed_it(floor: Floor) -> None:
    await floor.open(queue(ring_s=6), "1001")
    floor.switch.set_phone(PhoneScript(MOBILE, answer_after_s=0.1, keys=(Keys("21", after_s=0.8, gap_s=0.4),)))
    async with acd(floor, confirm_key="1"):
        await sign_in(floor)
        await floor.arrive(Caller("13800000001", "95500", talk_s=0.4))
        ended = await floor.hear(EntryEnded)
        assert ended.outcome is EntryOutcome.ANSWERED
        offer = await floor.hear(OfferEnded)
        # from the ring to the key, not to the answer of his mobile
        assert offer.ring_ms >= 800


async def test_a_voicemail_that_answers_and_presses_nothing_gets_no_caller(floor: Floor) -> None:
    await floor.open(queue(ring_s=3), "1001")
    floor.switch.set_phone(PhoneScript(MOBILE, answer_after_s=0.1))
    async with acd(floor, confirm_key="1"):
        await sign_in(floor)
        await floor.arrive(Caller("13800000001", "95500"))
        offer = await floor.hear(OfferEnded)
        assert offer.outcome is OfferOutcome.NO_ANSWER
        assert "EntryEnded" not in {type(event).__name__ for event in await floor.log()}


async def test_a_new_owner_who_hears_that_a_voicemail_answered_joins_nobody_before_the_key(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    await stand.open("ann")
    stand.phones_ring()
    async with stand.acd("acd-0", confirm_key="1"):
        await stand.ask(SignIn(agent_id="ann", phone_id=PLACE, ready=True))
        await stand.arrive("x")
        made = await stand.hear(OfferMade)
        await stand.hear(OfferRinging)
    answered = LegAnswered(call_id="call-x", leg_id=made.offer_id, node_id=NODE)
    await stand.tell(answered)
    async with stand.acd("acd-1", confirm_key="1"):
        await stand.tell(answered)
        await stand.hang_up("x")
        await stand.hear(EntryEnded, outcome=EntryOutcome.ABANDONED)
        assert await stand.told(OfferAnswered) == []
        assert stand.node.told(UuidBridge) == []
    await stand.close()


async def test_a_new_owner_sees_on_the_switch_that_the_key_was_pressed(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    await stand.open("ann")
    stand.phones_ring()
    async with stand.acd("acd-0", confirm_key="1"):
        await stand.ask(SignIn(agent_id="ann", phone_id=PLACE, ready=True))
        await stand.arrive("x")
        made = await stand.hear(OfferMade)
        await stand.hear(OfferRinging)
    async with stand.acd("acd-1", confirm_key="1"):
        stand.press_key(made.offer_id)
        await stand.hear(EntryEnded, outcome=EntryOutcome.ANSWERED)
    assert len(await stand.told(OfferMade)) == 1
    await stand.close()


def test_nobody_outside_sees_who_calls() -> None:
    effect = RingAgent(
        offer_id="o1",
        entry_id="e1",
        call_id="c1",
        agent_id="ann",
        phone_id=PLACE,
        node_id="fs1",
        caller_leg_id="c1",
        ring_s=10,
        caller_number="13800000001",
        caller_name="王小姐",
    )
    order = originate_of(effect, Dialling(Path("spool"), "bank.example", 0.5, "95500", "1", "/s/press.wav"))
    assert isinstance(order, Originate)
    assert order.leg_id == LegId("o1")
    text = order.render()
    assert f"sofia/gateway/{PLACE}" in text
    assert "group_confirm_key=1" in text
    assert "ignore_early_media=true" in text
    assert "13800000001" not in text
    assert order.caller_number == "95500"
