"""Agents sign in over REST, and only so that acd can ring them."""

from __future__ import annotations

from ipcc.auth.principal import Role
from ipcc.bus import received_from
from ipcc.bus.port import BEGINNING
from ipcc.contracts.acd import AgentChanged, AgentState, EndWrapUp, SetNotReady, SetReady, SignIn, SignOut
from ipcc.contracts.audit import ActDone
from ipcc.contracts.topics import AUDIT
from tests.component.ctiserver.bench import Bench
from tests.component.ctiserver.desk import Acd, office_of
from tests.support.until import until


async def test_signing_in_asks_acd_with_the_phone_configured_for_the_agent(bench: Bench) -> None:
    async with office_of(bench) as office, Acd().running(bench) as acd, office.client("li") as client:
        bench.node.register("1001")

        async def is_registered() -> bool:
            phones = (await client.get("/v1/phones")).json()
            return any(phone["phone_id"] == "1001" and phone["registered"] for phone in phones)

        await until(is_registered)
        answer = await client.post("/v1/agents/li/sign-in", json={"ready": True})
        assert (answer.status_code, answer.json()) == (200, {"agent_id": "li", "answer": {"state": "not_ready"}})
        assert (await client.post("/v1/agents/li/ready")).json()["answer"] == {"state": "ready"}
        assert (await client.post("/v1/agents/li/not-ready", json={"reason": "lunch"})).status_code == 200
        assert (await client.post("/v1/agents/li/wrap-up/end", json={"code": "sold"})).status_code == 200
        assert (await client.post("/v1/agents/li/sign-out")).status_code == 200
        assert acd.asked == [
            SignIn(agent_id="li", phone_id="1001", ready=True),
            SetReady(agent_id="li"),
            SetNotReady(agent_id="li", reason="lunch"),
            EndWrapUp(agent_id="li", code="sold"),
            SignOut(agent_id="li"),
        ]


async def test_what_somebody_does_to_another_agent_is_audited_and_what_he_does_himself_is_not(bench: Bench) -> None:
    async with office_of(bench) as office, Acd().running(bench) as acd:
        async with office.client("li") as agent:
            assert (await agent.post("/v1/agents/li/not-ready", json={"reason": "lunch"})).status_code == 200
        async with office.client("han") as stranger:
            assert (await stranger.post("/v1/agents/li/ready")).status_code == 403
        async with office.client("boss", Role.SUPERVISOR) as boss:
            await boss.post("/v1/agents/li/not-ready", json={"reason": "coaching"})
            await boss.post("/v1/agents/li/sign-out", json={"force": True})

        async def told() -> list[ActDone]:
            async with bench.bus.replay(AUDIT.name, BEGINNING) as reader:
                found = [received_from(record).event.data async for record in reader]
            acts = [act for act in found if isinstance(act, ActDone)]
            return acts if len(acts) >= 3 else []

        # all of one agent, so in their order
        acts = await until(told, what="three acts")
        assert [(act.actor, act.act, act.object_id, act.outcome) for act in acts] == [
            ("han", "set_ready", "li", "agent.other"),
            ("boss", "set_not_ready", "li", "done"),
            ("boss", "sign_out", "li", "done"),
        ]
        assert acts[2].details == {"force": "True"}
        assert acd.asked[1] == SetNotReady(agent_id="li", reason="coaching", by="boss")


async def test_what_cannot_be_is_refused_by_name_before_acd_is_asked(bench: Bench) -> None:
    async with (
        office_of(bench) as office,
        Acd().running(bench) as acd,
        office.client("boss", Role.SUPERVISOR) as client,
    ):
        cases = [
            ("nobody", {}, 404, "agent.unknown"),
            ("boss", {}, 404, "agent.unknown"),
            ("li", {"phone": "9999"}, 404, "phone.unknown"),
            ("li", {}, 409, "phone.not_registered"),
            ("han", {}, 409, "agent.no_phone"),
            ("li", {"phone": "10\n01"}, 422, "request.invalid"),
            ("li", {"telephone": "1001"}, 422, "request.invalid"),
        ]
        for agent, body, status, code in cases:
            answer = await client.post(f"/v1/agents/{agent}/sign-in", json=body)
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert acd.asked == []


async def test_who_takes_no_calls_signs_in_without_a_phone(bench: Bench) -> None:
    async with office_of(bench) as office, Acd().running(bench) as acd, office.client("mei") as client:
        assert (await client.post("/v1/agents/mei/sign-in", json={"ready": True})).status_code == 200
        assert acd.asked == [SignIn(agent_id="mei", phone_id="", ready=True)]


async def test_acds_refusal_is_the_answer(bench: Bench) -> None:
    async with office_of(bench) as office, Acd(busy={"li"}).running(bench), office.client("li") as client:
        answer = await client.post("/v1/agents/li/sign-out")
        assert (answer.status_code, answer.json()["code"]) == (409, "agent.busy")


async def test_an_absent_acd_is_said_to_be_absent(bench: Bench) -> None:
    async with office_of(bench, ask_timeout_s=0.1) as office, office.client("li") as client:
        answer = await client.post("/v1/agents/li/ready")
        assert (answer.status_code, answer.json()["code"]) == (503, "rpc.no_answer")


async def test_nobody_acts_for_another_agent_but_a_supervisor(bench: Bench) -> None:
    async with office_of(bench) as office, Acd().running(bench):
        async with office.client("han") as client:
            assert (await client.post("/v1/agents/li/ready")).json()["code"] == "agent.other"
            assert (await client.get("/v1/calls")).status_code == 403
            assert (await client.post("/v1/agents/han/sign-out", json={"force": True})).json()["code"] == "agent.force"
        async with office.client("boss", Role.SUPERVISOR) as client:
            assert (await client.post("/v1/agents/li/ready")).status_code == 200


async def test_the_last_known_state_survives_a_restart(bench: Bench) -> None:
    await bench.publisher.publish(AgentChanged(agent_id="li", state=AgentState.READY, phone_id="1001"))
    async with office_of(bench) as office, office.client("li") as client:
        found = (await client.get("/v1/agents/li")).json()
        assert (found["state"], found["phone_id"], found["phone_registered"], found["name"]) == (
            "ready",
            "1001",
            False,
            "李雷",
        )
    async with office_of(bench) as office, office.client("han") as client:
        assert (await client.get("/v1/agents/han")).json()["state"] == "out"
