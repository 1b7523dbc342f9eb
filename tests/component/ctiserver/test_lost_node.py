"""A switch that is not reached for too long, and one that comes back; events that come twice."""

from __future__ import annotations

from ipcc.call.book import CallBook
from ipcc.contracts.call import CallPayload, LegEnded
from ipcc.esl.headers import EventName
from tests.component.ctiserver.bench import Bench
from tests.component.ctiserver.desk import office_of
from tests.component.ctiserver.test_control import joined
from tests.support.until import until


async def test_the_calls_of_a_switch_that_is_lost_are_ended_once_and_its_phones_are_gone(bench: Bench) -> None:
    bench.node.register("1001")
    async with office_of(bench, node_lost_after_s=0.2) as office, office.client("li") as client:
        await joined(bench)

        async def is_there() -> bool:
            return ("1001", True, "resynced") in await bench.phone_states()

        await until(is_there, what="the phone is told as there")
        bench.node.go_down()
        told = await bench.until_told("LegEnded c1 resynced", "LegEnded a1 resynced", "CallEnded c1 resynced")
        assert [word for word in told if "Ended" in word].count("CallEnded c1 resynced") == 1
        ends = [event.data for event in await bench.events() if isinstance(event.data, LegEnded)]
        assert {end.cause for end in ends} == {"NETWORK_OUT_OF_ORDER"}
        assert (await client.get("/v1/legs/a1")).json()["cause"] == "NETWORK_OUT_OF_ORDER"

        async def is_gone() -> bool:
            return ("1001", False, "resynced") in await bench.phone_states()

        await until(is_gone, what="the phone is told as gone")


async def test_a_lost_switch_that_comes_back_with_a_call_has_it_taken_in_again_and_one_it_lost_stays_ended(
    bench: Bench,
) -> None:
    async with office_of(bench, node_lost_after_s=0.2) as office, office.client("li") as client:
        await joined(bench)
        bench.node.arrive("c2")
        await bench.until_told("LegStarted c2")
        bench.node.go_down()
        await bench.until_told("CallEnded c1 resynced", "CallEnded c2 resynced")
        bench.node.vanish("c2")
        bench.node.go_up()
        await bench.until_told("CallArrived c1 resynced", "LegStarted c1 resynced", "LegStarted a1 resynced")

        async def are_joined() -> bool:
            return bool((await client.get("/v1/legs/a1")).json()["bridged_to"] == "c1")

        await until(are_joined, what="the bridge is found again")
        assert (await client.post("/v1/legs/a1/hold")).json()["state"] == "held"
        bench.node.end("a1")
        bench.node.end("c1")
        told = await bench.until_told("LegEnded a1", "LegEnded c1", "CallEnded c1")
        assert not any(word.startswith("LegStarted c2 resynced") for word in told)
        # whoever reads it back knows the same
        book = CallBook()
        for event in await bench.events():
            if isinstance(event.data, CallPayload):
                book.apply(event.data, event.time)
        assert list(book.live_calls()) == []
        assert list(book.live_legs()) == []
        assert [call.leg_ids for call in book.calls.values()] == [("c1", "a1"), ("c2",)]


async def test_a_switch_that_is_back_in_time_has_lost_nothing(bench: Bench) -> None:
    async with office_of(bench, node_lost_after_s=30):
        await joined(bench)
        bench.node.go_down()
        looks = bench.looks
        bench.node.go_up()
        await until(lambda: bench.looks > looks, what="the switch was looked at")
        assert not [word for word in await bench.told() if "Ended" in word]


async def test_an_event_that_comes_twice_is_taken_once(bench: Bench) -> None:
    async with office_of(bench):
        await joined(bench)
        known, variables = bench.node.details["a1"]
        twice = {**known, "Core-UUID": "core", "Event-Sequence": "7001"}
        for name in (EventName.CHANNEL_HOLD, EventName.CHANNEL_UNHOLD):
            bench.node.say(name, "a1", twice, variables)
        await bench.until_told("LegHeld a1")
        assert "LegResumed a1" not in await bench.told()
