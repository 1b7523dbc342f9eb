"""Money is moved by a caller: identified, account and amount repeated to him, password once more, booked once, receipt ordered."""

from __future__ import annotations

import re

from tests.live.bench import Arrival, Bench
from tests.live.test_main_path import CARD, PIN
from tests.support.until import until

TARGET, AMOUNT, TEXT_AMOUNT = "6222000000000025", "100*50", "100.50"
SECRET = re.compile(rf"(?<![0-9a-fA-F]){PIN}(?![0-9a-fA-F])")


async def test_money_is_moved_once_and_the_password_is_told_to_nobody(bench: Bench) -> None:
    bookings = (await proof(bench))["bookings"]
    call = await bench.call()
    await identify(bench, call)
    await bench.prompted(call, "transfer-menu")
    await call.line.press("1")
    await bench.prompted(call, "enter-target")
    await call.line.press(TARGET + "#")
    await bench.prompted(call, "enter-amount")
    await call.line.press(AMOUNT + "#")
    await bench.prompted(call, "confirm", timeout=40)
    await call.line.press("1")
    await bench.prompted(call, "enter-pin", nth=2)
    await call.line.press(PIN + "#")
    await bench.prompted(call, "transfer-done")
    await bench.prompted(call, "receipt-offer", timeout=40)
    await call.line.hang_up()
    found = await bench.journey(call)
    [session] = found["sessions"]
    assert session["outcome"] == "hung_up"
    assert [(one["operation"], one["outcome"]) for one in session["bank"]][-1] == ("transfer", "ok")
    after = await proof(bench)
    assert (after["balanced"], after["bookings"]) == (True, bookings + 1)
    await bench.until_empty()
    told = {
        (event.name, name)
        for event in bench.ear.events
        for name, value in {**event.headers(), "body": event.body}.items()
        if SECRET.search(value)
    }
    assert told == {("CHANNEL_EXECUTE_COMPLETE", "variable_ipcc_digits")}


async def identify(bench: Bench, call: Arrival) -> None:
    """Through the menu to the transfers, identified by card and PIN."""
    await bench.prompted(call, "choose-language")
    await call.line.press("1")
    await bench.prompted(call, "main-menu")
    await call.line.press("4")
    await bench.prompted(call, "enter-any-number")
    await call.line.press(CARD + "#")
    await bench.prompted(call, "enter-pin")
    await call.line.press(PIN + "#")


async def proof(bench: Bench) -> dict[str, int]:
    """Whether the bank's books balance, and how many bookings there are."""
    found = await until(lambda: bench.get("bankcore", "/v1/stand-in/proof"), what="the bank answers")
    return dict(found)
