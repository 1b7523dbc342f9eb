"""A notification the bank ordered: dialled through the gateway, played, reported."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ipcc.sim.people import PhoneScript
from tests.live.bench import Bench
from tests.live.people import End, Heard
from tests.support.until import until

CUSTOMER = "13800009999"


async def test_notification_is_dialled_through_the_gateway_played_and_reported(bench: Bench) -> None:
    customer = await bench.people.far_end()
    customer.behave(PhoneScript("", answer_after_s=0.5))
    body = {"notification_id": "n-1", "phone_number": CUSTOMER, "prompts": ["balance-is", "goodbye"]}
    await bench.post("outbound", "/v1/notifications", body)
    await until(lambda: customer.lines and customer.lines[0].is_answered, 15, "the customer answers")

    async def hears_it() -> bool:
        return await customer.lines[0].hear() is Heard.SOUND

    await until(hears_it, what="the customer hears it")
    await until(lambda: customer.lines[0].end is End.BYE, 30, "it ends after it was played")

    async def reported() -> bool:
        return bool((await bench.get("outbound", "/v1/notifications/n-1"))["outcome"] == "delivered")

    await until(reported, what="the outcome is known")
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()  # noqa: TID251  the machine's own time
    calls = await bench.get("report", "/v1/calls", since=since)
    assert [(call["direction"], call["dialled_number"]) for call in calls] == [("outbound", CUSTOMER)]
    await bench.until_empty()


async def test_customer_who_is_busy_is_tried_again_later(bench: Bench) -> None:
    customer = await bench.people.far_end()
    customer.behave(PhoneScript("", refuse=486))
    body = {"notification_id": "n-2", "phone_number": CUSTOMER, "prompts": ["goodbye"]}
    await bench.post("outbound", "/v1/notifications", body)

    async def is_over() -> bool:
        found = await bench.get("outbound", "/v1/notifications/n-2")
        later = datetime.fromisoformat(found["next_at"]) - datetime.fromisoformat(found["ordered_at"])
        return found["state"] == "waiting" and found["attempts"] == 1 and later > timedelta(minutes=1)

    await until(is_over, 30, "the attempt is over and the next is planned")
    assert customer.lines[0].end is End.REFUSED
    assert len(customer.lines) == 1
    await bench.until_empty()
