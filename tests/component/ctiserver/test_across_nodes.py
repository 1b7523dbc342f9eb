"""A phone that registers at another node than the call's is rung through that node, for supervisors and thirds alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ipcc.call.model import Told
from ipcc.contracts.call import CallArrived, LegStarted
from ipcc.sim.esl_server import EslServer, ServerSettings
from ipcc.sim.people import PhoneScript
from ipcc.sim.switch import SimSwitch
from tests.component.ctiserver.floor import PASSWORD, Floor
from tests.component.ctiserver.test_talks import Talk
from tests.support.cable import Cable
from tests.support.until import until

THERE = "127.0.0.2:5070"


@dataclass
class Site:
    """A talk on one switch, and a second switch where phone 1005 is."""

    talk: Talk
    far: SimSwitch

    async def until_quiet(self) -> None:
        await self.talk.is_empty()
        await until(lambda: not self.far.engine.kernel.channels, what="nothing is left on the other switch")


@asynccontextmanager
async def two_nodes(floor: Floor, script: PhoneScript, addresses: dict[str, str]) -> AsyncIterator[Site]:
    far = SimSwitch(floor.switch.engine.kernel.settings)
    server = EslServer(far, ServerSettings(password=PASSWORD))
    await server.start()
    await far.start()
    Cable(floor.switch, far, THERE).lay()
    switches = f"fs1=127.0.0.1:{floor.port},fs2=127.0.0.1:{server.address[1]}"
    try:
        async with floor.ctiserver(switches=switches, node_addresses=addresses) as client:
            far.set_phone(script)
            # what answers there is the cable
            floor.switch.set_phone(PhoneScript("1005", answer_after_s=None, ring_after_s=None))
            assert far.register("1005")

            async def is_known() -> bool:
                phones = (await client.get("/v1/phones")).json()
                return any(one["phone_id"] == "1005" and one["node_id"] == "fs2" for one in phones)

            await until(is_known, what="phone 1005 is at fs2")
            talk = Talk(floor, client)
            await talk.begin()
            yield Site(talk, far)
    finally:
        await far.stop()
        await server.close()


def legs_of(told: list[Told]) -> list[tuple[str, str]]:
    return [(one.payload.role.value, one.payload.address) for one in told if isinstance(one.payload, LegStarted)]


async def test_a_supervisor_at_another_node_listens_changes_and_takes_the_call_over(floor: Floor) -> None:
    async with two_nodes(floor, PhoneScript("1005", answer_after_s=0.1), {"fs2": THERE}) as site:
        talk = site.talk
        boss = str((await talk.done("supervise", body={"mode": "listen"}))["leg_id"])
        changed = await talk.client.put(f"/v1/legs/{boss}/supervision", json={"mode": "barge"})
        assert changed.json()["supervision"] == "barge"
        assert len(site.far.engine.kernel.channels) == 2
        await talk.done("intercept", boss)
        await talk.are_joined(talk.customer, boss)
        await talk.has_ended(talk.agent)
        told = await floor.told()
        # the two legs that carry his at the other node belong to nobody's call
        assert sorted(legs_of(told)) == [("agent", "1001"), ("customer", "13800000001"), ("supervisor", "1005")]
        assert sum(isinstance(one.payload, CallArrived) for one in told) == 1
        await talk.done("hang-up", boss)
        await site.until_quiet()


async def test_a_third_at_another_node_is_consulted_and_hangs_up_there(floor: Floor) -> None:
    script = PhoneScript("1005", answer_after_s=0.1, hang_up_after_s=0.5)
    async with two_nodes(floor, script, {"fs2": THERE}) as site:
        talk = site.talk
        await talk.to("1005")
        third = await talk.third()
        await talk.has_ended(third)
        await talk.done("retrieve")
        await talk.are_joined(talk.agent, talk.customer)
        await talk.done("hang-up")
        await site.until_quiet()


async def test_a_phone_that_is_busy_at_another_node_is_told_as_busy(floor: Floor) -> None:
    async with two_nodes(floor, PhoneScript("1005", refuse=486, refuse_after_s=0.05), {"fs2": THERE}) as site:
        answer = await site.talk.do("supervise", body={"mode": "listen"})
        assert (answer.status_code, answer.json()["code"]) == (409, "party.unreachable")
        assert answer.json()["details"]["cause"] == "USER_BUSY"
        await site.talk.done("hang-up")
        await site.until_quiet()


async def test_without_the_other_nodes_address_nobody_is_rung_there(floor: Floor) -> None:
    async with two_nodes(floor, PhoneScript("1005", answer_after_s=0.1), {}) as site:
        answer = await site.talk.do("supervise", body={"mode": "listen"})
        assert answer.json()["details"]["cause"] == "USER_NOT_REGISTERED"
        assert not site.far.engine.kernel.channels
