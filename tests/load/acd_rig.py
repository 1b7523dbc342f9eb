"""Replicas of acd and one of ctiserver, each a process of its own, on a real Kafka; a simulated switch in this process, or a real one.

Callers are parked by the switch's own dialplan and asked to be queued over the bus, as a flow does it, repeatedly until answered;
agents sign in over the bus. Nothing else runs, so that what is seen is acd's alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import orjson

from ipcc.bus import BEGINNING, Publisher, Requester, received_from
from ipcc.bus.kafka import KafkaBus
from ipcc.bus.port import partition_of
from ipcc.cli.plan import Plan
from ipcc.cli.processes import Family, family_of
from ipcc.clock import SystemClock
from ipcc.contracts.acd import AcdPayload, Enqueue, SignIn
from ipcc.contracts.config import ConfigChanged, Phone, Queue, Skill, User
from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import ACD, ACD_LEASE, TOPICS
from ipcc.errors import Refused, Unavailable
from ipcc.settings import SwitchAddress
from ipcc.sim.people import Caller, PhoneScript
from ipcc.sim.switch import SimSwitch
from ipcc.tasks import Tasks
from tests.load.stage import PASSWORD, is_green, own_bus, ports_of, replica_of, simulated_switch, site_in
from tests.support.kafka_broker import free_port
from tests.support.until import until

QUEUE = Queue(id="service", name="Service", skills={"service": 3}, ring_s=8, wrap_up_s=0, max_waiting=5_000)
REPLICAS = ("acd-0", "acd-1")
ASKED = 20
ASK_S = 3.0


@dataclass(frozen=True)
class Told:
    """One event of acd's log: when it was decided, by which process, what."""

    at: datetime
    source: str
    event: AcdPayload


@dataclass(frozen=True)
class Staff:
    """How many agents there are, how quickly they answer, how long callers talk; in seconds."""

    agents: int
    answer_s: float = 0.2
    talk_s: float = 3.0
    first_phone: int = 2001

    @property
    def phones(self) -> tuple[str, ...]:
        """Their phones, which are named as they are."""
        return tuple(str(self.first_phone + number) for number in range(self.agents))


@dataclass(frozen=True)
class Site:
    """The switch: ``sim`` is None when it is a real one, whose phones others register."""

    address: SwitchAddress
    password: str = field(repr=False)
    spool: Path
    sim: SimSwitch | None = None


