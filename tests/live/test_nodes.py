"""Between nodes: a phone is reached through the node where it registers. Here one switch is both nodes, and calls itself."""

from __future__ import annotations

from ipcc.ids import new_id
from ipcc.sim.people import PhoneScript
from tests.live.bench import Bench
from tests.support.until import until


async def nodes_address(bench: Bench) -> str:
    host, port = [await bench.ear.api(f"global_getvar {name}") for name in ("ipcc_sip_ip", "ipcc_nodes_port")]
    return f"{host.strip() or '127.0.0.1'}:{port.strip() or 5070}"


async def dial(bench: Bench, leg: str, number: str) -> str:
    tags = f"origination_uuid={leg},ipcc_call_id={leg},ipcc_role=agent,ipcc_owner=acd,ipcc_agent_id={number}"
    return await bench.ear.api(f"originate {{{tags}}}sofia/nodes/{number}@{await nodes_address(bench)} &park")


async def test_a_phone_is_rung_through_its_node_and_only_the_leg_where_the_call_is_belongs_to_it(bench: Bench) -> None:
    phone = await bench.agent("1001", PhoneScript("1001", answer_after_s=0.3), ready=False)
    leg = new_id()
    assert (await dial(bench, leg, "1001")).startswith(f"+OK {leg}")
    assert len(await bench.ear.channels()) == 3

    async def told() -> list[str]:
        call = await bench.get("ctiserver", f"/v1/calls/{leg}")
        return [one["leg_id"] for one in call["legs"] if one["answered_at"]] if call else []

    await until(told, what="the leg is told")
    assert await told() == [leg]
    listed = (await bench.get("ctiserver", "/v1/calls"))["items"]
    assert [one["call_id"] for one in listed] == [leg]
    await phone.lines[0].hang_up()
    await bench.until_empty()


async def test_a_busy_phone_is_told_as_busy_and_nothing_but_phones_is_reached(bench: Bench) -> None:
    await bench.agent("1001", PhoneScript("1001", refuse=486, refuse_after_s=0.1), ready=False)
    assert "USER_BUSY" in await dial(bench, new_id(), "1001")
    for number in ("95500", "13800000001", "park"):
        assert (await dial(bench, new_id(), number)).startswith("-ERR")
    await bench.until_empty()
