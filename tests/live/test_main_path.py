"""The main path: menu, balance, queue, agent, recording, report."""

from __future__ import annotations

from ipcc.sim.people import PhoneScript
from tests.live.bench import Arrival, Bench
from tests.live.people import End, Heard
from tests.live.telephone import sound
from tests.support.until import until

CARD, PIN = "6222000000000017", "246810"


async def ask_balance(bench: Bench, call: Arrival, *, by_info: bool = False) -> None:
    """Through the menus to the balance and to the question after it; card and PIN may be keyed by SIP INFO."""
    await bench.prompted(call, "choose-language")
    await call.line.press("1")
    await bench.prompted(call, "main-menu")
    await call.line.press("1")
    await bench.prompted(call, "enter-card")
    await call.line.press(CARD + "#", by_info=by_info)
    await bench.prompted(call, "enter-pin")
    await call.line.press(PIN + "#", by_info=by_info)
    await bench.prompted(call, "balance-is")
    await bench.prompted(call, "anything-else", timeout=30)


async def test_caller_hears_his_balance_and_then_talks_to_an_agent_and_it_is_recorded_and_reported(
    bench: Bench,
) -> None:
    phone = await bench.agent("1001", PhoneScript("1001", answer_after_s=1.5))
    call = await bench.call("李四")
    await ask_balance(bench, call)
    await call.line.press("0")
    await until(lambda: phone.lines, what="the agent's phone rings")
    assert await call.line.hear() is Heard.SOUND, "the caller hears music while the phone rings"
    await until(lambda: phone.lines[0].is_answered, what="the agent answers")

    async def hear_each_other() -> bool:
        return (await call.line.hear(), await phone.lines[0].hear()) == (Heard.AGENT, Heard.CALLER)

    await until(hear_each_other, what="both hear each other")
    await bench.until_state("1001", "talking")
    await until_talked(bench, call, 2.0)
    await call.line.hang_up()
    await until(lambda: phone.lines[0].end is End.BYE, what="the agent's phone is hung up")
    await bench.until_state("1001", "wrap_up")

    found = await bench.journey(call)
    assert [(b["operation"], b["outcome"]) for b in found["sessions"][0]["bank"]] == [
        ("identify", "ok"),
        ("verify_pin", "ok"),
        ("balance", "ok"),
    ]
    assert found["caller_name"] == "李四"
    assert (found["caller_number"], found["dialled_number"]) == (call.number, "95500")
    [stay] = found["stays"]
    assert (stay["outcome"], stay["agent_id"]) == ("answered", "1001")
    await check_recording(bench, call, stay["talk_ms"])
    await bench.until_empty()


async def until_talked(bench: Bench, call: Arrival, seconds: float) -> None:
    """Return when the legs have been joined for so long, by the switch's clock."""
    began = (await until(lambda: bench.ear.heard("CHANNEL_BRIDGE", call.id), what="the bridge"))[0].at

    async def is_long() -> bool:
        now_us = int(await bench.ear.api("strepoch")) * 1_000_000
        return now_us / 1_000_000 - began.timestamp() >= seconds

    await until(is_long, seconds + 5, f"{seconds} s of talk")


async def check_recording(bench: Bench, call: Arrival, talk_ms: int) -> None:
    """Agent left, customer right, from the first second on, as long as the talk."""
    kept = await bench.recording(call)
    assert abs(kept.seconds * 1000 - talk_ms) < 1000, (kept.seconds, talk_ms)
    assert abs(kept.view["duration_ms"] - kept.seconds * 1000) < 50
    first, last = slice(0, 8000), slice(-12000, -4000)
    assert sound.is_heard(kept.left[first], bench.people.agent_hz), "the agent in the first second, left"
    assert sound.is_heard(kept.left[last], bench.people.agent_hz)
    assert sound.is_heard(kept.right[last], bench.people.caller_hz), "the customer, right"
    assert not sound.is_heard(kept.left[last], bench.people.caller_hz)
    assert not sound.is_heard(kept.right[last], bench.people.agent_hz)
