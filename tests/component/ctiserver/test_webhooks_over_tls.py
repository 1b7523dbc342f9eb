"""Webhooks from a real Kafka to a receiver that speaks HTTPS: trusted by its certificate, in order, once more when it was down."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from ipcc.bus.judgement import Patience
from ipcc.contracts.call import LegRinging
from ipcc.contracts.config import Webhook
from ipcc.errors import BusDown
from ipcc.http.service import Service
from ipcc.webhooks import secret_of
from services.ctiserver.failures import Failures
from tests.component.ctiserver.test_on_kafka import KafkaBench
from tests.component.ctiserver.test_webhooks import KEY, UNITS, _in_force, arrived, ended, hook, signed
from tests.support.certificates import Authority
from tests.support.kafka_broker import KafkaBroker, free_port
from tests.support.service import client_of
from tests.support.until import until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

HOST = "crm.bank.example"
REACH = {"webhook_key": KEY, "webhook_networks": ["127.0.0.0/8"]}


@dataclass
class Receiver:
    """A server of the bank's; what it took, and with what headers."""

    port: int = field(default_factory=free_port)
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    unready: int = 0
    """So often it answers 503."""

    @asynccontextmanager
    async def listening(self, tls: ssl.SSLContext) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=tls)
        try:
            yield
        finally:
            server.close()
            await server.wait_closed()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [orjson.loads(body) for _, body in self.taken]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head.split("\r\n")[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        answer = "204 No Content"
        if self.unready:
            self.unready -= 1
            answer = "503 Service Unavailable"
        else:
            self.taken.append((headers, body))
        writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


async def loopback(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


@pytest.fixture
async def bench(tmp_path: Path, kafka: KafkaBroker) -> AsyncIterator[KafkaBench]:
    found = KafkaBench(tmp_path, kafka)
    await found.own.start()
    await found.own.reached(30)

    async def is_open() -> bool:
        # topics just made have no leader for a moment
        with suppress(BusDown):
            await found.open_bank()
            return True
        return False

    await until(is_open, 90, "the bank is published")
    yield found
    await found.own.stop()


@asynccontextmanager
async def posting(bench: KafkaBench, receiver: Receiver, **given: Any) -> AsyncIterator[tuple[Service, Webhook]]:
    """A ctiserver with a webhook to the receiver, known by name."""
    service = bench.service(**REACH, **given)
    failures = next(one for one in service.provides if isinstance(one, Failures))
    failures.webhooks.poster = replace(failures.webhooks.poster, resolve=loopback)
    failures.webhooks.patience = Patience(tries=30, first_delay_s=0.2, longest_delay_s=0.5)
    made = hook(bench, "bank", url=f"https://{HOST}:{receiver.port}/crm", since=bench.clock.now() - timedelta(hours=1))
    async with client_of(service) as client:
        await bench.ready(client)
        for change in _in_force(bench, *UNITS, made):
            await bench.publisher.publish(change)
        yield service, made


def told_of(receiver: Receiver) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for event in receiver.events:
        found[event["data"]["call_id"]].append(event["type"].removeprefix("ipcc.call."))
    return dict(found)


async def test_events_come_signed_in_the_order_of_each_call_and_none_is_lost_while_the_receiver_is_down(
    bench: KafkaBench, tmp_path: Path
) -> None:
    authority, receiver = Authority(tmp_path / "ca"), Receiver()
    tls = authority.server(HOST)
    calls = [f"c{number}" for number in range(8)]
    async with posting(bench, receiver, webhook_ca_file=authority.ca_file) as (_, made):
        async with receiver.listening(tls):
            for call in calls:
                await bench.publisher.publish(arrived(call))
            await until(lambda: len(receiver.taken) == len(calls), 60, "all arrivals")
        for call in calls:
            # nobody listens now
            await bench.publisher.publish(LegRinging(call_id=call, leg_id=call, node_id="fs9"))
            await bench.publisher.publish(ended(call))
        receiver.unready = 2
        async with receiver.listening(tls):
            await until(lambda: len(receiver.taken) >= 3 * len(calls), 60, "what was told meanwhile")
    assert told_of(receiver) == {call: ["arrived", "leg_ringing", "ended"] for call in calls}
    assert len({event["id"] for event in receiver.events}) == len(receiver.taken)
    headers, body = receiver.taken[0]
    seconds, given = headers["ipcc-signature"].split(",")
    secret = secret_of(KEY, made, 1)
    assert given == f"v1={signed(secret, seconds.removeprefix('t='), body)}"
    assert headers["ipcc-event-id"] == orjson.loads(body)["id"]
    assert headers["host"] == f"{HOST}:{receiver.port}"


@pytest.mark.parametrize("wrong", ["another name", "another authority", "nobody told whom to trust"])
async def test_a_receiver_that_cannot_prove_who_it_is_gets_nothing(
    bench: KafkaBench, tmp_path: Path, wrong: str
) -> None:
    authority, receiver = Authority(tmp_path / "ca"), Receiver()
    stranger = Authority(tmp_path / "other", "Somebody else")
    tls = {
        "another name": authority.server("mail.bank.example"),
        "another authority": stranger.server(HOST),
        "nobody told whom to trust": authority.server(HOST),
    }[wrong]
    trusted = None if wrong == "nobody told whom to trust" else authority.ca_file
    async with posting(bench, receiver, webhook_ca_file=trusted) as (service, _), receiver.listening(tls):
        await bench.publisher.publish(ended("c1"))
        metrics = service.metrics

        def was_refused() -> bool:
            lines = metrics.render().decode().splitlines()
            return any(line.startswith("ipcc_ctiserver_webhook_posts_total") and "refused" in line for line in lines)

        await until(was_refused, 60, "it is refused")
    assert receiver.taken == []
