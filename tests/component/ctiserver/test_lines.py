"""Nailed-up lines at ctiserver: what stands is told as a phone, what nobody is signed in at is hung up, what it dials is understood."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from ipcc.contracts.acd import AgentChanged, AgentState, SignIn
from ipcc.contracts.tags import line_place
from ipcc.esl.commands import Command, Originate, UuidKill
from tests.component.ctiserver.bench import Bench
from tests.component.ctiserver.desk import Acd, office_of
from tests.support.until import until


@asynccontextmanager
async def at_his_phone(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    """Li, whose own phone is registered, and answers whatever rings it."""

    def rung(command: Command) -> str:
        assert isinstance(command, Originate)
        return bench.node.stand(command) if command.application == "park" else "-ERR USER_BUSY\n"

    bench.node.answer("originate", rung)
    async with office_of(bench) as office, office.client("li") as client:
        bench.node.register("1001")

        async def is_registered() -> bool:
            found = (await client.get("/v1/phones")).json()
            return any(phone["phone_id"] == "1001" and phone["registered"] for phone in found)

        await until(is_registered, what="his phone is known")
        yield client


async def test_a_line_is_told_as_a_phone_and_never_as_a_call(bench: Bench) -> None:
    async with at_his_phone(bench) as client, Acd().running(bench) as acd:
        answer = await client.post("/v1/agents/li/line", json={"ready": True})
        assert answer.is_success, answer.text
        order = bench.node.told(Originate)[0]
        place = line_place(order.leg_id)
        assert acd.asked == [SignIn(agent_id="li", phone_id=place, ready=True)]
        looks = bench.looks
        await until(lambda: bench.looks > looks + 2, what="two more looks find it where it was")
        assert (place, True, "registered") in await bench.phone_states()
        bench.node.end(order.leg_id)

        async def is_gone() -> bool:
            return (place, False, "unregistered") in await bench.phone_states()

        await until(is_gone, what="the line is told as gone")
        assert await bench.told() == []


async def test_a_line_at_which_he_may_not_sign_in_is_hung_up(bench: Bench) -> None:
    async with at_his_phone(bench) as client, Acd(busy={"li"}).running(bench):
        answer = await client.post("/v1/agents/li/line", json={})
        assert (answer.status_code, answer.json()["code"]) == (409, "agent.busy")
        order = bench.node.told(Originate)[0]
        assert [command.leg_id for command in bench.node.told(UuidKill)] == [order.leg_id]


async def test_nobody_nails_up_a_line_for_somebody_else(bench: Bench) -> None:
    async with at_his_phone(bench) as client:
        assert (await client.post("/v1/agents/han/line", json={})).status_code == 403
        assert (await client.delete("/v1/agents/han/line")).status_code == 403
        assert bench.node.told(Originate) == []


async def test_what_a_line_dials_is_offered_what_phones_speak(bench: Bench) -> None:
    async with at_his_phone(bench) as client, Acd().running(bench):
        await client.post("/v1/agents/li/line", json={})
        place = line_place(bench.node.told(Originate)[0].leg_id)
        await bench.publisher.publish(AgentChanged(agent_id="li", state=AgentState.NOT_READY, phone_id=place))
        bench.node.register("1003")

        async def is_dialled() -> bool:
            await client.post("/v1/agents/li/dial", json={"to": {"kind": "phone", "value": "1003"}})
            return len(bench.node.told(Originate)) > 1

        await until(is_dialled, what="his line is dialled")
        order = bench.node.told(Originate)[-1].render()
        assert f"loopback/{place}/lines" in order
        assert "loopback_bowout=false" in order
        assert order.count("absolute_codec_string=PCMA") == 1


async def at_his_line(bench: Bench, client: httpx.AsyncClient) -> str:
    """Li is signed in at a line; its place."""
    await client.post("/v1/agents/li/line", json={})
    place = line_place(bench.node.told(Originate)[0].leg_id)
    await bench.publisher.publish(AgentChanged(agent_id="li", state=AgentState.NOT_READY, phone_id=place))

    async def is_shown() -> bool:
        return bool((await client.get("/v1/agents/li")).json()["phone_id"] == place)

    await until(is_shown, what="he is shown at his line")
    return place


async def test_who_signs_out_has_no_line_any_more(bench: Bench) -> None:
    async with at_his_phone(bench) as client, Acd().running(bench):
        place = await at_his_line(bench, client)
        looks = bench.looks
        await until(lambda: bench.looks > looks + 4, what="it stands while he is there")
        assert bench.node.told(UuidKill) == []
        await bench.publisher.publish(AgentChanged(agent_id="li", state=AgentState.OUT))
        await until(lambda: bench.node.told(UuidKill), what="his line is hung up")
        assert line_place(bench.node.told(UuidKill)[0].leg_id) == place


async def test_two_orders_for_a_line_at_once_ring_once_and_mean_the_same_line(bench: Bench) -> None:
    async with at_his_phone(bench) as client, Acd().running(bench) as acd:
        orders = (client.post("/v1/agents/li/line", json={}) for _ in range(2))
        answers = await asyncio.gather(*orders)
        assert [answer.status_code for answer in answers] == [200, 200]
        place = line_place(bench.node.told(Originate)[0].leg_id)
        assert len(bench.node.told(Originate)) == 1
        assert {getattr(asked, "phone_id", "") for asked in acd.asked} == {place}


async def test_nobody_signs_in_at_a_line_that_is_not_his(bench: Bench) -> None:
    async with at_his_phone(bench) as client, Acd().running(bench) as acd:
        place = await at_his_line(bench, client)
        await bench.publisher.publish(AgentChanged(agent_id="li", state=AgentState.OUT))
        async with office_of(bench, line_stays_s=60) as office, office.client("han") as other:
            answer = await other.post("/v1/agents/han/sign-in", json={"phone": place})
            assert (answer.status_code, answer.json()["code"]) == (403, "line.not_his")
        assert all(getattr(asked, "agent_id", "") == "li" for asked in acd.asked)
