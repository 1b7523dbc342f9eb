"""Agents who sign in at a number outside: only at one they may be rung at, and rung there by call control, too."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from ipcc.contracts.acd import AgentChanged, AgentState, SignIn
from ipcc.contracts.config import User
from ipcc.esl.commands import Originate
from tests.component.ctiserver.bench import Bench
from tests.component.ctiserver.desk import Acd, office_of
from tests.component.ctiserver.test_dial_rules import publish
from tests.support.until import until

MOBILE = "13900001001"


async def sign_in(client: httpx.AsyncClient, number: str, **more: Any) -> tuple[int, dict[str, Any]]:
    answer = await client.post("/v1/agents/li/sign-in", json={"number": number, **more})
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("user", "number", "status", "code"),
    [
        ({"outside": "no"}, MOBILE, 403, "agent.outside"),
        ({"outside": "own", "mobile": MOBILE}, "13900001002", 403, "agent.outside"),
        ({"outside": "own", "mobile": MOBILE}, MOBILE, 200, ""),
        ({"outside": "any"}, "13900001002", 200, ""),
        ({"outside": "any"}, "0049301234567", 403, "dial.not_allowed"),
        ({"outside": "any"}, "138\n0001", 422, "number.invalid"),
    ],
)
async def test_he_signs_in_where_his_user_and_the_dial_rules_allow_it(
    bench: Bench, user: dict[str, Any], number: str, status: int, code: str
) -> None:
    await publish(bench, User(id="li", name="李雷", organisation="bank", skills={"cards": 5}, **user))
    async with office_of(bench) as office, Acd().running(bench) as acd, office.client("li") as client:
        found = await sign_in(client, number)
        assert (found[0], found[1].get("code", "")) == (status, code)
        wanted = [SignIn(agent_id="li", phone_id=f"demo/{number}")] if status == 200 else []
        assert acd.asked == wanted


async def test_phone_and_number_are_not_given_together(bench: Bench) -> None:
    async with office_of(bench) as office, office.client("li") as client:
        assert (await sign_in(client, MOBILE, phone="1001"))[0] == 422


async def test_call_control_rings_him_there_too_and_asks_for_his_key(bench: Bench) -> None:
    await bench.publisher.publish(AgentChanged(agent_id="li", state=AgentState.READY, phone_id=f"demo/{MOBILE}"))
    async with office_of(bench, confirm_key="5") as office, office.client("li") as client:

        async def is_there() -> bool:
            found = (await client.get("/v1/agents/li")).json()
            return bool(found["phone_registered"]) and found["phone_id"] == f"demo/{MOBILE}"

        await until(is_there, what="his place is known and always there")
        bench.node.register("1003")

        async def is_dialled() -> bool:
            await client.post("/v1/agents/li/dial", json={"to": {"kind": "phone", "value": "1003"}})
            return bool(bench.node.told(Originate))

        await until(is_dialled, what="he is rung")
        order = bench.node.told(Originate)[0].render()
        assert f"sofia/gateway/demo/{MOBILE}" in order
        for wanted in ("group_confirm_key=5", "ignore_early_media=true", "origination_caller_id_number=95500"):
            assert wanted in order
