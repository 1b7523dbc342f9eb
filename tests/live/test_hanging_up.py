"""Callers who hang up at the worst moments: nothing is left on the switch and nobody stays busy with them."""

from __future__ import annotations

import asyncio

from ipcc.sim.people import PhoneScript
from tests.live.bench import Bench
from tests.live.people import End
from tests.support.until import until

# a bridge is heard of 40 to 60 ms after it was ordered (recorded fact 5); the ghost leg came from 0 to 20 ms (fact 6)
MOMENTS_S = (0.0, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08)


async def test_phone_stops_ringing_when_the_caller_hangs_up(bench: Bench) -> None:
    phone = await bench.agent("1001", PhoneScript("1001", answer_after_s=None))
    call = await bench.call_for_agent()
    await until(lambda: phone.lines, what="the phone rings")
    await until(lambda: bench.ear.heard("CHANNEL_PROGRESS"), what="the switch heard of it")
    await call.line.hang_up()
    await until(lambda: phone.lines[0].end is End.CANCELLED, 3, "the phone stops ringing")
    await bench.until_empty(3)
    await bench.until_state("1001", "ready")
    found = await bench.journey(call)
    assert [offer["outcome"] for offer in found["offers"]] == ["caller_gone"]
    assert [stay["outcome"] for stay in found["stays"]] == ["abandoned"]


async def test_no_leg_is_left_by_callers_who_hang_up_in_the_moment_of_the_bridge(bench: Bench) -> None:
    phone = await bench.agent("1001", PhoneScript("1001", answer_after_s=0.3))
    bridged = 0
    for round_, moment in enumerate(MOMENTS_S):
        call = await bench.call_for_agent()
        await until(lambda: len(phone.lines) > round_, what="the phone rings")  # noqa: B023  used at once
        await until(lambda: phone.lines[round_].is_answered, what="the agent answers")  # noqa: B023  used at once
        await asyncio.sleep(moment)
        await call.line.hang_up()
        await bench.until_empty(5)
        bridged += bool(bench.ear.heard("CHANNEL_BRIDGE", call.id))
        assert phone.lines[round_].end in (End.BYE, End.CANCELLED)
        await bench.journey(call)
        await bench.agent("1001", PhoneScript("1001", answer_after_s=0.3))
        await bench.until_state("1001", "ready")
    print(f"{bridged} of {len(MOMENTS_S)} were bridged before the caller's end reached the switch")
