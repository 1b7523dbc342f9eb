"""Every replica shows the sessions of all: lists, counts, one session, its trace, and each change over WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from ipcc.auth.principal import Role
from ipcc.auth.tokens import issue_development_token
from ipcc.http.server import serving
from ipcc.ids import new_id
from services.ivr.api import BEHIND
from tests.component.ivr.world import Replica, World
from tests.support.fake_parts import LoopClock
from tests.support.until import until


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    found = World(tmp_path, clock=LoopClock())
    found.node.finish_at_once("playback", "FILE PLAYED")
    await found.open()
    yield found
    await found.close()


async def shown(replica: Replica, **query: str) -> dict[str, dict[str, Any]]:
    """The list of a replica, by call; nobody is listed twice."""
    answer = await replica.http.get("/v1/sessions", params=query)
    assert answer.status_code == 200, answer.text
    rows = answer.json()
    found = {row["call_id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


async def at_menu(world: World, count: int) -> list[str]:
    calls = [await world.arrive() for _ in range(count)]
    for call in calls:
        await world.key(call, "2")
        await world.at(call, "menu")
    return calls


def where(rows: dict[str, dict[str, Any]]) -> dict[str, tuple[str, str, str]]:
    return {call: (row["session_id"], row["at"], row["replica"]) for call, row in rows.items()}


@pytest.mark.looptime
async def test_each_replica_lists_counts_and_shows_the_callers_of_all(world: World) -> None:
    await world.start_acd()
    async with world.replica("ivr-0") as first, world.replica("ivr-1") as second:
        calls = await at_menu(world, 12)
        assert first.sessions.running
        assert second.sessions.running

        async def is_known() -> bool:
            lists = [where(await shown(one)) for one in (first, second)]
            return lists[0] == lists[1] and {at for _, at, _ in lists[0].values()} == {"menu"}

        await until(is_known, what="both show all at the menu")
        rows = await shown(first)
        assert set(rows) == set(calls)
        assert {call: row["replica"] for call, row in rows.items()} == {
            **dict.fromkeys(first.sessions.running, "ivr-0"),
            **dict.fromkeys(second.sessions.running, "ivr-1"),
        }
        # of one who is served elsewhere everything but how often he was asked
        theirs = next(iter(second.sessions.running))
        there, here = (await shown(second))[theirs], (await shown(first))[theirs]
        assert (there["attempt"], here["attempt"]) == (1, None)
        assert {**there, "attempt": None, "started_at": ""} == {**here, "started_at": ""}
        waits = calls[0]
        await world.key(waits, "0")
        await world.queued()
        for one in (first, second):

            async def waits_there(one: Replica = one) -> bool:
                return list(await shown(one, queue="retail")) == [waits]

            await until(waits_there, what="the one who waits is found by his queue")
            counts = (await one.http.get("/v1/sessions/counts")).json()
            assert [(c["at"], c["queue"], c["callers"]) for c in counts] == [
                ("menu", "", 11),
                ("to-agent", "retail", 1),
            ]
            assert (await one.http.get(f"/v1/sessions/{waits}")).json()["queue"] == "retail"
            assert list(await shown(one, node="menu", queue="retail")) == []
            assert (await one.http.get(f"/v1/sessions/{new_id()}")).status_code == 404
        for call in calls:
            await world.hang_up(call)
        for one in (first, second):

            async def is_empty(one: Replica = one) -> bool:
                return not await shown(one)

            await until(is_empty, what="nobody is left")


@pytest.mark.looptime
async def test_the_callers_of_a_replica_that_died_are_listed_once_and_then_as_the_others(world: World) -> None:
    async with world.replica("ivr-0") as first, world.replica("ivr-1") as second:
        calls = await at_menu(world, 12)
        died = set(first.sessions.running)
        before = {call: row["session_id"] for call, row in (await shown(second)).items()}
        assert set(before) == set(calls)
        await first.die()
        # nobody is missed meanwhile: they are still on the line
        rows = await shown(second)
        assert set(rows) == set(calls)
        world.node._running = [r for r in world.node._running if r.leg_id not in died]
        await until(lambda: set(second.sessions.running) == set(calls), what="the second serves all")
        rows = await shown(second)
        assert {call: row["session_id"] for call, row in rows.items()} == before
        assert {row["replica"] for row in rows.values()} == {"ivr-1"}
        async with world.replica("ivr-2") as third:

            async def knows() -> bool:
                return where(await shown(third)) == where(await shown(second))

            await until(knows, what="one that starts later knows them")
            for call in calls:
                await world.hang_up(call)
                assert await world.ended(call) == "hung_up"


async def test_the_trace_of_a_running_session_is_found_by_its_call_in_a_replica_that_never_served_it(
    tmp_path: Path,
) -> None:
    # the time of day: an id says when its session began
    world = World(tmp_path)
    world.node.finish_at_once("playback", "FILE PLAYED")
    await world.open()
    async with world.replica("ivr-0") as first, world.replica("ivr-1") as second:
        calls = await at_menu(world, 8)
        theirs = next(iter(second.sessions.running))
        session_id = second.sessions.running[theirs].session.session_id
        for name in (theirs, session_id):
            trace = (await first.http.get(f"/v1/sessions/{name}/trace")).json()
            assert (trace["call_id"], trace["ended_at"]) == (theirs, None)
            assert [(s["what"], s["flow_node"]) for s in trace["steps"]][-1] == ("entered", "menu")
        for call in calls:
            await world.hang_up(call)
        assert await world.ended(theirs) == "hung_up"
        # and when it has ended, though a call's id says nothing of its time
        trace = (await first.http.get(f"/v1/sessions/{theirs}/trace")).json()
        assert (trace["session_id"], trace["outcome"]) == (session_id, "hung_up")
    await world.close()


@pytest.mark.looptime
async def test_while_the_broker_is_away_own_callers_are_shown_as_they_stand_and_the_age_of_the_rest_is_said(
    world: World,
) -> None:
    async with world.replica("ivr-0") as first, world.replica("ivr-1") as second:
        calls = await at_menu(world, 12)
        mine = next(iter(first.sessions.running))
        leaves = next(call for call in first.sessions.running if call != mine)
        await until(lambda: first.sessions.outside.sender.waiting == 0, what="all told")
        assert float((await first.http.get("/v1/sessions")).headers[BEHIND]) == 0
        world.broker.go_down()
        await world.key(mine, "1")
        world.node.hang_up(leaves)

        async def moved() -> bool:
            rows = await shown(first)
            return rows[mine]["at"] != "menu" and leaves not in rows

        await until(moved, what="own callers are shown as they stand")
        assert set(await shown(first)) == set(calls) - {leaves}
        assert leaves in await shown(second) or leaves not in second.sessions.running

        async def says_so() -> bool:
            return float((await second.http.get("/v1/sessions")).headers[BEHIND]) > 2

        await until(says_so, what="how old it is")
        ready = (await second.http.get("/health/ready")).json()
        assert "s old" in str(ready["warnings"])
        world.broker.come_back()

        async def agree() -> bool:
            return where(await shown(first)) == where(await shown(second)) and leaves not in await shown(second)

        await until(agree, what="both say the same again")
        for call in set(calls) - {leaves}:
            await world.hang_up(call)


async def read(socket: ClientConnection, kind: str, **fields: Any) -> dict[str, Any]:
    """The next message of that kind with these fields; what comes before is passed over."""
    async with asyncio.timeout(10):
        while True:
            message = orjson.loads(await socket.recv())
            data: dict[str, Any] = message.get("data", {})
            if message["type"] == kind and all(data.get(name) == value for name, value in fields.items()):
                return data


async def test_who_watches_one_replica_sees_callers_of_all_come_move_and_leave(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.node.finish_at_once("playback", "FILE PLAYED")
    await world.open()
    await world.start_acd()
    service = world.service("ivr-0")
    async with serving([service]) as running, world.replica("ivr-1") as second:
        address = running[0].url.replace("http", "ws")
        token = issue_development_token(service.settings, world.clock, "tester", [Role.SUPERVISOR])
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            connect(f"{address}/v1/live", additional_headers=headers) as everybody,
            connect(f"{address}/v1/live?queue=retail", additional_headers=headers) as waiting,
        ):
            assert orjson.loads(await everybody.recv())["type"] == "hello"
            assert orjson.loads(await waiting.recv())["type"] == "hello"
            calls = [await world.arrive() for _ in range(8)]
            for call in calls:
                await world.asked(call)
            theirs = next(call for call in calls if call in second.sessions.running)
            came = await read(everybody, "session", call_id=theirs, at="language")
            assert (came["replica"], came["from_at"], came["flow"]) == ("ivr-1", "", "bank-main")
            await world.key(theirs, "0")
            moved = await read(everybody, "session", call_id=theirs, at="to-agent")
            assert (moved["queue"], moved["from_at"]) == ("retail", "language")
            # whoever wants one queue alone hears of nobody else
            first = orjson.loads(await waiting.recv())
            assert (first["type"], first["data"]["call_id"]) == ("session", theirs)
            await world.hang_up(theirs)
            left = await read(everybody, "session.left", call_id=theirs)
            assert left == {
                "session_id": came["session_id"],
                "call_id": theirs,
                "flow": "bank-main",
                "version": 1,
                "at": "to-agent",
                "queue": "retail",
            }
            second_message = orjson.loads(await waiting.recv())
            assert (second_message["type"], second_message["data"]["call_id"]) == ("session.left", theirs)
            for call in calls:
                await world.hang_up(call)
        for roles in ([Role.AGENT], []):
            token = issue_development_token(service.settings, world.clock, "tester", roles)
            with pytest.raises(InvalidStatus):
                await connect(f"{address}/v1/live", additional_headers={"Authorization": f"Bearer {token}"})
        async with httpx.AsyncClient(base_url=running[0].url) as nobody:
            assert (await nobody.get("/v1/sessions")).status_code == 401
    await world.close()
