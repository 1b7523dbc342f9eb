"""What a caller keys as card and PIN is told to nobody who listens to the switch."""

from __future__ import annotations

import re

import pytest

from ipcc.esl.wire import SwitchEvent
from tests.live.bench import Bench
from tests.live.test_main_path import CARD, PIN, ask_balance
from tests.support.until import until

# six digits may stand in a time or in a uuid by chance
SECRET = re.compile(rf"(?<![0-9a-fA-F]){PIN}(?![0-9a-fA-F])|{CARD}|{CARD[:12]}|{CARD[4:]}")


def told(event: SwitchEvent) -> list[str]:
    """The headers of an event that hold what was keyed."""
    values = {**event.headers(), "body": event.body}
    return [name for name, value in values.items() if SECRET.search(value)]


def is_result(event: SwitchEvent) -> bool:
    """The one event by which the service that collects learns what was keyed: there is no other way out of the switch."""
    return event.name == "CHANNEL_EXECUTE_COMPLETE" and event.get("Application") == "play_and_get_digits"


@pytest.mark.parametrize("by_info", [False, True], ids=["by RFC 4733", "by SIP INFO"])
async def test_no_event_and_no_variable_holds_card_or_pin_but_the_result_itself(bench: Bench, by_info: bool) -> None:
    call = await bench.call()
    await ask_balance(bench, call, by_info=by_info)
    dump = await bench.ear.api(f"uuid_dump {call.id}")
    await call.line.hang_up()
    await until(lambda: bench.ear.heard("CHANNEL_HANGUP_COMPLETE", call.id), what="the end of the call")
    await bench.journey(call)

    assert not SECRET.search(dump)
    results = [event for event in bench.ear.events if told(event) and is_result(event)]
    assert [told(event) for event in results] == [["variable_ipcc_digits"]] * 2
    assert {event.name: told(event) for event in bench.ear.events if told(event) and event not in results} == {}
    assert not bench.ear.heard("DTMF")
    ended = bench.ear.heard("CHANNEL_HANGUP_COMPLETE", call.id)[0]
    assert ended.variable("digits_dialed") == "none"
