"""ctiserver on a real broker: told once through a kill, a takeover by the other replica, and a broker that freezes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ipcc.bus import Bus, Publisher
from ipcc.bus.kafka import KafkaBus
from ipcc.bus.kafka_link import KafkaSettings
from ipcc.http.service import Service
from ipcc.ids import new_id
from ipcc.settings import ServiceSettings
from services.ctiserver.app import build
from services.ctiserver.settings import CtiSettings
from tests.component.ctiserver.bench import Bench, BenchParts, BenchSwitches
from tests.support.kafka_broker import KafkaBroker
from tests.support.service import client_of, make_settings
from tests.support.until import until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


@dataclass
class KafkaParts(BenchParts):
    """Parts on Kafka, in a namespace of the test's own."""

    kafka: KafkaSettings | None = None

    def bus(self, settings: ServiceSettings) -> Bus:
        assert self.kafka is not None
        return KafkaBus(self.kafka, self.clock)


class KafkaBench(Bench):
    """The bench on a real broker."""

    def __init__(self, folder: Path, broker: KafkaBroker) -> None:
        super().__init__(folder)
        self.kafka = KafkaSettings(
            broker.address,
            prefix=f"t{new_id()}.",
            send_timeout_s=3.0,
            session_timeout_s=2.0,
            rebalance_timeout_s=10.0,
        )
        self.own = KafkaBus(self.kafka, self.clock)
        self.bus = self.own  # type: ignore[assignment]
        self.publisher = Publisher(self.own, "test/test", self.clock)

    def service(self, **given: Any) -> Service:
        fast: dict[str, Any] = {"look_every_s": 0.5, "look_again_s": 0.1, "control_timeout_s": 3.0}
        settings = make_settings(CtiSettings, self.folder, **{**fast, **given})
        parts = KafkaParts(self.clock, fakes=BenchSwitches(self.node), kafka=self.kafka)
        return build(settings, parts)


@pytest.fixture
async def on_kafka(tmp_path: Path, own_kafka: KafkaBroker) -> AsyncIterator[KafkaBench]:
    found = KafkaBench(tmp_path, own_kafka)
    await found.own.start()
    await found.own.reached(30)
    await found.open_bank()
    yield found
    own_kafka.thaw()
    await found.own.stop()


async def test_a_restart_on_kafka_tells_only_what_is_new(on_kafka: KafkaBench) -> None:
    bench = on_kafka
    async with bench.running(instance_id="one"):
        for leg in ("stays", "goes"):
            bench.node.arrive(leg)
            bench.node.pick_up(leg)
        await bench.until_told("LegAnswered stays", "LegAnswered goes")
    bench.node.vanish("goes")
    async with bench.running(instance_id="two"):
        await bench.until_told("LegEnded goes resynced", "CallEnded goes resynced")
        bench.node.end("stays")
        told = await bench.until_told("CallEnded stays")
    assert len(told) == len(set(told)) == 10


async def test_the_other_replica_takes_the_node_over(on_kafka: KafkaBench) -> None:
    bench = on_kafka
    async with bench.running(instance_id="one") as first:
        bench.node.arrive("c1")
        await bench.until_told("LegStarted c1")
        async with client_of(bench.service(instance_id="two")) as second:
            await bench.ready(second)

            async def both_know() -> bool:
                return [(await c.get("/v1/calls/c1")).status_code for c in (first, second)] == [200, 200]

            await until(both_know)
            bench.node.arrive("c2")
            await bench.until_told("LegStarted c2")
        bench.node.end("c1")
        bench.node.arrive("c3")

        async def plain() -> list[str]:
            # while the node changed hands nobody heard: looks find it
            return [word.removesuffix(" resynced") for word in await bench.told()]

        async def are_told() -> bool:
            return {"LegEnded c1", "CallEnded c1", "LegStarted c3"} <= set(await plain())

        await until(are_told, timeout=20)
        told = await plain()
        assert len(told) == len(set(told))


async def test_a_frozen_broker_holds_facts_back_in_order(on_kafka: KafkaBench, own_kafka: KafkaBroker) -> None:
    bench = on_kafka
    async with bench.running() as client:
        bench.node.arrive("c1")
        await bench.until_told("LegStarted c1")
        own_kafka.freeze()
        bench.node.pick_up("c1")
        bench.node.end("c1")

        async def is_red() -> bool:
            return (await client.get("/health/ready")).status_code == 503

        await until(is_red, timeout=30)
        own_kafka.thaw()

        async def is_told() -> bool:
            return "CallEnded c1" in await bench.told()

        await until(is_told, timeout=60)
        assert await bench.told() == [
            "CallArrived c1",
            "LegStarted c1",
            "LegAnswered c1",
            "LegEnded c1",
            "CallEnded c1",
        ]
