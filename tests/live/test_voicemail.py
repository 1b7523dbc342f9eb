"""Messages for a queue: sent, heard again, left by who hangs up while he speaks; a line on which nobody speaks leaves none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ipcc.auth.principal import Role
from ipcc.cli.calling_back import CallingBack
from ipcc.sim.people import PhoneScript
from tests.live.bench import Arrival, Bench
from tests.live.conftest import SWITCHES, stand
from tests.live.kinds import Middle, number_of, plan_of
from tests.support.until import until

NODE = {
    "queue": "retail",
    "silence_s": 10,
    "attempts": 1,
    "review": ["main-menu"],
    "next": "after",
    "on_nothing": "end",
}
# three seconds of 16 bits at 8 kHz
SPOKEN_BYTES = 3 * 16_000


@pytest.fixture(params=SWITCHES)
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    async with stand(request.param, tmp_path) as made:
        made.plan = plan_of(made.plan, tmp_path, (Middle("voicemail", NODE),))
        async with made.served():
            yield made


async def arrive(bench: Bench) -> Arrival:
    """He has heard the tone and is recorded."""
    call = await bench.call(dialled=number_of(0))
    await until(lambda: bench.ear.heard("CHANNEL_EXECUTE", call.id, Application="record"), 20, "he is recorded")
    return call


async def speak(bench: Bench, call: Arrival) -> None:
    """Return when he has spoken for a while, as far as it is on the disk."""

    def has_spoken() -> bool:
        files = list((bench.plan.spool_dir / "messages").glob(f"{call.id}-*.wav"))
        return bool(files) and files[0].stat().st_size >= SPOKEN_BYTES

    await until(has_spoken, 20, "he has spoken")


async def voicemail(bench: Bench, call: Arrival) -> dict[str, Any]:
    async def left() -> dict[str, Any] | None:
        found = (await bench.get("record", "/v1/voicemails", queue_id="retail", limit=500))["items"]
        return next((mail for mail in found if mail["call_id"] == call.id), None)

    found: dict[str, Any] | None = await until(left, 40, "his voicemail")
    assert found is not None
    return found


async def ended(bench: Bench, call: Arrival) -> str:
    await until(lambda: call.line.end, 30, "the call is over")
    return str((await bench.journey(call))["sessions"][0]["outcome"])


async def sends(bench: Bench) -> None:
    """Ends with pound, hears it again, sends it."""
    call = await arrive(bench)
    await speak(bench, call)
    await call.line.press("#")
    await bench.prompted(call, "main-menu")
    await call.line.press("2")
    played = {"Application": "play_and_get_digits", "Application_Data": f"/messages/{call.id}-1.wav!"}
    await until(lambda: bench.ear.heard("CHANNEL_EXECUTE", call.id, **played), 20, "he hears it")
    await call.line.press("1")
    mail = await voicemail(bench, call)
    assert (mail["state"], mail["caller_number"]) == ("waiting", call.number)
    assert mail["duration_ms"] >= 2_900
    assert await ended(bench, call) == "completed"


async def hangs_up(bench: Bench) -> None:
    call = await arrive(bench)
    await speak(bench, call)
    await call.line.hang_up()
    mail = await voicemail(bench, call)
    assert (mail["queue_id"], mail["caller_number"]) == ("retail", call.number)
    assert mail["duration_ms"] >= 2_900
    assert await ended(bench, call) == "hung_up"


async def test_what_is_sent_and_what_is_said_before_a_hang_up_both_reach_the_queue(bench: Bench) -> None:
    await asyncio.gather(sends(bench), hangs_up(bench))


async def test_an_agent_of_the_queue_takes_it_hears_it_calls_back_and_the_history_ties_the_two_calls(
    bench: Bench,
) -> None:
    call = await arrive(bench)
    await speak(bench, call)
    await call.line.hang_up()
    await voicemail(bench, call)
    await bench.agent("1001", ready=False)
    customer = await bench.people.far_end()
    customer.behave(PhoneScript("", answer_after_s=0.5, hang_up_after_s=2))
    assert bench.suite
    problems: list[str] = []
    desk = CallingBack(bench.client, bench.suite.urls, bench.suite.token_of("1001", Role.AGENT))
    said = await desk.play(call.id, "1001", problems)
    assert problems == []
    assert "reached" in said
    mail = (await bench.get("record", "/v1/voicemails", state="done"))["items"][0]
    assert (mail["agent_id"], mail["outcome"], mail["call_id"]) == ("1001", "reached", call.id)
    queues = (await bench.get("monitor", "/v1/board"))["queues"]
    board = next(queue for queue in queues if queue["queue_id"] == "retail")
    assert (board["voicemails_waiting"], board["voicemails_taken"]) == (0, 0)


async def test_who_says_nothing_leaves_nothing_whether_he_waits_or_hangs_up(bench: Bench) -> None:
    bench.people.caller_hz = 0
    waits, hangs = await asyncio.gather(arrive(bench), arrive(bench))
    await speak(bench, hangs)
    await hangs.line.hang_up()
    assert await ended(bench, waits) == "completed"

    async def is_dropped() -> bool:
        found = await bench.get("record", "/v1/recordings", call_id=hangs.id) or []
        return [one["fault"] for one in found] == ["silent"]

    await until(is_dropped, 40, "the silent message is dropped")
    assert (await bench.get("record", "/v1/voicemails", limit=500))["items"] == []
    assert not list((bench.plan.spool_dir / "messages").glob(f"{hangs.id}-*"))
    # of who waited nothing is told either; his file goes when it has been left alone for long enough
    assert await bench.get("record", "/v1/recordings", call_id=waits.id) == []
