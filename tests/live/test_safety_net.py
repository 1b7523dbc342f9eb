"""Callers still reach a human when the suite does not serve them; when it does, the net stays out of the way."""

from __future__ import annotations

import pytest

from ipcc.sim.people import PhoneScript
from tests.live.bench import Bench
from tests.live.people import Heard
from tests.support.until import until

PUSH_S = 2.0


async def test_caller_reaches_the_ring_group_when_there_is_no_suite(unserved: Bench) -> None:
    bench = unserved
    phone = await bench.people.phone("1002")
    phone.behave(PhoneScript("1002", answer_after_s=1.0))
    await phone.register()
    call = await bench.call()
    await until(lambda: phone.lines and phone.lines[0].is_answered, 60, "the ring group answers")

    async def hear_each_other() -> bool:
        return (await call.line.hear(), await phone.lines[0].hear()) == (Heard.AGENT, Heard.CALLER)

    await until(hear_each_other, what="both hear each other")
    assert not await bench.ear.tasks(call.id), "nothing is scheduled for a caller who talks"
    await call.line.hang_up()
    await bench.until_empty()


async def test_net_is_pushed_while_the_suite_serves_and_cancelled_by_the_bridge(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.ivr.runner.SAFETY_NET_EVERY_S", PUSH_S)
    phone = await bench.people.phone("1001")
    call = await bench.call()
    await bench.prompted(call, "choose-language")

    async def due() -> int:
        tasks = await bench.ear.tasks(call.id)
        return int(tasks[0]["task_runtime"]) if tasks else 0

    before = await until(due, what="the net is up")

    async def is_pushed() -> bool:
        now = await due()
        return now not in (0, before)

    await until(is_pushed, PUSH_S + 3, "the net is pushed")
    phone = await bench.agent("1001")
    await call.line.press("0")
    await until(lambda: phone.lines and phone.lines[0].is_answered, what="the agent answers")
    await bench.until_state("1001", "talking")

    async def is_down() -> bool:
        return not await bench.ear.tasks(call.id)

    await until(is_down, what="the bridge took the net down")
    await call.line.hang_up()
    await bench.until_empty()
    assert not await bench.ear.tasks(call.id)
