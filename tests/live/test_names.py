"""A caller's name is shown as it is, and is never a header or a command."""

from __future__ import annotations

import pytest

from tests.live.bench import Bench
from tests.support.until import until

NAMES = (
    "Li%0AHangup-Cause: FORGED%0A%0Aapi hupall",
    '王"小明": x, {a=b} [c=d]',
    "a'b\\c|d,e^^:f",
    "50% &amp; <sip:1@x>",
    "${uuid}",
)


@pytest.mark.parametrize("name", NAMES)
async def test_hostile_name_is_shown_as_it_is(bench: Bench, name: str) -> None:
    phone = await bench.agent("1001")
    call = await bench.call_for_agent(name)
    await until(lambda: phone.lines and phone.lines[0].is_answered, what="the agent answers")
    await bench.until_state("1001", "talking")
    await call.line.hang_up()
    found = await bench.journey(call)
    # the switch itself makes variables in a name harmless, before anybody hears of it
    shown = name.replace("${", "%{")
    assert found["caller_name"] == shown
    assert found["caller_number"] == call.number
    assert found["cause"] == "NORMAL_CLEARING"
    assert [stay["outcome"] for stay in found["stays"]] == ["answered"]
    # no double quote can be passed to a phone
    assert phone.lines[0].shown_name == shown.replace('"', "'")
    assert "FORGED" not in {event.get("Hangup-Cause") for event in bench.ear.events}
