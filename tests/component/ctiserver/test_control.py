"""Calls and legs over REST: what is shown, what is done to them, what is refused."""

from __future__ import annotations

import pytest

from ipcc.auth.principal import Role
from ipcc.contracts.call import CallDataAttached
from ipcc.esl.commands import UuidKill
from tests.component.ctiserver.bench import Bench
from tests.component.ctiserver.desk import Office, office_of


async def joined(bench: Bench) -> None:
    node = bench.node
    node.arrive("c1", name='王 "小" 明')
    node.pick_up("c1")
    node.dial("a1", "c1", "li")
    node.pick_up("a1")
    node.join("c1", "a1")
    await bench.until_told("LegsBridged c1")


async def test_a_live_call_is_shown_with_its_legs(bench: Bench) -> None:
    async with office_of(bench) as office, office.client("boss", Role.SUPERVISOR) as client:
        await joined(bench)
        call = (await client.get("/v1/calls/c1")).json()
        assert (call["caller_name"], call["trunk"], call["direction"]) == ('王 "小" 明', "bank", "inbound")
        assert [(leg["leg_id"], leg["state"], leg["bridged_to"]) for leg in call["legs"]] == [
            ("c1", "connected", "a1"),
            ("a1", "connected", "c1"),
        ]
        bench.node.arrive("c2")
        first = (await client.get("/v1/calls", params={"limit": 1})).json()
        second = (await client.get("/v1/calls", params={"limit": 1, "after": first["next"]})).json()
        assert [page["items"][0]["call_id"] for page in (first, second)] == ["c1", "c2"]
        assert second["next"] is None
        assert len((await client.get("/v1/legs")).json()["items"]) == 3


async def test_hold_retrieve_and_hang_up_are_answered_when_they_are_done(bench: Bench) -> None:
    async with office_of(bench) as office, office.client("li") as client:
        await joined(bench)
        assert (await client.post("/v1/legs/a1/hold")).json()["state"] == "held"
        again = await client.post("/v1/legs/a1/hold")
        assert (again.status_code, again.json()["code"], again.json()["details"]["state"]) == (
            409,
            "leg.wrong_state",
            "held",
        )
        assert (await client.post("/v1/legs/a1/retrieve")).json()["state"] == "connected"
        assert (await client.post("/v1/legs/a1/hang-up")).json()["state"] == "null"
        assert (await client.post("/v1/legs/a1/hang-up")).json()["code"] == "leg.wrong_state"
        await bench.until_told("LegHeld a1", "LegResumed a1", "LegEnded a1")


async def test_hanging_up_a_call_ends_all_its_legs(bench: Bench) -> None:
    async with office_of(bench) as office, office.client("boss", Role.SUPERVISOR) as client:
        await joined(bench)
        call = (await client.post("/v1/calls/c1/hang-up")).json()
        assert call["ended_at"] is not None
        assert {leg["state"] for leg in call["legs"]} == {"null"}
        assert {command.leg_id for command in bench.node.told(UuidKill)} == {"c1", "a1"}
        assert (await client.post("/v1/calls/c1/hang-up")).json()["code"] == "call.ended"


async def test_data_is_attached_to_a_live_call_and_secrets_are_not(bench: Bench) -> None:
    async with office_of(bench) as office, office.client("li") as client:
        await joined(bench)
        answer = await client.post("/v1/calls/c1/data", json={"data": {"case": "卡丢了"}})
        assert answer.json()["data"] == {"case": "卡丢了"}
        refused = [
            ({}, "data.size"),
            ({"Case": "x"}, "data.key"),
            ({"card_no": "1"}, "data.secret"),
            ({"a": "x" * 501}, "data.value"),
        ]
        for data, code in refused:
            answer = await client.post("/v1/calls/c1/data", json={"data": data})
            assert (answer.status_code, answer.json()["code"]) == (422, code)
        await bench.until_told("CallDataAttached c1")
        attached = [event.data for event in await bench.events() if isinstance(event.data, CallDataAttached)]
        assert [found.data for found in attached] == [{"case": "卡丢了"}]


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR])
async def test_who_a_customer_is_only_flows_and_the_banks_systems_may_say(bench: Bench, role: Role) -> None:
    async with office_of(bench) as office:
        await joined(bench)
        for name in ("verified", "customer_id", "card_tail", "segment", "access", "contracted"):
            async with office.client("li", role) as client:
                answer = await client.post("/v1/calls/c1/data", json={"data": {"case": "7", name: "yes"}})
                assert (answer.status_code, answer.json()["code"]) == (403, "data.identity")
                assert answer.json()["details"] == {"key": name}
        async with office.client("core", Role.SYSTEM) as bank:
            answer = await bank.post("/v1/calls/c1/data", json={"data": {"segment": "vip"}})
            assert answer.json()["data"] == {"segment": "vip"}


async def test_strangers_and_the_unknown_are_refused(bench: Bench) -> None:
    async with office_of(bench) as office:
        await joined(bench)
        async with office.client("han") as client:
            for path in ("/v1/calls/c1/hang-up", "/v1/legs/a1/hang-up", "/v1/legs/a1/hold"):
                assert (await client.post(path)).status_code == 403
            assert (await client.get("/v1/calls/none")).json()["code"] == "call.unknown"
            assert (await client.post("/v1/legs/none/hang-up")).json()["code"] == "leg.unknown"
        assert bench.node.told(UuidKill) == []


async def test_a_leg_that_is_gone_and_a_link_that_is_down_are_told_apart(bench: Bench) -> None:
    async with office_of(bench, look_every_s=30) as office, office.client("li") as client:
        await joined(bench)
        await _gone(bench, client_of=office)
        bench.node.go_down()
        answer = await client.post("/v1/legs/a1/hang-up")
        assert (answer.status_code, answer.json()["code"]) == (503, "switch.down")


async def _gone(bench: Bench, client_of: Office) -> None:
    bench.node.vanish("c1")
    async with client_of.client("boss", Role.SUPERVISOR) as boss:
        answer = await boss.post("/v1/legs/c1/hang-up")
        assert (answer.status_code, answer.json()["code"]) == (409, "leg.ended")


async def test_what_the_switch_accepts_and_does_not_do_is_said(bench: Bench) -> None:
    async with office_of(bench, control_timeout_s=0.1) as office, office.client("li") as client:
        await joined(bench)
        bench.node.answer("uuid_hold", "+OK Success\n")
        answer = await client.post("/v1/legs/a1/hold")
        assert (answer.status_code, answer.json()["code"]) == (503, "leg.not_done")
