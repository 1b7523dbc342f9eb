"""Races of call control on the simulated switch: whatever is asked and whoever hangs up when, no leg is left and each call ends once."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Awaitable

import httpx
import pytest

from ipcc.contracts.call import CallArrived, CallEnded, LegEnded, LegStarted
from ipcc.errors import IpccError
from ipcc.esl.commands import UuidBridge
from ipcc.ids import LegId
from ipcc.sim.people import Caller, PhoneScript
from ipcc.tasks import Tasks
from tests.component.ctiserver.floor import Floor
from tests.component.ctiserver.test_talks import Talk
from tests.support.until import until
from tests.unit.call.recordings import check_rules

CALLS = int(os.environ.get("RANDOM_CALLS", "200"))
"""How many calls; a thousand before a release."""
AT_ONCE = 12
VERBS = (
    "hold",
    "retrieve",
    "mute",
    "unmute",
    "consult",
    "alternate",
    "complete",
    "cancel",
    "transfer",
    "conference",
    "park",
    "hang-up",
)
EXPECTED = {200, 403, 404, 409, 503}


async def test_both_sides_hang_up_at_once(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        answers = await asyncio.gather(talk.do("hang-up", talk.customer), talk.do("hang-up", talk.agent))
        assert {answer.status_code for answer in answers} <= {200, 409}
        await talk.is_empty()


async def test_a_customer_who_hangs_up_while_a_verb_is_done_is_said_to_have_ended(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        await talk.to("1002")
        await talk.are_joined(talk.agent, await talk.third())
        floor.switch.engine.phones.hang_up(talk.customer)
        answer = await talk.do("complete")
        assert answer.status_code == 409, answer.text
        assert answer.json()["code"] in ("leg.ended", "leg.wrong_state")
        floor.switch.engine.phones.hang_up(await talk.third())
        await talk.is_empty()


@pytest.mark.parametrize("late_s", [0.0, 0.001, 0.02])
async def test_a_third_who_answers_when_he_is_let_go_is_not_left(floor: Floor, late_s: float) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        floor.switch.set_phone(PhoneScript("1002", answer_after_s=0.4))
        await talk.to("1002")
        third = await talk.third()
        await floor.parts.clock.sleep(0.3 + late_s)
        await talk.done("cancel")
        await talk.are_joined(talk.agent, talk.customer)
        await talk.has_ended(third)
        await talk.done("hang-up")
        await talk.is_empty()


async def test_a_verb_sent_twice_is_done_once_and_one_after_the_end_is_refused(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        body = {"to": {"kind": "phone", "value": "1002"}}
        twice = await asyncio.gather(*(talk.do("consult", "", body, **{"Idempotency-Key": "once"}) for _ in range(2)))
        assert [answer.status_code for answer in twice] == [200, 200]
        assert await floor.legs() == 3
        await talk.done("hang-up", talk.customer)
        for verb in ("hold", "hang-up", "park"):
            answer = await talk.do(verb, talk.customer)
            assert answer.status_code == 409
        unknown = await talk.do("hold", "nobody")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "leg.unknown")


async def test_a_caller_who_hangs_up_while_somebody_is_rung_for_him_leaves_nobody(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        await talk.done("park")
        floor.switch.set_phone(PhoneScript("1001", answer_after_s=0.3))
        picking = client.post(f"/v1/agents/li/pick-up/{talk.customer}")
        hanging_up = floor.parts.clock.sleep(0.15)
        answer, _ = await asyncio.gather(picking, _after(hanging_up, floor, talk.customer))
        assert answer.json()["code"] == "party.not_parked"
        await talk.is_empty()


async def _after(wait: Awaitable[None], floor: Floor, leg: str) -> None:
    await wait
    floor.switch.engine.phones.hang_up(leg)


async def test_calls_in_which_anything_happens_leave_no_channel_and_end_once(floor: Floor) -> None:
    dice = random.Random(11)
    async with floor.ctiserver(ghost_after_s=0.5, control_timeout_s=2, ring_s=3) as client:
        for phone in ("1001", "1002", "1003", "1004"):
            assert floor.switch.register(phone)
        floor.switch.set_phone(PhoneScript("1001", answer_after_s=0.05))
        floor.switch.set_phone(PhoneScript("1002", answer_after_s=0.2, hang_up_after_s=2))
        floor.switch.set_phone(PhoneScript("1003", answer_after_s=None))
        floor.switch.set_phone(PhoneScript("1004", refuse=486, refuse_after_s=0.1))
        turns, tasks, seen = asyncio.Semaphore(AT_ONCE), Tasks(), Counter[int]()
        for number in range(CALLS):
            tasks.once(f"call {number}", _live(floor, client, random.Random(dice.random()), (turns, seen)))

        async def is_over() -> bool:
            return sum(seen.values()) >= CALLS and not floor.switch.engine.kernel.channels

        await until(is_over, timeout=60 + CALLS, what="the switch has no channel left")
        await until(lambda: _ended(floor), timeout=20, what="every call is told to have ended")
        await tasks.stop()
        check_rules(await floor.told())


async def _ended(floor: Floor) -> bool:
    names = Counter(type(item.payload) for item in await floor.told())
    return names[CallArrived] == names[CallEnded] and names[LegStarted] == names[LegEnded]


async def _live(
    floor: Floor, client: httpx.AsyncClient, dice: random.Random, shared: tuple[asyncio.Semaphore, Counter[int]]
) -> None:
    turns, seen = shared
    async with turns:
        customer = floor.switch.place_call(Caller("13800000001", "95500")) or ""
        try:
            agent = await floor.ring(customer, "1001", "li")
            await floor.hand.api(UuidBridge(LegId(customer), agent))
        except IpccError:
            agent = LegId("")
        for _ in range(dice.randint(1, 6)):
            await floor.parts.clock.sleep(dice.choice((0.0, 0.01, 0.05, 0.3)))
            await _ask(client, dice, agent or customer)
            if dice.random() < 0.15:
                break
        for leg in dice.sample([customer, agent], 2):
            if leg:
                floor.switch.engine.phones.hang_up(leg)
            await floor.parts.clock.sleep(dice.choice((0.0, 0.02, 0.2)))
        seen[0] += 1


async def _ask(client: httpx.AsyncClient, dice: random.Random, leg: str) -> None:
    verb = dice.choice(VERBS)
    where = {"to": {"kind": "phone", "value": dice.choice(("1002", "1002", "1003", "1004"))}}
    body = where if verb in ("consult", "transfer") else None
    answer = await client.post(f"/v1/legs/{leg}/{verb}", json=body)
    assert answer.status_code in EXPECTED, answer.text
