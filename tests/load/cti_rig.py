"""Replicas of ctiserver, each a process of its own, on a real Kafka and a simulated switch in this process; and calls that agents take.

Callers are parked by the switch's own dialplan; a hand rings agents and joins them as acd does, at the switch itself, so that
what is seen is ctiserver's alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from ipcc.bus import BEGINNING, Publisher, Record
from ipcc.bus.kafka import KafkaBus
from ipcc.cli.plan import Plan
from ipcc.cli.processes import Family, family_of
from ipcc.clock import SystemClock
from ipcc.contracts.config import ConfigChanged, Phone, User
from ipcc.contracts.topics import TOPICS, Topic
from ipcc.errors import BusDown
from ipcc.ids import new_id
from ipcc.sim.outputs import Output, SimEvent
from ipcc.sim.people import Caller, PhoneScript
from ipcc.sim.switch import SimSwitch
from ipcc.tasks import Tasks
from tests.load.stage import PASSWORD, is_green, own_bus, ports_of, replica_of, simulated_switch, site_in
from tests.support.kafka_broker import free_port
from tests.support.until import until

ANSWER_S = 0.3


@dataclass(frozen=True)
class Load:
    """Calls a second, how long each talks, of how many one is put on hold for the middle of it (0: none), and agents besides."""

    calls_per_s: float
    talk_s: float
    hold_every: int = 0
    spare_agents: int = 0

    @property
    def agents(self) -> tuple[str, ...]:
        """Agents enough, who are named as their phones."""
        number = int(self.calls_per_s * (self.talk_s + 2)) + 5 + self.spare_agents
        return tuple(str(2001 + number) for number in range(number))


@dataclass
class Rig:
    """What a run holds on to. ``hear`` is called with every event of the switch the moment it is made."""

    load: Load
    switch: SimSwitch
    family: Family
    bus: KafkaBus
    urls: dict[str, str]
    clock: SystemClock = field(default_factory=SystemClock)
    tasks: Tasks = field(default_factory=Tasks)
    calls: list[str] = field(default_factory=list)
    short_of_agents: int = 0
    hear: Callable[[SimEvent], None] = lambda _: None

    def __post_init__(self) -> None:
        self._free = deque(self.load.agents)
        self._by_leg: dict[str, tuple[str, str, float]] = {}
        self._is_over = False

    async def prepare(self) -> None:
        """Publish who there is, start the processes, register the phones."""
        await self.bus.create_topics(TOPICS)
        publisher = Publisher(self.bus, "test/0", self.clock)
        things: list[User | Phone] = [
            User(id=agent, name=agent, organisation="bank", phone=agent) for agent in self.load.agents
        ]
        things += [Phone(id=agent, name=agent) for agent in self.load.agents]
        changes = [ConfigChanged(kind=one.kind, object_id=one.id, version=1, object=one) for one in things]

        async def is_published() -> bool:
            # a topic just made has no leader for a moment
            try:
                await asyncio.gather(*(publisher.publish(change) for change in changes))
            except BusDown:
                return False
            return True

        await until(is_published, 60, "everybody is published")
        for agent in self.load.agents:
            self.switch.register(agent)
        self.switch.set_phone(PhoneScript("*", answer_after_s=ANSWER_S))
        self.switch.add_listener(self._hear)
        self.family.start()
        for name in self.urls:
            await until(lambda name=name: self.is_green(name), 60, f"{name} is ready")  # type: ignore[misc]

    async def is_green(self, name: str) -> bool:
        """Whether a process says that it can work."""
        return await is_green(self.urls[name])

    async def live_legs(self, name: str) -> dict[str, dict[str, Any]]:
        """What a replica believes of the live legs."""
        found: dict[str, dict[str, Any]] = {}
        after: str | None = None
        async with httpx.AsyncClient(timeout=5) as client:
            while True:
                query = {"limit": 200} | ({"after": after} if after else {})
                page = (await client.get(f"{self.urls[name]}/v1/legs", params=query)).raise_for_status().json()
                found |= {leg["leg_id"]: leg for leg in page["items"]}
                after = page["next"]
                if not after:
                    return found

    async def records(self, topic: Topic, partitions: Sequence[int] | None = None) -> list[Record]:
        """Everything on a topic, however long a busy broker takes to give it."""
        found: list[Record] = []

        async def is_read() -> bool:
            found.clear()
            try:
                async with self.bus.replay(topic.name, BEGINNING, partitions) as past:
                    found.extend([record async for record in past])
            except BusDown:
                return False
            return True

        await until(is_read, 60, f"{topic.name} is read")
        return found

    async def run(self, seconds: float) -> None:
        """Let calls come for so long."""
        loop = asyncio.get_running_loop()
        began = due = loop.time()
        while loop.time() - began < seconds and not self._is_over:
            self.arrive(self.load.talk_s)
            due += 1 / self.load.calls_per_s
            await self.clock.sleep(max(0.0, due - loop.time()))

    def stop(self) -> None:
        """No more calls."""
        self._is_over = True

    async def until_empty(self) -> None:
        """Wait until every call is over."""
        channels = self.switch.engine.kernel.channels
        await until(lambda: not channels, 60, "nothing is left on the switch")

    def arrive(self, talk_s: float) -> tuple[str, str] | None:
        """Somebody calls and talks for so long: his leg and the agent's; None when no agent is free."""
        number = len(self.calls) + 1
        call = self.switch.place_call(Caller(f"138{number:08}", "95500", variables={"ipcc_trunk": "test"}))
        assert call is not None
        self.calls.append(call)
        self.switch.api("uuid_answer", call)
        if not self._free:
            self.short_of_agents += 1
            self._later(0, "sim_hangup", call)
            return None
        agent, leg = self._free.popleft(), new_id()
        self._by_leg[leg] = (call, agent, talk_s)
        tags = f"ipcc_call_id={call},ipcc_role=agent,ipcc_owner=acd,ipcc_offer_id={leg},ipcc_agent_id={agent}"
        self.switch.api("originate", f"{{origination_uuid={leg},{tags}}}user/{agent} &park()")
        return call, leg

    def _hear(self, output: Output) -> None:
        if not isinstance(output, SimEvent):
            return
        self.hear(output)
        leg = str(output.headers.get("Unique-ID", ""))
        if leg not in self._by_leg:
            return
        call, agent, talk_s = self._by_leg[leg]
        if output.name == "CHANNEL_PARK":
            # not at CHANNEL_ANSWER: the switch then still has to park the leg, which would undo a bridge ordered in between
            self._talk(call, leg, talk_s)
        elif output.name == "CHANNEL_DESTROY":
            del self._by_leg[leg]
            self._free.append(agent)

    def _talk(self, call: str, leg: str, talk_s: float) -> None:
        self._later(0, "uuid_bridge", f"{call} {leg}")
        every = self.load.hold_every
        if every and talk_s == self.load.talk_s and len(self.calls) % every == 0:
            self._later(talk_s / 4, "uuid_hold", leg)
            self._later(talk_s * 3 / 4, "uuid_hold", f"off {leg}")
        self._later(talk_s, "sim_hangup", call)

    def _later(self, seconds: float, command: str, argument: str) -> None:
        asyncio.get_running_loop().call_later(seconds, self.switch.api, command, argument)


@asynccontextmanager
async def rig(
    folder: Path, kafka: str, load: Load, replicas: int = 1, session_timeout_s: float = 3.0
) -> AsyncIterator[Rig]:
    """Everything made, nothing started but the switch and our own bus."""
    async with AsyncExitStack() as stack:
        switch, address = await stack.enter_async_context(simulated_switch(site_in(folder, load.agents)))
        plan = Plan(var=folder, kafka=kafka, auth="none", esl_password=PASSWORD, any_ports=True)
        ports = {f"cti-{number}": free_port() for number in range(replicas)}
        told = {"IPCC_KAFKA_SESSION_TIMEOUT_S": str(session_timeout_s)}
        family = family_of(plan, (address,), ports_of({}), told)
        family.children = [replica_of(family.child("ctiserver"), name, port) for name, port in ports.items()]
        bus = await stack.enter_async_context(own_bus(kafka))
        found = Rig(load, switch, family, bus, {name: f"http://127.0.0.1:{port}" for name, port in ports.items()})
        stack.push_async_callback(found.tasks.stop)
        stack.push_async_callback(family.stop)
        yield found
