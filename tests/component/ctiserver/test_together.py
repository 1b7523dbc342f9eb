"""Hold, conference and supervision on the simulated switch."""

from __future__ import annotations

from ipcc.sim.people import PhoneScript
from tests.component.ctiserver.floor import Floor
from tests.component.ctiserver.test_talks import Talk
from tests.support.until import until


async def supervised(floor: Floor, talk: Talk, mode: str = "listen") -> str:
    assert floor.switch.register("1005")
    floor.switch.set_phone(PhoneScript("1005", answer_after_s=0.1))
    await talk.is_registered("1005")
    found = await talk.done("supervise", body={"mode": mode})
    assert (found["supervises"], found["supervision"], found["role"]) == (talk.agent, mode, "supervisor")
    return str(found["leg_id"])


async def test_the_customer_on_hold_hears_music_until_he_is_retrieved(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        assert (await talk.done("hold"))["state"] == "held"

        async def plays() -> list[str]:
            rows = await floor.hand.channels()
            return [row.application for row in rows if row.leg_id == talk.customer and row.application == "playback"]

        await until(plays, what="the customer hears music")
        assert (await talk.done("retrieve"))["state"] == "connected"
        assert (await talk.done("mute"))["is_muted"]
        assert not (await talk.done("unmute"))["is_muted"]
        await talk.done("hang-up")
        await talk.is_empty()


async def test_three_meet_in_a_conference_a_fourth_is_added_one_is_dropped_and_the_last_is_not_left(
    floor: Floor,
) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        await talk.to("1002")
        third = await talk.third()
        await talk.are_joined(talk.agent, third)
        assert (await talk.done("conference"))["room"] == talk.customer

        async def are_in_the_room() -> bool:
            return all([(await talk.leg(leg))["room"] == talk.customer for leg in (talk.customer, third)])

        await until(are_in_the_room, what="all three are in the room")
        floor.switch.set_phone(PhoneScript("1004", answer_after_s=0.1))
        await talk.done("add", body={"to": {"kind": "phone", "value": "1004"}})

        async def are_four() -> bool:
            return len(await floor.hand.channels()) == 4

        await until(are_four, what="four are in the room")
        await talk.done("hang-up", third)
        await talk.done("hang-up")
        call = (await client.get(f"/v1/calls/{talk.customer}")).json()
        fourth = next(leg["leg_id"] for leg in call["legs"] if leg["address"] == "1004")
        await talk.done("hang-up", fourth)
        await talk.has_ended(talk.customer)
        await talk.is_empty()


async def test_a_supervisor_listens_whispers_barges_and_is_gone_with_the_call(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        boss = await supervised(floor, talk)
        for mode in ("whisper", "barge", "listen"):
            changed = await client.put(f"/v1/legs/{boss}/supervision", json={"mode": mode})
            assert changed.json()["supervision"] == mode
        await talk.are_joined(talk.agent, talk.customer)
        await talk.done("hang-up")
        await talk.has_ended(boss)
        await talk.is_empty()


async def test_a_supervisor_takes_the_call_over_and_the_agent_is_out(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        boss = await supervised(floor, talk)
        await talk.done("intercept", boss)
        await talk.are_joined(talk.customer, boss)
        await talk.has_ended(talk.agent)
        await talk.done("hang-up", talk.customer)
        await talk.has_ended(boss)
        await talk.is_empty()


async def test_a_customers_leg_and_one_where_nobody_talks_cannot_be_listened_to(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        assert floor.switch.register("1005")
        await talk.is_registered("1005")
        assert (await talk.do("supervise", talk.customer, {"mode": "listen"})).json()["code"] == "leg.wrong_role"
        await talk.done("park")
        await talk.has_ended(talk.agent)
        assert (await talk.do("supervise", "", {"mode": "listen"})).json()["code"] == "leg.wrong_state"
        assert await floor.legs() == 1
