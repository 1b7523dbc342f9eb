"""One desktop an agent, and what follows when it is lost."""

from __future__ import annotations

import pytest
import websockets

from ipcc.contracts.acd import AgentChanged, AgentState, SetNotReady
from ipcc.contracts.call import DesktopChanged
from tests.component.ctiserver.bench import Bench
from tests.component.ctiserver.desk import Acd, office_of
from tests.support.until import until


async def ready(bench: Bench, agent: str) -> None:
    await bench.publisher.publish(AgentChanged(agent_id=agent, state=AgentState.READY, phone_id="1001"))


async def told(bench: Bench) -> list[tuple[str, bool]]:
    found = [event.data for event in await bench.events()]
    return [(one.desktop_id, one.connected) for one in found if isinstance(one, DesktopChanged)]


async def until_seen(bench: Bench, *wanted: tuple[str, bool]) -> None:
    async def are_told() -> bool:
        return set(wanted) <= set(await told(bench))

    await until(are_told, what=f"told of desktops: {wanted}")


async def test_an_agent_whose_desktop_is_lost_is_not_ready_after_the_stated_time(bench: Bench) -> None:
    async with office_of(bench, desktop_lost_s=0.3) as office, Acd().running(bench) as acd:
        async with office.desktop("li", path="/v1/agents/li/events?desktop=d1") as desktop:
            await ready(bench, "li")
            await desktop.until("agent.state")
        await until(lambda: acd.asked, what="acd is told")
        assert acd.asked == [SetNotReady(agent_id="li", reason="desktop_lost", by="ctiserver")]
        assert await told(bench) == [("d1", True), ("d1", False)]


async def test_a_desktop_that_comes_back_in_time_changes_nothing_also_at_another_replica(bench: Bench) -> None:
    async with (
        office_of(bench, desktop_lost_s=1.0, instance_id="one") as first,
        office_of(bench, desktop_lost_s=1.0, instance_id="two") as second,
        Acd().running(bench) as acd,
    ):
        async with first.desktop("li", path="/v1/agents/li/events?desktop=d1") as desktop:
            await ready(bench, "li")
            await desktop.until("agent.state")
        await until_seen(bench, ("d1", False))
        async with second.desktop("li", path="/v1/agents/li/events?desktop=d1") as desktop:
            await desktop.until("hello")
            await bench.clock.sleep(2.0)
            assert acd.asked == []


async def test_a_second_desktop_takes_over_and_the_first_is_told_why(bench: Bench) -> None:
    async with office_of(bench, desktop_lost_s=0.2) as office, Acd().running(bench) as acd:
        async with office.desktop("li", path="/v1/agents/li/events?desktop=d1") as old:
            await old.until("hello")
            async with office.desktop("li", path="/v1/agents/li/events?desktop=d2") as new:
                await new.until("hello")
                with pytest.raises(websockets.ConnectionClosed) as closed:
                    await old.next()
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 4409
                await ready(bench, "li")
                await new.until("agent.state")
        assert (await told(bench))[:2] == [("d1", True), ("d2", True)]
        await until(lambda: acd.asked, what="acd is told when the second is lost, too")


async def test_a_second_desktop_is_refused_where_the_bank_wants_it_so(bench: Bench) -> None:
    async with (
        office_of(bench, second_desktop="refuse") as office,
        office.desktop("li", path="/v1/agents/li/events?desktop=d1") as first,
    ):
        await first.until("hello")
        await until_seen(bench, ("d1", True))

        async def is_refused() -> bool:
            try:
                async with office.desktop("li", path="/v1/agents/li/events?desktop=d2") as second:
                    await second.next()
            except (websockets.InvalidStatus, websockets.ConnectionClosed):
                return True
            return False

        await until(is_refused, what="the second desktop is refused")
        await ready(bench, "li")
        assert (await first.until("agent.state"))["data"]["state"] == "ready"
