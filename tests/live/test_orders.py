"""An agent orders a transfer with his caller on the line: agreed to, proved and booked apart from the agent, who learns what came of it."""

from __future__ import annotations

from typing import Any

from tests.live.bench import Bench
from tests.live.people import Heard
from tests.live.talks import Talk, talking
from tests.live.test_main_path import CARD, PIN
from tests.live.test_privacy import for_seconds, is_silent, seconds_with
from tests.live.test_transfer_flow import SECRET, TARGET, proof
from tests.support.until import until

ORDER = {"flow": "agent-transfer", "inputs": {"to_account": TARGET, "amount": 10050}}


async def test_a_transfer_an_agent_has_prepared_is_agreed_to_and_proved_where_he_hears_nothing_of_it(
    bench: Bench,
) -> None:
    bookings = (await proof(bench))["bookings"]
    async with talking(bench) as talk:
        line, phone = talk.call.line, talk.phone.lines[-1]
        await for_seconds(talk, 1)
        forms = await bench.get("ctiserver", f"/v1/legs/{talk.agent}/order-forms")
        assert "agent-transfer" in {form["flow_id"] for form in forms}
        await talk.do("orders", body=ORDER)
        await bench.prompted(talk.call, "enter-any-number")
        await line.press(CARD + "#")
        await bench.prompted(talk.call, "enter-pin")
        await line.press(PIN + "#")
        await bench.prompted(talk.call, "order/agree")
        assert await phone.hear() is Heard.SOUND
        await line.press("1")
        await bench.prompted(talk.call, "enter-pin", nth=2, timeout=40)
        assert await phone.hear() is not Heard.CALLER
        await line.press(PIN + "#")
        await bench.prompted(talk.call, "receipt-offer", timeout=40)
        await line.press("2")
        await talk.are_joined(talk.agent, talk.call.id)
        found = await over(talk)
        assert (found["outcome"], found["movement"], found["consents"]) == ("done", "ok", {"transfer": "agreed"})
        assert found["results"]["moved"] == "100.50"
        await for_seconds(talk, 2)
    after = await proof(bench)
    assert (after["balanced"], after["bookings"]) == (True, bookings + 1)
    kept = await bench.recording(talk.call)
    silent = [n for n in range(int(kept.seconds)) if is_silent(kept, n)]
    # one span of silence: from the order until he is back, whatever he heard and keyed in it
    assert len(silent) >= 8, silent
    assert silent == list(range(silent[0], silent[-1] + 1))
    spoken = seconds_with(kept.right, bench.people.caller_hz)
    assert spoken[0] < silent[0] <= silent[-1] < spoken[-1]
    told = {
        (event.name, name)
        for event in bench.ear.events
        for name, value in {**event.headers(), "body": event.body}.items()
        if SECRET.search(value)
    }
    assert told == {("CHANNEL_EXECUTE_COMPLETE", "variable_ipcc_digits")}


async def test_an_agent_who_takes_his_caller_back_before_the_password_has_moved_nothing(bench: Bench) -> None:
    bookings = (await proof(bench))["bookings"]
    async with talking(bench) as talk:
        await talk.do("orders", body=ORDER)
        await bench.prompted(talk.call, "enter-any-number")
        await talk.call.line.press(CARD + "#")
        await bench.prompted(talk.call, "enter-pin")
        await talk.call.line.press(PIN + "#")
        await bench.prompted(talk.call, "order/agree")
        taken = await talk.do("take-back")
        assert taken["bridged_to"] == talk.call.id
        found = await over(talk)
        assert (found["outcome"], found["movement"]) == ("stopped", "")
    assert (await proof(bench))["bookings"] == bookings


async def over(talk: Talk) -> dict[str, Any]:
    """The last order of the talk, once it is over."""

    async def ended() -> dict[str, Any] | None:
        orders = await talk.bench.get("ctiserver", f"/v1/legs/{talk.agent}/orders")
        return orders[-1] if orders and orders[-1]["ended_at"] else None

    found = await until(ended, what="the order is over")
    assert found is not None
    return dict(found)