@dataclass
class Rig:
    """What a run holds on to."""

    staff: Staff
    site: Site
    family: Family
    bus: KafkaBus
    urls: dict[str, str]
    clock: SystemClock = field(default_factory=SystemClock)
    tasks: Tasks = field(default_factory=Tasks)
    callers: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    slowest_answer_s: float = 0.0

    def __post_init__(self) -> None:
        self.publisher = Publisher(self.bus, "test/0", self.clock)
        self.requester = Requester(self.bus, self.publisher, "test-0")

    @property
    def switch(self) -> SimSwitch:
        """The simulated switch."""
        assert self.site.sim is not None
        return self.site.sim

    async def prepare(self) -> None:
        """Publish the organisation, start the processes, let everybody sign in."""
        await self.bus.reached(60)
        await self.bus.create_topics(TOPICS)
        self.tasks.spawn("replies", self.requester.run)
        things: list[Queue | Skill | User | Phone] = [Skill(id="service", name="service"), QUEUE]
        for phone in self.staff.phones:
            things.append(User(id=phone, name=phone, organisation="bank", skills={"service": 5}, phone=phone))
            things.append(Phone(id=phone, name=phone))
        for thing in things:
            change = ConfigChanged(kind=thing.kind, object_id=thing.id, version=1, object=thing)
            await self._publish(change)
        self.family.start()
        for name in self.urls:
            await until(lambda name=name: self.is_green(name), 60, f"{name} is ready")  # type: ignore[misc]
        if self.site.sim is not None:
            self.switch.set_phone(PhoneScript("*", answer_after_s=self.staff.answer_s))
            for phone in self.staff.phones:
                self.switch.register(phone)
        await asyncio.gather(*(self._sign_in(phone) for phone in self.staff.phones))

    async def is_green(self, name: str) -> bool:
        """Whether a process says that it can work."""
        return await is_green(self.urls[name])

    async def call(self, number: int) -> None:
        """Somebody calls and asks to be queued, as often as it takes."""
        caller = Caller(
            f"138{number:08}", "95500", patience_s=120, talk_s=self.staff.talk_s, variables={"ipcc_trunk": "test"}
        )
        call = self.switch.place_call(caller)
        assert call is not None
        self.callers.append(call)
        self.switch.api("uuid_answer", call)
        await self.enqueue(call, caller.number)

    async def enqueue(self, call: str, number: str) -> None:
        """Ask for somebody who is parked on the switch to be queued, as often as it takes."""
        order = Enqueue(
            entry_id=f"entry-{call}",
            call_id=call,
            leg_id=call,
            node_id=self.site.address.node_id,
            queue_id=QUEUE.id,
            entered_at=self.clock.now(),
            caller_number=number,
        )
        began = asyncio.get_running_loop().time()
        try:
            await self._ask(order)
        except Refused as refused:
            self.refused.append(f"{call}: {refused.message}")
        self.slowest_answer_s = max(self.slowest_answer_s, asyncio.get_running_loop().time() - began)

    async def owner(self) -> str:
        """The replica that claimed the domain last."""
        owner, _ = (await self.claims())[-1]
        return owner

    async def claims(self) -> list[tuple[str, datetime]]:
        """Who claimed the domain, and when."""
        number = partition_of("default", ACD_LEASE.partitions)
        async with self.bus.replay(ACD_LEASE.name, BEGINNING, [number]) as past:
            return [(str(orjson.loads(r.value or b"{}")["owner"]), r.time) async for r in past]

    async def log(self) -> list[Told]:
        """acd's events so far."""
        async with self.bus.replay(ACD.name, BEGINNING) as past:
            read = [received_from(record).event async for record in past]
        return [Told(e.time, e.source, e.data) for e in read if isinstance(e.data, AcdPayload)]

    async def entries(self, name: str) -> dict[str, dict[str, Any]]:
        """Who waits, as a replica tells it, by entry."""
        async with httpx.AsyncClient(timeout=5) as client:
            answer = (await client.get(f"{self.urls[name]}/v1/entries")).raise_for_status()
        return {entry["id"]: entry for entry in answer.json()}

    async def _publish(self, payload: Payload) -> None:
        for _ in range(ASKED):
            try:
                await self.publisher.publish(payload)
            except Unavailable:
                continue  # topics just made have no leader yet
            return
        await self.publisher.publish(payload)

    async def _sign_in(self, phone: str) -> None:
        order = SignIn(agent_id=phone, phone_id=phone, ready=True)

        async def is_ready() -> bool:
            # until the phone's registration was heard he is signed in, but not ready
            return bool((await self._ask(order))["state"] != "not_ready")

        await until(is_ready, 30, f"{phone} is ready")

    async def _ask(self, command: Payload) -> dict[str, Any]:
        for _ in range(ASKED):
            try:
                return await self.requester.ask(command, ASK_S)
            except Unavailable:
                continue  # an owner that is changing answers later
        return await self.requester.ask(command, ASK_S)


@asynccontextmanager
async def simulated(folder: Path, staff: Staff) -> AsyncIterator[Site]:
    """A simulated switch with the phones of ``staff``."""
    site = site_in(folder, staff.phones)
    async with simulated_switch(site) as (switch, address):
        yield Site(address, PASSWORD, site.spool, switch)


@asynccontextmanager
async def rig(folder: Path, kafka: str, staff: Staff, site: Site, settings: Mapping[str, str]) -> AsyncIterator[Rig]:
    """Everything made, nothing started but our own bus. ``settings`` are further variables of all processes."""
    plan = Plan(var=folder, kafka=kafka, auth="none", esl_password=site.password, any_ports=True, spool=site.spool)
    ports = {name: free_port() for name in ("ctiserver", *REPLICAS)}
    family = family_of(plan, (site.address,), ports_of(ports), settings)
    family.children = [family.child("ctiserver"), *(replica_of(family.child("acd"), n, ports[n]) for n in REPLICAS)]
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(own_bus(kafka))
        found = Rig(staff, site, family, bus, {name: f"http://127.0.0.1:{port}" for name, port in ports.items()})
        stack.push_async_callback(found.tasks.stop)
        stack.push_async_callback(family.stop)
        yield found
