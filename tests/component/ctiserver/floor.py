"""A floor for ctiserver: the simulated switch with its event socket, a broker, a small bank, and a hand that acts as acd does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from ipcc.bus import Publisher
from ipcc.bus.events import received_from
from ipcc.bus.port import BEGINNING
from ipcc.call.model import Told
from ipcc.contracts.call import CallPayload, LegAnswered, LegStarted
from ipcc.contracts.config import ConfigChanged
from ipcc.contracts.topics import CALL
from ipcc.esl.commands import Originate
from ipcc.esl.dialstring import User
from ipcc.esl.port import OWN_LEGS, SwitchNode
from ipcc.ids import LegId, NodeId, new_id
from ipcc.parts import Parts
from ipcc.sim.esl_server import EslServer, ServerSettings
from ipcc.sim.site import Site, engine_settings
from ipcc.sim.switch import SimSwitch
from ipcc.tasks import Tasks
from services.ctiserver.app import build
from services.ctiserver.settings import CtiSettings
from tests.component.ctiserver.bench import BANK
from tests.support.service import client_of, make_settings
from tests.support.until import until

ROOT = Path(__file__).parents[3]
PASSWORD = "sesame"
LISTED_LATE_S = 0.3


@dataclass
class Floor:
    """A simulated switch with its event socket, a broker, and a hand that rings and joins as acd does."""

    folder: Path
    switch: SimSwitch
    port: int
    parts: Parts = field(default_factory=Parts)
    tasks: Tasks = field(default_factory=Tasks)
    hand: SwitchNode = field(init=False)

    def settings(self, **given: Any) -> CtiSettings:
        # two looks in a row must not both be at what was true before: the list is late
        quick: dict[str, Any] = {"look_every_s": 0.3, "look_again_s": LISTED_LATE_S}
        where = f"fs1=127.0.0.1:{self.port}"
        fixed = {"switches": where, "esl_password": PASSWORD}
        return make_settings(CtiSettings, self.folder, **{**fixed, **quick, **given})

    async def open(self) -> None:
        """Publish the bank, connect the hand."""
        settings = self.settings()
        bus = self.parts.bus(settings)
        publisher = Publisher(bus, "test/test", self.parts.clock)
        for number, found in enumerate(BANK):
            await publisher.publish(ConfigChanged(kind=found.kind, object_id=found.id, version=number, object=found))
        switches = self.parts.switches(settings, OWN_LEGS)
        switches.start(self.tasks)
        self.hand = switches.node(NodeId("fs1"))
        await until(lambda: self.hand.is_up, what="the hand is connected")

    async def legs(self) -> int:
        """How many legs there are by the switch's own list, which is up to 0.2 s old: one leg too many is in it by then."""
        await self.parts.clock.sleep(LISTED_LATE_S)
        return len(await self.hand.channels())

    async def close(self) -> None:
        """Let go of the switch and the broker."""
        await self.tasks.stop()
        self.parts.close()
        if self.parts.broker:
            await self.parts.broker.stop()

    @asynccontextmanager
    async def ctiserver(self, **given: Any) -> AsyncIterator[httpx.AsyncClient]:
        """A ctiserver that has looked at the switch."""
        service = build(self.settings(**given), self.parts)
        async with client_of(service) as client:

            async def has_looked() -> bool:
                ready = (await client.get("/health/ready")).status_code == 200
                text = (await client.get("/metrics")).text
                return ready and "ipcc_ctiserver_look_duration_seconds_count" in text

            await until(has_looked, what="ctiserver has looked at the switch")
            yield client

    async def told(self) -> list[Told]:
        """Everything told about calls, in the order of each call."""
        async with self.parts.bus(self.settings()).replay(CALL.name, BEGINNING) as reader:
            events = [received_from(record).event async for record in reader]
        return [Told(event.data, event.time) for event in events if isinstance(event.data, CallPayload)]

    async def until_told(self, kind: type[CallPayload], number: int = 1) -> list[Told]:
        """Wait until so many of a kind were told; then everything told."""

        async def are_told() -> bool:
            return sum(isinstance(item.payload, kind) for item in await self.told()) >= number

        await until(are_told, what=f"{number} {kind.__name__}", timeout=20)
        return await self.told()

    async def until_waits(self, customer: str) -> None:
        """Wait until somebody who called is told of, answered: whoever is rung for him before his dialplan has run is rung for nobody
        known."""

        async def is_told() -> bool:
            his = [one.payload for one in await self.told() if getattr(one.payload, "leg_id", "") == customer]
            return {LegStarted, LegAnswered} <= {type(payload) for payload in his}

        await until(is_told, what=f"{customer} waits")

    async def ring(self, call: str, phone: str, agent: str, timeout_s: int = 5) -> LegId:
        """Ring an agent for a call, as acd does."""
        leg = LegId(new_id())
        tags = {
            "ipcc_call_id": call,
            "ipcc_role": "agent",
            "ipcc_owner": "acd",
            "ipcc_offer_id": leg,
            "ipcc_agent_id": agent,
        }
        endpoint = User(phone, self.switch.engine.kernel.settings.domain)
        await self.hand.job(Originate(endpoint, leg, timeout_s=timeout_s, variables=tags), timeout=15)
        return leg


@asynccontextmanager
async def floor_at(tmp_path: Path) -> AsyncIterator[Floor]:
    conf = ROOT / "freeswitch"
    site = Site(conf / "conf", conf / "sounds" / "prompts.yaml", tmp_path / "spool", tmp_path / "sounds")
    async with AsyncExitStack() as stack:
        switch = SimSwitch(engine_settings(site))
        server = EslServer(switch, ServerSettings(password=PASSWORD))
        await server.start()
        stack.push_async_callback(server.close)
        await switch.start()
        stack.push_async_callback(switch.stop)
        found = Floor(tmp_path, switch, server.address[1])
        stack.push_async_callback(found.close)
        await found.open()
        yield found
