"""Which calls ivr takes, how replicas share them, what becomes of a session that cannot go on, and what REST shows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ipcc.auth.principal import Role
from ipcc.bus import message_of
from ipcc.contracts.call import CallArrived, Direction
from ipcc.contracts.envelope import wrap
from ipcc.contracts.ivr import NodeEntered, SessionStarted
from ipcc.contracts.topics import DEAD_LETTER
from ipcc.errors import SwitchRefused
from ipcc.esl.commands import UuidTransfer
from ipcc.http.service import Service
from ipcc.ids import new_id
from services.ivr.app import build
from services.ivr.settings import IvrSettings
from tests.component.ivr.world import World
from tests.support.fake_parts import FakeParts, LoopClock
from tests.support.service import client_of, make_settings
from tests.support.until import until

pytestmark = pytest.mark.looptime


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    found = World(tmp_path, clock=LoopClock())
    found.node.finish_at_once("playback", "FILE PLAYED")
    await found.open()
    yield found
    await found.close()


def bank_main() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("flows/bank-main.json").read_text(encoding="utf-8"))
    return found


def arrived(**given: object) -> CallArrived:
    call = new_id()
    known = {
        "call_id": call,
        "leg_id": call,
        "node_id": "fs1",
        "direction": Direction.INBOUND,
        "dialled_number": "95500",
    }
    return CallArrived.model_validate({**known, **given})


async def test_two_replicas_share_the_calls_and_the_living_one_takes_over(world: World) -> None:
    async with world.replica("ivr-0") as first, world.replica("ivr-1") as second:
        calls = [await world.arrive() for _ in range(24)]
        for call in calls:
            await world.asked(call)
        mine, others = set(first.sessions.running), set(second.sessions.running)
        assert mine
        assert others
        assert not mine & others
        assert mine | others == set(calls)
        stayed = [r for r in world.node.executed if r.leg_id in others]
        await first.die()
        world.node._running = [r for r in world.node._running if r.leg_id in others]
        await until(lambda: set(second.sessions.running) == set(calls), what="the second serves all")
        for call in calls:
            await world.asked(call)
        # a rebalance is nothing the callers of the living one hear
        assert [r for r in world.node.executed if r.leg_id in others] == stayed
        for call in calls:
            await world.hang_up(call)
        for call in calls:
            assert await world.ended(call) == "hung_up"
            facts = await world.facts(call)
            assert len([f for f in facts if isinstance(f, SessionStarted)]) == 1


async def test_a_replica_that_stops_in_good_order_leaves_its_callers_to_the_next(world: World) -> None:
    async with world.replica("ivr-0"):
        call = await world.arrive()
        await world.key(call, "2")
        await world.asked(call)
    world.node._running.clear()
    assert [f.flow_node for f in await world.facts(call) if isinstance(f, NodeEntered)] == ["language", "wish", "menu"]
    async with world.replica("ivr-1"):
        assert "/en/main-menu" in await world.asked(call)
        await world.hang_up(call)
        assert await world.ended(call) == "hung_up"


async def test_an_arrival_told_twice_is_one_session(world: World) -> None:
    async with world.replica():
        data = arrived()
        world.node.legs[data.leg_id] = {}  # type: ignore[index]
        await world.publisher.publish(data)
        await world.publisher.publish(data)
        await world.asked(data.call_id)
        await world.hang_up(data.call_id)
        await world.ended(data.call_id)
        assert [r.application for r in world.node.executed].count("answer") == 1


async def test_calls_that_are_not_customers_calling_us_are_left_alone(world: World) -> None:
    async with world.replica():
        for direction in (Direction.OUTBOUND, Direction.INTERNAL):
            await world.publisher.publish(arrived(direction=direction))
        call = await world.arrive()
        await world.asked(call)
        assert {r.leg_id for r in world.node.executed} == {call}
        await world.hang_up(call)


async def test_a_number_without_a_flow_goes_to_the_safety_net_and_is_no_dead_letter(world: World) -> None:
    async with world.replica():
        call = await world.arrive(number="955009")
        await until(lambda: world.node.told(UuidTransfer), what="transferred")
        assert world.node.told(UuidTransfer)[0].destination == "fallback"
        assert await world.facts(call) == []
        assert world.broker.logs(DEAD_LETTER.name)[0].end == 0


async def test_a_switch_nobody_named_is_a_dead_letter_and_holds_nobody_up(world: World) -> None:
    async with world.replica():
        await world.publisher.publish(arrived(node_id="fs9"))
        call = await world.arrive()
        await world.asked(call)
        await until(lambda: world.broker.logs(DEAD_LETTER.name)[0].end == 1, what="buried")
        await world.hang_up(call)


async def test_a_call_heard_of_late_is_served_only_if_it_is_still_there(world: World) -> None:
    async with world.replica():
        for is_there in (False, True):
            data = arrived()
            if is_there:
                world.node.legs[data.leg_id] = {}  # type: ignore[index]
            late = wrap(data, event_id=new_id(), source="test/t", time=world.clock.now() - timedelta(minutes=1))
            await world.bus.send(message_of(late))
        await world.asked(data.call_id)
        assert {r.leg_id for r in world.node.executed} == {data.leg_id}
        await world.hang_up(data.call_id)


async def test_a_dead_switch_holds_up_no_callers_of_the_others_and_its_own_are_met_when_it_is_back(
    world: World,
) -> None:
    world.other_node.go_down()
    async with world.replica():
        # on every partition
        behind = [arrived(node_id="fs2") for _ in range(40)]
        for data in behind:
            world.other_node.legs[data.leg_id] = {}  # type: ignore[index]
            late = wrap(data, event_id=new_id(), source="test/t", time=world.clock.now() - timedelta(minutes=1))
            await world.bus.send(message_of(late))
        began = world.clock.now()
        calls = [await world.arrive() for _ in range(8)]
        for call in calls:
            await world.asked(call)
        assert world.clock.now() - began < timedelta(seconds=2)
        gone = behind[0].leg_id
        del world.other_node.legs[gone]  # type: ignore[arg-type]
        world.other_node.go_up()
        assert await world.ended(gone) == "hung_up"
        await until(
            lambda: {r.leg_id for r in world.other_node.executed} == {d.leg_id for d in behind[1:]}, what="all are met"
        )
        for call in [*calls, *(data.leg_id for data in behind[1:])]:
            (world.node if call in calls else world.other_node).hang_up(call)
            assert await world.ended(call) == "hung_up"


async def test_a_session_that_cannot_go_on_gives_its_caller_to_the_safety_net(world: World) -> None:
    async with world.replica() as ivr:
        call = await world.arrive()
        await world.asked(call)
        world.node.answer("uuid_setvar", SwitchRefused("Usage: nonsense"))
        await world.key(call, "2")
        assert await world.ended(call) == "failed"
        assert world.node.told(UuidTransfer)[0].leg_id == call
        assert ivr.sessions.running == {}
        assert world.node.watched == set()


async def test_a_caller_who_hangs_up_while_something_is_played_ends_the_session(world: World) -> None:
    world.node.results.pop("playback")
    async with world.replica():
        call = await world.arrive()
        for keys in ("1", "", "", ""):
            await world.key(call, keys)
        # no acd and no end of music: then a prompt
        await until(lambda: world.heard(call), what="music")
        await world.hang_up(call)
        assert await world.ended(call) == "hung_up"
        early = await world.arrive()
        await world.asked(early)
        world.node.hang_up(early)
        assert await world.ended(early) == "hung_up"


async def test_rest_shows_sessions_and_flows_to_those_who_may_see_them(world: World) -> None:
    async with world.replica() as ivr:
        call = await world.arrive()
        await world.key(call, "2")
        await world.asked(call)
        shown = (await ivr.http.get("/v1/sessions")).json()
        assert [(s["call_id"], s["at"], s["language"], s["path"]) for s in shown] == [
            (call, "menu", "en", ["language", "wish", "menu"])
        ]
        assert (await ivr.http.get("/v1/sessions/none")).status_code == 404
        assert "bank-main" in [f["id"] for f in (await ivr.http.get("/v1/flows")).json()]
        document = bank_main()
        assert (await ivr.http.get("/v1/flows/bank-main")).json()["start"] == document["start"]
        check = await ivr.http.post("/v1/flows/check", json={"document": document})
        assert check.json() == {"valid": True, "problems": []}
        document["nodes"]["balance"]["operation"] = "lend"
        check = await ivr.http.post("/v1/flows/check", json={"document": document})
        assert check.json()["valid"] is False
        problem = check.json()["problems"][0]
        assert problem["node"] == "balance"
        assert "no operation lend" in problem["en"]
        assert "银行接口" in problem["zh"]
        assert (await ivr.http.get("/health/live")).status_code == 200
        assert b"ipcc_ivr_sessions_count" in (await ivr.http.get("/metrics")).content
        await world.hang_up(call)


async def test_agents_do_not_see_sessions(world: World) -> None:
    async with client_of(_service(world), [Role.AGENT], clock=world.clock) as http:
        assert (await http.get("/v1/sessions")).status_code == 403
        assert (await http.post("/v1/flows/check", json={"document": {}})).status_code == 403


def _service(world: World) -> Service:
    settings = make_settings(IvrSettings, world.folder, bankcore_url=world.bank_url)
    return build(settings, FakeParts(world.clock, world.broker))
