"""Call control on the simulated switch: consult, alternate, complete, cancel, transfer, park, dial; and what is left afterwards."""

from __future__ import annotations

from typing import Any

import httpx

from ipcc.esl.commands import UuidBridge
from ipcc.ids import LegId
from ipcc.sim.people import Caller, PhoneScript
from tests.component.ctiserver.floor import Floor
from tests.support.until import until


class Talk:
    """A customer talking to the agent li, and what can be asked of it."""

    def __init__(self, floor: Floor, client: httpx.AsyncClient) -> None:
        self.floor, self.client = floor, client
        self.customer = self.agent = ""

    async def begin(self) -> None:
        floor = self.floor
        for phone, script in (
            ("1001", PhoneScript("1001", answer_after_s=0.1)),
            ("1002", PhoneScript("1002", answer_after_s=0.3)),
            ("1003", PhoneScript("1003", answer_after_s=None)),
            ("1004", PhoneScript("1004", refuse=486)),
        ):
            assert floor.switch.register(phone)
            floor.switch.set_phone(script)
        await self.is_registered("1001", "1002", "1003", "1004")
        self.customer = floor.switch.place_call(Caller("13800000001", "95500")) or ""
        await floor.hand.watch(LegId(self.customer))
        await floor.hand.execute(LegId(self.customer), "answer", timeout=5)
        await floor.until_waits(self.customer)
        self.agent = await floor.ring(self.customer, "1001", "li")
        await floor.hand.api(UuidBridge(LegId(self.customer), LegId(self.agent)))
        await self.are_joined(self.customer, self.agent)

    async def is_registered(self, *phones: str) -> None:
        """Wait until ctiserver knows that they can be rung: it hears of it some time after the switch does."""

        async def is_known() -> bool:
            found = (await self.client.get("/v1/phones")).json()
            return set(phones) <= {phone["phone_id"] for phone in found if phone["registered"]}

        await until(is_known, what=f"{phones} are registered")

    async def do(self, verb: str, leg: str = "", body: Any = None, **headers: str) -> httpx.Response:
        return await self.client.post(f"/v1/legs/{leg or self.agent}/{verb}", json=body, headers=headers)

    async def done(self, verb: str, leg: str = "", body: Any = None) -> dict[str, Any]:
        answer = await self.do(verb, leg, body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def to(self, phone: str) -> dict[str, Any]:
        return await self.done("consult", body={"to": {"kind": "phone", "value": phone}})

    async def leg(self, leg: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.client.get(f"/v1/legs/{leg}")).json()
        return found

    async def third(self) -> str:
        """The live leg that is neither the customer's nor the agent's."""
        call = (await self.client.get(f"/v1/calls/{self.customer}")).json()
        known = (self.customer, self.agent)
        return next((leg["leg_id"] for leg in call["legs"] if leg["leg_id"] not in known and not leg["ended_at"]), "")

    async def are_joined(self, leg: str, other: str) -> None:
        async def is_so() -> bool:
            return bool((await self.leg(leg)).get("bridged_to") == other)

        await until(is_so, what=f"{leg} talks to {other}")

    async def has_ended(self, leg: str) -> None:
        async def is_so() -> bool:
            return bool((await self.leg(leg))["ended_at"])

        await until(is_so, what=f"{leg} has ended")

    async def is_empty(self) -> None:
        async def nothing() -> bool:
            return not await self.floor.hand.channels()

        await until(nothing, what="the switch has no channel left")


async def test_a_consult_is_dialled_by_the_agents_own_leg_while_the_customer_waits_and_is_completed(
    floor: Floor,
) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        await talk.to("1002")
        third = await talk.third()
        await talk.are_joined(talk.agent, third)
        customer = await talk.leg(talk.customer)
        assert (customer["is_waiting"], customer["waits_for"], customer["state"]) == (True, talk.agent, "queued")
        await talk.done("alternate")
        await talk.are_joined(talk.agent, talk.customer)
        assert (await talk.leg(third))["waits_for"] == talk.agent
        await talk.done("alternate")
        await talk.are_joined(talk.agent, third)
        assert (await talk.done("complete"))["ended_at"]
        await talk.are_joined(talk.customer, third)
        assert not (await talk.leg(talk.customer))["is_waiting"]
        await talk.done("hang-up", third)
        await talk.has_ended(talk.customer)
        await talk.is_empty()


async def test_a_consult_is_cancelled_while_it_rings_and_while_it_is_talked_to(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        for phone in ("1003", "1002"):
            await talk.to(phone)
            third = await talk.third()
            if phone == "1002":
                await talk.are_joined(talk.agent, third)
            await talk.done("cancel")
            await talk.are_joined(talk.agent, talk.customer)
            await talk.has_ended(third)
        await talk.done("hang-up")
        await talk.has_ended(talk.customer)
        await talk.is_empty()


async def test_a_third_who_is_busy_leaves_the_customer_to_be_retrieved(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        await talk.to("1004")
        third = await talk.third()
        if third:
            await talk.has_ended(third)
        await talk.done("retrieve")
        await talk.are_joined(talk.agent, talk.customer)
        again = await talk.do("retrieve")
        assert (again.status_code, again.json()["code"]) == (409, "leg.wrong_state")


async def test_a_customer_sent_to_a_phone_talks_there_and_the_agent_is_out(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        await talk.done("transfer", body={"to": {"kind": "phone", "value": "1002"}})
        await talk.has_ended(talk.agent)
        target = await talk.third()
        await talk.are_joined(talk.customer, target)
        await talk.done("hang-up", target)
        await talk.has_ended(talk.customer)
        await talk.is_empty()


async def test_a_customer_sent_to_a_phone_that_is_busy_meets_the_safety_net(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        await talk.do("transfer", body={"to": {"kind": "phone", "value": "1004"}})

        async def is_at_the_net() -> bool:
            rows = await floor.hand.channels()
            return any(row.leg_id == talk.customer and row.dialled == "fallback" for row in rows)

        await until(is_at_the_net, what="the net has the customer")
        await talk.has_ended(talk.agent)


async def test_a_customer_is_parked_and_picked_up(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        parked = await talk.done("park")
        assert (parked["leg_id"], parked["waits_for"], parked["is_waiting"]) == (talk.customer, None, True)
        await talk.has_ended(talk.agent)
        picked = await client.post(f"/v1/agents/li/pick-up/{talk.customer}")
        assert picked.status_code == 200, picked.text
        await talk.are_joined(talk.customer, picked.json()["leg_id"])
        again = await client.post(f"/v1/agents/li/pick-up/{talk.customer}")
        assert again.json()["code"] == "party.not_parked"
        await talk.done("hang-up", talk.customer)
        await talk.is_empty()


async def test_an_agents_phone_is_dialled_first_and_a_request_sent_twice_dials_once(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        await talk.done("hang-up", talk.customer)
        await talk.is_empty()
        floor.switch.set_phone(PhoneScript("1001", answer_after_s=0.4))
        body = {"to": {"kind": "phone", "value": "1002"}}
        key = {"Idempotency-Key": "click-1"}
        first, second = [await client.post("/v1/agents/li/dial", json=body, headers=key) for _ in range(2)]
        assert first.status_code == 200, first.text
        assert first.json()["leg_id"] == second.json()["leg_id"]
        other = await client.post("/v1/agents/li/dial", json={"to": {"kind": "phone", "value": "1003"}}, headers=key)
        assert (other.status_code, other.json()["code"]) == (422, "request.reused")
        mine = first.json()["leg_id"]

        async def talks() -> str:
            return str((await talk.leg(mine))["bridged_to"] or "")

        theirs = await until(talks, what="the agent talks to whom he dialled")
        assert await floor.legs() == 2
        await talk.done("hang-up", theirs)
        await talk.has_ended(mine)
        await talk.is_empty()


async def test_a_number_the_dial_rules_do_not_allow_does_nothing_to_the_switch(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        for number, status, code in (
            ("4008123456", 403, "dial.not_allowed"),
            ("1380000\n0001", 422, "number.invalid"),
            ("13800000001{a=b}", 422, "number.invalid"),
        ):
            for verb in ("consult", "transfer"):
                answer = await talk.do(verb, body={"to": {"kind": "number", "value": number}})
                assert (answer.status_code, answer.json()["code"]) == (status, code)
        unknown = await talk.do("consult", body={"to": {"kind": "phone", "value": "1999"}})
        assert unknown.json()["code"] == "phone.unknown"
        await talk.are_joined(talk.agent, talk.customer)
        assert await floor.legs() == 2


async def test_an_agent_who_hangs_up_in_a_consult_leaves_the_two_others_to_each_other(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        await talk.to("1002")
        third = await talk.third()
        await talk.are_joined(talk.agent, third)
        floor.switch.engine.phones.hang_up(talk.agent)
        await talk.are_joined(talk.customer, third)
        await talk.done("hang-up", third)
        await talk.has_ended(talk.customer)
        await talk.is_empty()


async def test_an_agent_who_hangs_up_while_a_third_is_dialled_leaves_the_customer_to_the_net(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        await talk.to("1003")
        floor.switch.engine.phones.hang_up(talk.agent)

        async def is_at_the_net() -> bool:
            rows = await floor.hand.channels()
            return [row.dialled for row in rows if row.leg_id == talk.customer] == ["fallback"]

        await until(is_at_the_net, what="the net has the customer")


async def test_a_customer_who_hangs_up_in_a_consult_leaves_the_agent_talking_to_the_third(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        await talk.to("1002")
        third = await talk.third()
        await talk.are_joined(talk.agent, third)
        floor.switch.engine.phones.hang_up(talk.customer)
        await talk.has_ended(talk.customer)
        assert (await talk.leg(talk.agent))["bridged_to"] == third
        refused = await talk.do("complete")
        assert (refused.status_code, refused.json()["code"]) == (409, "leg.wrong_state")
        floor.switch.engine.phones.hang_up(third)
        await talk.has_ended(talk.agent)
        await talk.is_empty()
