"""acd as a whole on a bus in memory and a scripted switch: configuration, phones, callers, agents at the ends of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

from ipcc.bus import Bus, MemoryBroker, MemoryBus, Publisher, Requester, received_from
from ipcc.bus.port import BEGINNING
from ipcc.clock import SystemClock
from ipcc.contracts.acd import AcdPayload, Enqueue, SignIn
from ipcc.contracts.call import CallEnded, LegEnded, PhoneChanged
from ipcc.contracts.config import ConfigChanged, Phone, Queue, Skill, User
from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import ACD, ACD_LEASE, TOPICS
from ipcc.errors import Unavailable
from ipcc.esl.commands import Command, Originate, UuidKill
from ipcc.esl.fake import NO_CHANNEL, FakeNode, FakeSwitches
from ipcc.esl.headers import EventName
from ipcc.esl.nodes import Nodes
from ipcc.esl.port import SubscriptionPlan
from ipcc.ids import LegId
from ipcc.parts import Parts
from ipcc.settings import ServiceSettings
from ipcc.tasks import Tasks
from services.acd.app import build
from services.acd.settings import AcdSettings
from tests.support.service import client_of, make_settings
from tests.support.until import until

NODE = "fs1"
SERVICE = Queue(id="service", name="Service", skills={"service": 3}, ring_s=5, wrap_up_s=1)


class FakeNodes(FakeSwitches):
    """Fake switches where the composition root expects real links."""

    def start(self, tasks: Tasks) -> None:
        """Nothing to connect."""


@dataclass
class FakeParts(Parts):
    """Parts whose switches are the stand's."""

    fakes: FakeNodes = field(default_factory=FakeNodes)
    make_bus: Callable[[], Bus] | None = None

    def bus(self, settings: ServiceSettings) -> Bus:
        return self.make_bus() if self.make_bus else super().bus(settings)

    def switches(self, settings: ServiceSettings, plan: SubscriptionPlan) -> Nodes:
        return self.fakes  # type: ignore[return-value]


PATIENCE = 5


