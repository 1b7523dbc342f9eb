"""An agent who is rung and does not take the call: the next one gets it."""

from __future__ import annotations

import pytest

from ipcc.sim.people import PhoneScript
from tests.live.bench import Bench
from tests.live.people import End
from tests.support.until import until

CASES = (
    pytest.param(PhoneScript("1003", answer_after_s=None), "no_answer", End.CANCELLED, id="does not answer"),
    pytest.param(PhoneScript("1003", refuse=603, refuse_after_s=1.0), "declined", End.REFUSED, id="declines"),
    pytest.param(PhoneScript("1003", refuse=486, refuse_after_s=1.0), "busy", End.REFUSED, id="is busy"),
)


@pytest.mark.parametrize(("script", "outcome", "end"), CASES)
async def test_next_agent_gets_the_caller_when_the_first(
    bench: Bench, script: PhoneScript, outcome: str, end: End
) -> None:
    first = await bench.agent("1003", script)
    second = await bench.agent("1001", ready=False)
    call = await bench.call_for_agent()
    await until(lambda: first.lines, what="the first agent's phone rings")
    await bench.post("ctiserver", "/v1/agents/1001/ready")
    await until(lambda: first.lines[0].end, what="the first agent's phone stops")
    assert first.lines[0].end is end
    await until(lambda: second.lines and second.lines[0].is_answered, what="the second agent answers")
    await bench.until_state("1001", "talking")
    assert await bench.state_of("1003") == "not_ready"
    await second.lines[0].hang_up()
    await until(lambda: call.line.end is End.BYE, what="the caller is hung up")

    found = await bench.journey(call)
    assert [(o["agent_id"], o["outcome"]) for o in found["offers"]] == [("1003", outcome), ("1001", "answered")]
    assert [stay["outcome"] for stay in found["stays"]] == ["answered"]
    await bench.until_empty()
