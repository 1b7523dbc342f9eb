"""What the rigs of the load programs begin with: a Kafka, a simulated switch, a bus of our own, replicas of a service as processes."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import httpx

from ipcc.bus.kafka import KafkaBus
from ipcc.bus.kafka_link import KafkaSettings
from ipcc.cli.processes import Child
from ipcc.clock import SystemClock
from ipcc.ids import NodeId
from ipcc.settings import PORTS, SwitchAddress
from ipcc.sim.esl_server import EslServer, ServerSettings
from ipcc.sim.site import Site, engine_settings
from ipcc.sim.switch import SimSwitch
from tests.support.kafka_broker import KafkaBroker

T = TypeVar("T")

CONF = Path(__file__).parents[2] / "freeswitch"
NODE = NodeId("sim1")
PASSWORD = "sesame"


async def on_kafka(work: Callable[[Path, str], Awaitable[T]]) -> T:
    """``work`` with a folder of its own and the address of a Kafka of its own; both are gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "suite"
        folder.mkdir()
        broker = KafkaBroker(Path(name) / "kafka")
        broker.start()
        try:
            return await work(folder, broker.address)
        finally:
            broker.stop()


def site_in(folder: Path, phones: tuple[str, ...]) -> Site:
    """Our own configuration, with these phones, writing below ``folder``."""
    return Site(CONF / "conf", CONF / "sounds" / "prompts.yaml", folder / "spool", folder / "sounds", phones)


@asynccontextmanager
async def simulated_switch(site: Site) -> AsyncIterator[tuple[SimSwitch, SwitchAddress]]:
    """A simulated switch in this process, and where its event socket is; its password is ``PASSWORD``."""
    switch = SimSwitch(engine_settings(site))
    server = EslServer(switch, ServerSettings(password=PASSWORD))
    await server.start()
    await switch.start()
    try:
        yield switch, SwitchAddress(node_id=NODE, host=server.address[0], port=server.address[1])
    finally:
        await switch.stop()
        await server.close()


@asynccontextmanager
async def own_bus(kafka: str) -> AsyncIterator[KafkaBus]:
    """A bus for what the program itself says and reads."""
    bus = KafkaBus(KafkaSettings(kafka), SystemClock())
    await bus.start()
    try:
        yield bus
    finally:
        await bus.stop()


def ports_of(used: Mapping[str, int]) -> dict[str, int]:
    """A port for every process of a whole suite; those that are not used are never started."""
    return {**dict.fromkeys(PORTS, 0), **used}


def replica_of(child: Child, name: str, port: int) -> Child:
    """The same service once more, under a name and at a port of its own."""
    given = {"IPCC_INSTANCE_ID": name, f"IPCC_{child.name.upper()}__HTTP_PORT": str(port)}
    return replace(child, name=name, process=None, starts=0, environment={**child.environment, **given})


async def is_green(url: str) -> bool:
    """Whether the process there says that it can work."""
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            return (await client.get(f"{url}/health/ready")).is_success
    except httpx.HTTPError:
        return False
