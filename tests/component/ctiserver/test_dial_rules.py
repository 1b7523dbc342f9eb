"""Dial rules that are administered: every verb that dials asks them, as they stand now, for the unit and rights of who asks."""

from __future__ import annotations

from typing import Any

import httpx

from ipcc.auth.principal import Role
from ipcc.bus import Message
from ipcc.bus.events import TYPE_HEADER
from ipcc.contracts.config import ConfigChanged, ConfigObject, DialPlan, DialRule, Organisation, User
from ipcc.contracts.envelope import encode
from ipcc.contracts.topics import CONFIG
from ipcc.esl.commands import Originate
from tests.component.ctiserver.bench import Bench
from tests.component.ctiserver.desk import office_of
from tests.support.until import until

URGENT = DialRule(name="urgent", reach="emergency", pattern="(110|119)", gateway="near")
ABROAD = DialRule(
    name="abroad",
    reach="international",
    pattern=r"00\d{6,18}",
    roles=("supervisor",),
    strip=2,
    prefix="+",
    gateway="far",
)
PLAN = DialPlan(
    id="main",
    name="Main",
    organisation="bank",
    rules=(URGENT, ABROAD, DialRule(name="desks", reach="internal", pattern=r"8\d{4}", strip=1)),
)


async def publish(bench: Bench, *objects: ConfigObject) -> None:
    for number, found in enumerate(objects, 1000):
        changed = ConfigChanged(kind=found.kind, object_id=found.id, version=number, object=found)
        await bench.publisher.publish(changed)


def dialled(bench: Bench) -> str:
    return " ".join(command.render() for command in bench.node.told(Originate))


async def test_dialling_for_an_agent_is_judged_by_his_rights_and_by_the_plan_of_his_unit(bench: Bench) -> None:
    await publish(bench, Organisation(id="north", name="North", parent="bank"), PLAN)
    await publish(bench, User(id="li", name="李雷", organisation="north", skills={"cards": 5}, phone="1001"))
    async with office_of(bench) as office, office.client("li") as agent:
        bench.node.register("1001")
        bench.node.register("1005")

        async def dial(client: httpx.AsyncClient, who: str, number: str) -> tuple[int, dict[str, Any]]:
            body = {"to": {"kind": "number", "value": number}}
            answer = await client.post(f"/v1/agents/{who}/dial", json=body)
            return answer.status_code, answer.json()

        async def is_ruled() -> bool:
            return (await dial(agent, "li", "13800000001"))[1].get("code") == "dial.not_allowed"

        await until(is_ruled, what="the plan is known: settings would allow it")
        status, problem = await dial(agent, "li", "0049301234567")
        assert (status, problem["code"]) == (403, "dial.not_allowed")
        assert problem["details"] == {
            "rule": "abroad",
            "why": "not_for_him",
            "detail_zh": "拨号规则“abroad”仅限具备以下角色或技能者使用: supervisor",
        }
        assert "abroad" in problem["detail"]
        assert "49301234567" not in str(problem)
        status, problem = await dial(agent, "li", "81777")
        assert (status, problem["code"]) == (404, "phone.unknown")
        assert bench.node.told(Originate) == []
        async with office.client("tester", Role.SUPERVISOR) as chief:
            # the fake switch dials nobody: what it was told is what counts
            await dial(chief, "li", "0049301234567")
        assert "sofia/gateway/far/+49301234567" in dialled(bench)
        await dial(agent, "li", "110")
        assert "sofia/gateway/near/110" in dialled(bench)


async def test_without_a_plan_the_settings_decide(bench: Bench) -> None:
    async with office_of(bench, dial_rules=(DialRule(name="only", pattern="955", roles=("system",)),)) as office:
        bench.node.register("1001")
        body = {"to": {"kind": "number", "value": "955"}}
        async with office.client("li") as agent:

            async def is_ruled() -> bool:
                problem: dict[str, Any] = (await agent.post("/v1/agents/li/dial", json=body)).json()
                return bool(problem.get("details", {}).get("rule") == "only")

            await until(is_ruled, what="the rule of the settings refuses an agent")
        async with office.client("core", Role.SYSTEM) as bank:
            await bank.post("/v1/agents/li/dial", json=body)
            assert "sofia/gateway/demo/955" in dialled(bench)


async def test_a_plan_with_a_word_of_a_newer_release_never_lets_its_unit_fall_to_a_wider_one(bench: Bench) -> None:
    wide = DialPlan(
        id="wide", name="Wide", organisation="bank", rules=(URGENT, DialRule(name="all", pattern=r"\d{3,20}"))
    )
    narrow = DialPlan(id="narrow", name="Narrow", organisation="north", rules=(URGENT, ABROAD))
    await publish(bench, Organisation(id="bank", name="Bank"), Organisation(id="north", name="North", parent="bank"))
    await publish(bench, wide, User(id="li", name="李雷", organisation="north", skills={"cards": 5}, phone="1001"))
    # a reader that begins after the last good version was cleared away has this one alone
    event = bench.publisher.event(ConfigChanged(kind="dial_plan", object_id="narrow", version=5, object=narrow))
    newer = encode(event).replace(b'"international"', b'"satellite"')
    await bench.bus.send(Message(CONFIG.name, "dial_plan/narrow", newer, {TYPE_HEADER: event.type}))
    async with office_of(bench) as office, office.client("li") as agent:
        bench.node.register("1001")

        async def refusal(number: str) -> str:
            body = {"to": {"kind": "number", "value": number}}
            problem: dict[str, Any] = (await agent.post("/v1/agents/li/dial", json=body)).json()
            return str(problem.get("details", {}).get("why"))

        assert await refusal("13800000001") == "no_rule"
        assert await refusal("0049301234567") == "refused"
        health = (await agent.get("/health/ready")).json()
        assert "dial_plan/narrow: a part is in force" in health["warnings"]["administered objects"]
