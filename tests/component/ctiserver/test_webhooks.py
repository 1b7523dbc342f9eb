"""Webhooks: signed, in order, tried again, in the end a dead letter; one that is down holds nobody else up."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson

from ipcc.bus.judgement import Patience
from ipcc.bus.port import BEGINNING
from ipcc.contracts.call import CallEnded, LegRinging
from ipcc.contracts.topics import DEAD_LETTER
from ipcc.tasks import Tasks
from services.ctiserver.webhooks import Webhook, Webhooks
from tests.component.ctiserver.bench import Bench
from tests.support.until import until

SECRET = "only-the-two-of-us"


@dataclass
class Receiver:
    """The bank's systems, by path: those in ``down`` answer 503 so often, and what was taken is kept."""

    down: dict[str, int] = field(default_factory=dict)
    taken: list[tuple[str, httpx.Request]] = field(default_factory=list)
    refused: int = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if self.down.get(path, 0) > 0:
            self.down[path] -= 1
            self.refused += 1
            return httpx.Response(503)
        self.taken.append((path, request))
        return httpx.Response(204)

    def ids(self, path: str) -> list[str]:
        return [orjson.loads(request.content)["data"]["call_id"] for where, request in self.taken if where == path]


@asynccontextmanager
async def hooked(bench: Bench, receiver: Receiver, **types: tuple[str, ...]) -> AsyncIterator[None]:
    tasks = Tasks()
    hooks = [
        Webhook(id=name, url=f"https://core.bank.example/{name}", types=wanted, secret_file=Path("unused"))
        for name, wanted in types.items()
    ]
    async with httpx.AsyncClient(transport=httpx.MockTransport(receiver)) as client:
        patience = Patience(tries=3, first_delay_s=0.02, longest_delay_s=0.02)
        secrets = {hook.id: SECRET for hook in hooks}
        Webhooks(hooks, secrets, bench.bus, bench.clock, client, patience).start(tasks)
        try:
            yield
        finally:
            await tasks.stop()


def ended(call_id: str) -> CallEnded:
    return CallEnded(call_id=call_id, cause="NORMAL_CLEARING", duration_ms=1)


async def test_an_event_is_posted_once_signed_and_only_if_it_is_wanted(bench: Bench) -> None:
    receiver = Receiver()
    async with hooked(bench, receiver, crm=("ipcc.call.ended",), all=()):
        await bench.publisher.publish(LegRinging(call_id="c1", leg_id="c1", node_id="fs1"))
        await bench.publisher.publish(ended("c1"))
        await until(lambda: len(receiver.taken) == 3, what="both hooks have what they want")
        assert receiver.ids("/crm") == ["c1"]
        _, request = receiver.taken[0]
        seconds, _, given = request.headers["Ipcc-Signature"].removeprefix("t=").partition(",v1=")
        expected = hmac.new(SECRET.encode(), f"{seconds}.".encode() + request.content, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(given, expected)
        assert request.headers["Ipcc-Event-Id"] == orjson.loads(request.content)["id"]


async def test_a_receiver_that_is_down_for_a_moment_misses_nothing_and_holds_nobody_up(bench: Bench) -> None:
    receiver = Receiver(down={"/slow": 2})
    async with hooked(bench, receiver, slow=(), quick=()):
        for number in range(3):
            await bench.publisher.publish(ended(f"c{number}"))
        await until(lambda: len(receiver.taken) == 6, what="both have everything")
        assert receiver.refused == 2
        assert sorted(receiver.ids("/slow")) == sorted(receiver.ids("/quick")) == ["c0", "c1", "c2"]


async def test_what_a_receiver_never_takes_is_a_dead_letter_and_the_next_goes_on(bench: Bench) -> None:
    receiver = Receiver(down={"/crm": 3})
    async with hooked(bench, receiver, crm=()):
        await bench.publisher.publish(ended("c1"))

        async def letters() -> list[str]:
            async with bench.bus.replay(DEAD_LETTER.name, BEGINNING) as reader:
                return [record.headers["dead_reason"] async for record in reader]

        reasons = await until(letters, what="the message is a dead letter")
        assert "answered 503" in reasons[0]
        await bench.publisher.publish(ended("c2"))
        await until(lambda: receiver.ids("/crm") == ["c2"], what="the next is delivered")
