"""ctiserver on the simulated switch: the whole event-socket path, the product's own dialplan, callers and phones that act."""

from __future__ import annotations

import contextlib
import random
from collections import Counter

import httpx

from ipcc.call.model import Told
from ipcc.contracts.call import CallArrived, LegEnded
from ipcc.contracts.tags import LegRole
from ipcc.errors import IpccError, SwitchRefused
from ipcc.esl.commands import UuidBridge, UuidKill
from ipcc.ids import LegId
from ipcc.sim.people import Caller, PhoneScript
from ipcc.tasks import Tasks
from tests.component.ctiserver.floor import Floor
from tests.support.until import until
from tests.unit.call.recordings import check_rules


async def test_the_main_path_is_told_whole_and_looks_find_nothing_to_repair(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        assert floor.switch.register("1001")
        floor.switch.set_phone(PhoneScript("1001", answer_after_s=0.2))
        call = floor.switch.place_call(Caller("13800000001", "95500", name='王%0A"小": 明'))
        assert call
        arrived = (await floor.until_told(CallArrived))[0].payload
        assert isinstance(arrived, CallArrived)
        assert (arrived.call_id, arrived.role, arrived.dialled_number) == (call, LegRole.CUSTOMER, "95500")
        assert arrived.trunk
        await floor.hand.watch(LegId(call))
        await floor.hand.execute(LegId(call), "answer", timeout=5)
        agent = await floor.ring(call, "1001", "li")
        await floor.hand.api(UuidBridge(LegId(call), agent))

        async def is_connected() -> bool:
            leg = (await client.get(f"/v1/legs/{agent}")).json()
            return (leg.get("state"), leg.get("bridged_to")) == ("connected", call)

        await until(is_connected)
        looks = await _looks(client)
        await until(lambda: _more_looks(client, looks + 3), what="three more looks")
        ended = await client.post(f"/v1/calls/{call}/hang-up")
        assert ended.status_code == 200
        told = await floor.until_told(LegEnded, 2)
        assert not [item for item in told if item.payload.resynced]
        check_rules(told)
        assert [type(item.payload).__name__ for item in told] == [
            "CallArrived",
            "LegStarted",
            "LegAnswered",
            "LegStarted",
            "LegRinging",
            "LegAnswered",
            "LegsBridged",
            "LegsUnbridged",
            "LegEnded",
            "LegEnded",
            "CallEnded",
        ]

        async def is_empty() -> bool:
            return not await floor.hand.channels()

        # the switch's own table follows its events, so for a moment it still shows what has ended
        await until(is_empty, what="the switch shows no channel")


async def _looks(client: httpx.AsyncClient) -> float:
    lines = (await client.get("/metrics")).text.splitlines()
    found = [line for line in lines if line.startswith("ipcc_ctiserver_look_duration_seconds_count")]
    return float(found[0].rsplit(" ", 1)[1])


async def _more_looks(client: httpx.AsyncClient, than: float) -> bool:
    return await _looks(client) > than


async def test_a_restart_in_the_middle_tells_what_ended_meanwhile_once(floor: Floor) -> None:
    async with floor.ctiserver(instance_id="one"):
        stays, goes = (floor.switch.place_call(Caller(f"1380000000{n}", "95500")) for n in (1, 2))
        assert stays
        assert goes
        await floor.until_told(CallArrived, 2)
    floor.switch.engine.phones.hang_up(goes)
    came = floor.switch.place_call(Caller("13800000003", "95500"))
    async with floor.ctiserver(instance_id="two"):
        told = await floor.until_told(CallArrived, 3)
        told = await floor.until_told(LegEnded)
        resynced = Counter(type(item.payload).__name__ for item in told if item.payload.resynced)
        assert resynced == {"CallArrived": 1, "LegStarted": 1, "LegEnded": 1, "CallEnded": 1}
        for call in (stays, came):
            floor.switch.engine.phones.hang_up(str(call))
        floor.switch.place_call(Caller("13800000004", "95500", patience_s=0.1))
        told = await floor.until_told(LegEnded, 4)
        check_rules(told)


async def test_a_busy_hour_of_races_ends_every_leg_and_every_call_once(floor: Floor) -> None:
    dice = random.Random(7)
    async with floor.ctiserver(ghost_after_s=0.5):
        for number in range(1001, 1009):
            floor.switch.register(str(number))
            floor.switch.set_phone(_phone(str(number), dice))
        tasks = Tasks()
        for number in range(40):
            tasks.once(f"call {number}", _serve(floor, dice, number))

        async def is_over() -> bool:
            return not floor.switch.engine.kernel.channels and len(_calls(await floor.told())) == 40

        await until(is_over, timeout=60, what="all calls are over")
        await until(lambda: _all_ended(floor), timeout=20, what="all calls are told to be over")
        await tasks.stop()
        told = await floor.told()
        check_rules(told)


def _phone(number: str, dice: random.Random) -> PhoneScript:
    if number.endswith("7"):
        return PhoneScript(number, refuse=486)
    if number.endswith("8"):
        return PhoneScript(number, answer_after_s=None)
    return PhoneScript(number, answer_after_s=dice.uniform(0.05, 0.4), talk_s=dice.uniform(0.0, 0.6))


async def _serve(floor: Floor, dice: random.Random, number: int) -> None:
    caller = Caller(f"138000000{number:02}", "95500", patience_s=dice.uniform(0.3, 4), talk_s=dice.uniform(0.0, 0.5))
    call = floor.switch.place_call(caller)
    assert call
    try:
        agent = await floor.ring(call, str(1001 + number % 8), "li", timeout_s=2)
    except IpccError:
        return
    try:
        await floor.hand.api(UuidBridge(LegId(call), agent))
    except SwitchRefused:
        # the caller is gone: whoever rang the agent lets him go; a bridge that was accepted and never came is left to the looks
        with contextlib.suppress(SwitchRefused):
            await floor.hand.api(UuidKill(agent))


def _calls(told: list[Told]) -> set[str]:
    return {item.payload.call_id for item in told if isinstance(item.payload, CallArrived)}


async def _all_ended(floor: Floor) -> bool:
    names = Counter(type(item.payload).__name__ for item in await floor.told())
    return names["CallArrived"] == names["CallEnded"] == 40 and names["LegStarted"] == names["LegEnded"]
