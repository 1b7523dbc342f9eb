"""Looking at sessions: who stands where now, and what happened in one of them, step by step; never what was keyed or said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bankcore.demo import demo_customers
from ipcc.ids import new_id
from tests.component.ivr.conftest import TOKEN, StandIn
from tests.component.ivr.world import World
from tests.support.until import until

CUSTOMER = demo_customers()[0]


@pytest.fixture
async def world(tmp_path: Path, bank: StandIn) -> AsyncIterator[World]:
    found = World(tmp_path, bank_url=bank.url, given={"bankcore_token": TOKEN, "bank_timeout_s": 3.0})
    found.node.finish_at_once("playback", "FILE PLAYED")
    await found.open()
    yield found
    await found.close()


async def balance(world: World, call: str) -> None:
    """From the greeting to the balance, with one wrong key and one silence on the way."""
    for keys in ("1", "", "8*", "1", CUSTOMER.card_no, CUSTOMER.pin):
        await world.key(call, keys)
    await world.at(call, "after-balance")


def left(trace: dict[str, Any]) -> list[tuple[str, str, str, int, int]]:
    """The nodes left with their way out and what was done there."""
    names = ("flow_node", "outcome", "input_kind", "keyed", "timeouts")
    return [tuple(step[name] for name in names) for step in trace["steps"] if step["what"] == "left"]


async def read(http: httpx.AsyncClient, name: str, **query: str) -> dict[str, Any]:
    answer = await http.get(f"/v1/sessions/{name}/trace", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_trace_of_a_session_tells_its_way_its_inputs_and_the_bank_but_no_value(world: World) -> None:
    async with world.replica() as ivr:
        call = await world.arrive()
        await balance(world, call)
        running = await read(ivr.http, call)
        assert (running["flow"], running["version"], running["ended_at"], running["outcome"]) == (
            "bank-main",
            1,
            None,
            "",
        )
        assert left(running) == [
            ("language", "key 1", "digits", 1, 0),
            ("wish", "unavailable", "none", 0, 0),
            ("menu", "key 1", "digits", 2, 1),
            ("anew", "set", "none", 0, 0),
            ("nobody", "set", "none", 0, 0),
            ("card", "keyed", "digits", 1, 0),
            ("identify", "ok", "none", 0, 0),
            ("pin", "keyed", "digits", 1, 0),
            ("verify", "ok", "none", 0, 0),
            ("balance", "ok", "none", 0, 0),
            ("say-balance", "played", "none", 0, 0),
        ]
        asked = [(s["flow_node"], s["operation"], s["outcome"]) for s in running["steps"] if s["what"] == "bank"]
        assert asked == [("identify", "identify", "ok"), ("verify", "verify_pin", "ok"), ("balance", "balance", "ok")]
        assert running["steps"][-1]["what"] == "entered"
        await world.hang_up(call)
        assert await world.ended(call) == "hung_up"
        over = await read(ivr.http, running["session_id"])
        assert (over["outcome"], over["steps"][-1]["outcome"]) == ("hung_up", "hung_up")
        assert over["ended_at"] >= over["started_at"]
        text = (await ivr.http.get(f"/v1/sessions/{call}/trace")).text
        for secret in (CUSTOMER.card_no, CUSTOMER.pin, "12029", "8*"):
            assert secret not in text


async def test_a_trace_is_found_by_a_replica_that_did_not_serve_the_session_and_after_a_takeover(world: World) -> None:
    async with world.replica("ivr-0") as first:
        call = await world.arrive()
        for keys in ("2", "1", CUSTOMER.card_no):
            await world.key(call, keys)
        await world.at(call, "pin")
        await world.asked(call)
        await until(lambda: first.sessions.outside.sender.waiting == 0, what="all told")
        session_id = first.sessions.running[call].session.session_id
        await first.die()
        world.node._running.clear()
        async with world.replica("ivr-1") as second:
            await world.key(call, CUSTOMER.pin)
            await world.at(call, "menu")
            whole = await read(second.http, call)
            assert [one[:2] for one in left(whole)][-3:] == [("pin", "keyed"), ("verify", "lost"), ("sorry", "played")]
            await world.hang_up(call)
            assert await world.ended(call) == "hung_up"
    async with world.replica("ivr-2") as third:
        for query in ({}, {"call_id": call}):
            again = await read(third.http, session_id, **query)
            assert again["outcome"] == "hung_up"
            assert [one[:2] for one in left(again)][:3] == [
                ("language", "key 2"),
                ("wish", "unavailable"),
                ("menu", "key 1"),
            ]
            visits = [step["visit"] for step in again["steps"] if step["what"] == "left"]
            assert visits == sorted(set(visits))


async def test_a_session_nobody_heard_of_is_said_to_be_unknown(world: World) -> None:
    async with world.replica() as ivr:
        for name in ("nonsense", new_id(), "3f0f7ed4-52a7-4b9c-9d5f-6f0a3a1c2b11"):
            answer = await ivr.http.get(f"/v1/sessions/{name}/trace")
            assert (answer.status_code, answer.json()["code"]) == (404, "session.unknown")


async def test_who_stands_where_is_listed_and_counted_by_flow_node_and_queue(world: World) -> None:
    await world.start_acd()
    async with world.replica() as ivr:
        in_menu, in_menu_too, waits = [await world.arrive() for _ in range(3)]
        for call in (in_menu, in_menu_too):
            await world.key(call, "1")
            await world.at(call, "menu")
        await world.key(waits, "0")
        await world.queued()

        async def listed(**query: str) -> list[str]:
            answer = await ivr.http.get("/v1/sessions", params=query)
            return sorted(one["call_id"] for one in answer.json())

        assert await listed(node="menu") == sorted([in_menu, in_menu_too])
        assert await listed(queue="retail") == [waits]
        assert await listed(flow="bank-main", node="to-agent") == [waits]
        assert await listed(flow="other") == []
        counts = (await ivr.http.get("/v1/sessions/counts")).json()
        assert [(one["at"], one["kind"], one["queue"], one["callers"]) for one in counts] == [
            ("menu", "menu", "", 2),
            ("to-agent", "queue", "retail", 1),
        ]
        assert (await ivr.http.get("/v1/sessions", params={"nodes": "menu"})).status_code == 422
        for call in (in_menu, in_menu_too, waits):
            await world.hang_up(call)