class Stand:
    """A bus, a switch, and everybody who talks to acd."""

    def __init__(self, folder: Path, make_bus: Callable[[], Bus] | None = None) -> None:
        self.folder = folder
        self.clock = SystemClock()
        self.broker = MemoryBroker(self.clock)
        self.make_bus = make_bus
        self.bus: Bus = make_bus() if make_bus else MemoryBus(self.broker, send_timeout_s=1.0)
        self.node = FakeNode(NODE)
        self.publisher = Publisher(self.bus, "test/0", self.clock)
        self.requester = Requester(self.bus, self.publisher, "test-0")
        self._tasks = Tasks()
        self.bonds: dict[str, str] = {}
        self.answered: set[str] = set()
        self.confirmed: set[str] = set()
        self.node.answer("uuid_bridge", self._bridge)
        self.node.answer("uuid_dump", self._dump)

    async def open(self, *agents: str) -> None:
        """Publish the organisation and hear replies."""
        await self.bus.start()
        await self.bus.create_topics(TOPICS)
        self._tasks.spawn("replies", self.requester.run)
        things: list[Queue | Skill | User | Phone] = [Skill(id="service", name="service"), SERVICE]
        for agent in agents:
            things.append(User(id=agent, name=agent, organisation="bank", skills={"service": 5}, phone=f"p-{agent}"))
            things.append(Phone(id=f"p-{agent}", name=agent))
        for thing in things:
            await self.tell(ConfigChanged(kind=thing.kind, object_id=thing.id, version=1, object=thing))
        for agent in agents:
            await self.tell(PhoneChanged(phone_id=f"p-{agent}", registered=True, node_id=NODE))

    async def close(self) -> None:
        """Everybody goes home."""
        await self._tasks.stop()
        await self.bus.stop()

    @asynccontextmanager
    async def acd(self, instance: str = "acd-0", **given: Any) -> AsyncIterator[httpx.AsyncClient]:
        """A replica of acd, owning its domain once the block begins."""
        settings = make_settings(AcdSettings, self.folder, instance_id=instance, look_every_s=0.2, **given)
        parts = FakeParts(self.clock, self.broker, fakes=FakeNodes(self.node), make_bus=self.make_bus)
        async with client_of(build(settings, parts)) as client:
            await until(lambda: _is_green(client), what="acd ready")
            yield client

    async def has_claimed(self, instance: str) -> bool:
        """Whether this replica has taken its share of the domains."""
        async with self.bus.replay(ACD_LEASE.name, BEGINNING) as reader:
            claims = [orjson.loads(record.value) async for record in reader if record.value]
        return any(claim["owner"] == instance for claim in claims)

    async def tell(self, payload: Payload) -> None:
        """A fact of another service."""
        await self.publisher.publish(payload)

    async def ask(self, command: Payload) -> dict[str, Any]:
        """A command and its answer."""
        return await self.requester.ask(command, 5.0)

    async def give(self, *things: Queue | User) -> None:
        """What is administered from now on."""
        for thing in things:
            await self.tell(ConfigChanged(kind=thing.kind, object_id=thing.id, version=2, object=thing))

    async def sign_in(self, *agents: str) -> None:
        """Agents come, ready."""
        for agent in agents:
            await self.ask(SignIn(agent_id=agent, phone_id=f"p-{agent}", ready=True))

    async def arrive(self, name: str) -> dict[str, Any]:
        """A caller is parked on the switch and asks to be queued."""
        self.node.legs[LegId(f"leg-{name}")] = {"direction": "inbound"}
        command = self.order(name)
        for _ in range(PATIENCE):
            try:
                return await self.ask(command)
            except Unavailable:
                # as ivr does: an owner that is changing answers later, and the same entry is never queued twice
                continue
        return await self.ask(command)

    def order(self, name: str) -> Enqueue:
        """The command for a caller."""
        return Enqueue(
            entry_id=f"entry-{name}",
            call_id=f"call-{name}",
            leg_id=f"leg-{name}",
            node_id=NODE,
            queue_id="service",
            entered_at=self.clock.now(),
        )

    async def hang_up(self, name: str) -> None:
        """The caller goes, and ctiserver says so."""
        self.node.legs.pop(LegId(f"leg-{name}"), None)
        ended = LegEnded(call_id=f"call-{name}", leg_id=f"leg-{name}", node_id=NODE, cause="NORMAL_CLEARING")
        await self.tell(ended)
        await self.tell(CallEnded(call_id=f"call-{name}", cause="NORMAL_CLEARING", duration_ms=1))

    def phones_ring(self) -> None:
        """From now on a dialled phone rings and nobody lifts."""

        def ring(command: Command) -> None:
            assert isinstance(command, Originate)
            self.node.legs[command.leg_id] = {"direction": "outbound"}
            self.node.say(EventName.CHANNEL_PROGRESS, command.leg_id)

        self.node.answer("originate", ring)

    def lift(self, offer_id: str) -> None:
        """The agent answers."""
        self.answered.add(offer_id)
        self.node.say(EventName.CHANNEL_ANSWER, offer_id)

    def press_key(self, offer_id: str) -> None:
        """The agent outside, whose phone was answered, presses the key he is asked for; nobody is told but who looks."""
        self.answered.add(offer_id)
        self.confirmed.add(offer_id)

    async def log(self) -> list[AcdPayload]:
        """All of acd's events so far."""
        async with self.bus.replay(ACD.name, BEGINNING) as reader:
            found = [received_from(record).event.data async for record in reader]
        return [event for event in found if isinstance(event, AcdPayload)]

    async def told(self, kind: type[AcdPayload], **fields: object) -> list[Any]:
        """acd's events of a kind with these fields, so far."""
        return [
            event
            for event in await self.log()
            if isinstance(event, kind) and all(getattr(event, name) == value for name, value in fields.items())
        ]

    async def hear(self, kind: type[AcdPayload], count: int = 1, **fields: object) -> Any:
        """The newest of ``count`` such events, once there are so many."""

        async def enough() -> list[Any]:
            found = await self.told(kind, **fields)
            return found if len(found) >= count else []

        return (await until(enough, timeout=15, what=f"{count} {kind.__name__} {fields}"))[-1]

    def kills(self) -> list[str]:
        """The legs ordered to end."""
        return [kill.leg_id for kill in self.node.told(UuidKill)]

    def _bridge(self, command: Command) -> str:
        caller, agent = str(getattr(command, "leg_id", "")), str(getattr(command, "other_leg_id", ""))
        if LegId(caller) not in self.node.legs or LegId(agent) not in self.node.legs:
            return "-ERR Invalid uuid\n"
        pair = {"Bridge-A-Unique-ID": caller, "Bridge-B-Unique-ID": agent}
        self.bonds |= {caller: agent, agent: caller}
        self.answered.add(agent)
        self.node.say(EventName.CHANNEL_BRIDGE, caller, pair)
        return f"+OK {agent}\n"

    def _dump(self, command: Command) -> str:
        leg = str(getattr(command, "leg_id", ""))
        if LegId(leg) not in self.node.legs:
            return f"{NO_CHANNEL}\n"
        made = next((order for order in self.node.told(Originate) if order.leg_id == leg), None)
        variables = dict(made.variables) if made else {}
        if leg in self.confirmed:
            # the switch clears it once the key was pressed
            variables.pop("group_confirm_key", None)
        fields = {
            "Event-Name": "CHANNEL_DATA",
            "Unique-ID": leg,
            "Event-Date-Timestamp": "1",
            "Call-Direction": "outbound" if made else "inbound",
            "Answer-State": "answered" if leg in self.answered or not made else "ringing",
            **({"variable_signal_bond": self.bonds[leg]} if leg in self.bonds else {}),
            **{f"variable_{name}": value for name, value in variables.items()},
        }
        return orjson.dumps(fields).decode()


async def _is_green(client: httpx.AsyncClient) -> bool:
    return (await client.get("/health/ready")).status_code == 200
