"""What a switch says is told on the bus: once, in order, whatever breaks in between."""

from __future__ import annotations

from ipcc.contracts.call import LegEnded
from ipcc.ids import LegId
from tests.component.ctiserver.bench import Bench
from tests.support.service import client_of
from tests.support.until import until


def play_a_call(bench: Bench) -> None:
    node = bench.node
    node.arrive("c1", name='王%0A"小": 明')
    node.pick_up("c1")
    node.dial("a1", "c1", "li")
    node.pick_up("a1")
    node.join("c1", "a1")
    node.end("a1")
    node.end("c1")


WHOLE_CALL = [
    "CallArrived c1",
    "LegStarted c1",
    "LegAnswered c1",
    "LegStarted a1",
    "LegRinging a1",
    "LegAnswered a1",
    "LegsBridged c1",
    "LegsUnbridged a1",
    "LegEnded a1",
    "LegEnded c1",
    "CallEnded c1",
]


async def test_a_call_is_told_from_arrival_to_end(bench: Bench) -> None:
    async with bench.running():
        play_a_call(bench)
        assert await bench.until_told("CallEnded c1") == WHOLE_CALL
    events = await bench.events()
    assert all(event.subject == "c1" for event in events)
    assert events[0].data.model_dump()["caller_name"] == '王%0A"小": 明'
    assert events[0].source.startswith("ctiserver/")


async def test_while_the_broker_is_down_facts_are_kept_in_order(bench: Bench) -> None:
    async with bench.running() as client:
        bench.broker.go_down()
        play_a_call(bench)
        health = (await client.get("/health/ready")).json()
        assert health["components"]["bus"]["status"] == "red"
        bench.broker.come_back()
        assert await bench.until_told("CallEnded c1") == WHOLE_CALL


async def test_after_an_overflow_the_rest_is_found_by_looking(bench: Bench) -> None:
    async with bench.running(unsent_limit=100) as client:
        bench.node.arrive("before")
        await bench.until_told("LegStarted before")
        bench.broker.go_down()
        for number in range(60):
            bench.node.arrive(f"c{number}")
        bench.node.end("before")
        bench.node.arrive("after")
        bench.broker.come_back()
        everybody = ["before", "after", *(f"c{number}" for number in range(60))]

        async def all_are_told() -> bool:
            told = await bench.told()
            starts = {word.split()[1] for word in told if word.startswith("LegStarted")}
            return starts >= set(everybody) and "CallEnded before" in told

        await until(all_are_told)
        told = await bench.told()
        for leg in everybody:
            for kind in ("CallArrived", "LegStarted"):
                assert sum(word.split()[:2] == [kind, leg] for word in told) == 1
        assert "LegStarted c0 resynced" in told
        await bench.ready(client)
        assert "ipcc_ctiserver_dropped_total" in (await client.get("/metrics")).text


async def test_a_killed_ctiserver_tells_after_its_restart_only_what_is_new(bench: Bench) -> None:
    killed = client_of(bench.service(instance_id="one"))
    client = await killed.__aenter__()
    await bench.ready(client)
    await until(lambda: bench.looks, what="the switch was looked at")
    for leg in ("stays", "goes", "joined"):
        bench.node.arrive(leg)
        bench.node.pick_up(leg)
    bench.node.dial("a1", "joined", "li")
    bench.node.pick_up("a1")
    bench.node.join("joined", "a1")
    before = await bench.until_told("LegsBridged joined")
    # killed: nothing of what happens now is heard
    bench.node.go_down()
    await killed.__aexit__(None, None, None)
    bench.node.vanish("goes")
    bench.node.appear("new")
    bench.node.go_up()
    async with bench.running(instance_id="two"):
        told = await bench.until_told("LegEnded goes resynced", "CallEnded goes resynced", "LegAnswered new resynced")
        fresh = told[len(before) :]
        assert sorted(fresh) == sorted(
            [
                "LegEnded goes resynced",
                "CallEnded goes resynced",
                "CallArrived new resynced",
                "LegStarted new resynced",
                "LegAnswered new resynced",
            ]
        )
        bench.node.end("stays")
        bench.node.end("a1")
        told = await bench.until_told("CallEnded stays", "LegEnded a1")
        assert told.count("LegEnded stays") == 1
        assert "LegsUnbridged a1" in told
    ends = [e.data for e in await bench.events() if isinstance(e.data, LegEnded) and e.data.leg_id == "goes"]
    assert [end.cause for end in ends] == ["NORMAL_UNSPECIFIED"]


async def test_a_lost_link_is_repaired_when_it_is_back(bench: Bench) -> None:
    async with bench.running(look_every_s=30) as client:
        bench.node.arrive("c1")
        await bench.until_told("LegStarted c1")
        bench.node.go_down()
        assert (await client.get("/health/ready")).json()["components"]["switches"]["status"] == "red"
        bench.node.vanish("c1")
        bench.node.appear("c2")
        bench.node.go_up()
        await bench.until_told("LegEnded c1 resynced", "CallEnded c1 resynced", "LegAnswered c2 resynced")


async def test_a_leg_heard_of_in_the_middle_is_looked_up_at_once(bench: Bench) -> None:
    async with bench.running(look_every_s=30, look_again_s=30):
        bench.node.appear("c1")
        bench.node.say("CHANNEL_HOLD", "c1")
        await bench.until_told("LegStarted c1 resynced")


async def test_a_ghost_left_by_a_failed_bridge_is_hung_up(bench: Bench) -> None:
    async with bench.running(ghost_after_s=0.1) as client:
        bench.node.arrive("c1")
        bench.node.dial("a1", "c1", "li")
        bench.node.pick_up("a1")
        bench.node.end("c1")
        bench.node.legs[LegId("a1")].update(state="CS_SOFT_EXECUTE", application="park")
        told = await bench.until_told("LegEnded a1", "CallEnded c1")
        assert told.count("CallEnded c1") == 1
        assert "ipcc_ctiserver_ghosts_total" in (await client.get("/metrics")).text


async def test_registrations_are_told_once_and_repaired(bench: Bench) -> None:
    async with bench.running():
        bench.node.register("1001")
        bench.node.register("1001")
        bench.node.register("1002")
        bench.node.unregister("1002")

        async def is_told() -> bool:
            return ("1002", False, "unregistered") in await bench.phone_states()

        await until(is_told)
        bench.node.registered["1003"] = "x"
        del bench.node.registered["1001"]

        async def is_repaired() -> bool:
            return {("1003", True, "resynced"), ("1001", False, "resynced")} <= set(await bench.phone_states())

        await until(is_repaired)
    states = await bench.phone_states()
    assert len(states) == len(set(states)) == 5


async def test_two_replicas_share_the_work_and_one_takes_over(bench: Bench) -> None:
    first, second = bench.service(instance_id="one"), None
    async with client_of(first) as client:
        await bench.ready(client)
        await until(lambda: bench.looks, what="the switch was looked at")
        second = bench.service(instance_id="two")
        async with client_of(second) as other:
            await bench.ready(other)
            bench.node.arrive("c1")
            told = await bench.until_told("LegStarted c1")
            assert told.count("LegStarted c1") == 1

            async def both_know() -> bool:
                found = [await c.get("/v1/calls/c1") for c in (client, other)]
                return [answer.status_code for answer in found] == [200, 200]

            await until(both_know)
        bench.node.end("c1")
        bench.node.arrive("c2")
        told = await bench.until_told("CallEnded c1", "LegStarted c2")
        assert len(told) == len(set(told))
