"""A bench for ctiserver: a switch in memory that keeps its legs and phones, a broker, a small bank, and the service on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

from ipcc.auth.principal import Role
from ipcc.bus import MemoryBroker, MemoryBus, Publisher, received_from
from ipcc.bus.port import BEGINNING
from ipcc.clock import Clock, SystemClock
from ipcc.contracts.call import CallPayload, PhoneChanged
from ipcc.contracts.config import Capacity, ConfigChanged, ConfigObject, Organisation, Phone, Queue, Skill, User
from ipcc.contracts.envelope import Event
from ipcc.contracts.topics import CALL, PHONE, Topic
from ipcc.esl.commands import Command, Originate, ShowRegistrations, UuidDump, UuidHold, UuidKill
from ipcc.esl.fake import NO_CHANNEL, FakeNode, FakeSwitches
from ipcc.esl.headers import EventName
from ipcc.esl.port import SubscriptionPlan
from ipcc.http.service import Service
from ipcc.ids import LegId, NodeId
from ipcc.parts import Parts
from ipcc.settings import ServiceSettings
from ipcc.tasks import Tasks
from services.ctiserver.app import build
from services.ctiserver.settings import CtiSettings
from tests.support.service import client_of, make_settings
from tests.support.until import until

CUSTOMER_TAGS = {"ipcc_role": "customer", "ipcc_trunk": "bank"}

BANK: tuple[ConfigObject, ...] = (
    Organisation(id="bank", name="银行"),
    Skill(id="cards", name="Cards"),
    Queue(id="cards", name="信用卡", skills={"cards": 1}),
    Phone(id="1001", name="Desk 1"),
    Phone(id="1002", name="Desk 2"),
    Phone(id="1003", name="Desk 3"),
    Phone(id="1004", name="Desk 4"),
    Phone(id="1005", name="Supervisor"),
    User(id="li", name="李雷", organisation="bank", skills={"cards": 5}, phone="1001"),
    User(id="han", name="韩梅", organisation="bank", skills={"cards": 5}),
    # she writes, and takes no calls
    User(id="mei", name="梅", organisation="bank", skills={"cards": 5}, capacity=Capacity(voice=0, chat=2)),
    User(id="boss", name="Boss", organisation="bank", roles=("supervisor",)),
    User(id="tester", name="Chief", organisation="bank", roles=("supervisor",), phone="1005"),
)


class Exchange(FakeNode):
    """A switch that keeps what a real one would show: rows, dumps, registrations."""

    def __init__(self, node_id: str = "fs1", clock: Clock | None = None) -> None:
        super().__init__(node_id)
        self._clock = clock or SystemClock()
        self.now = self._clock.now()
        self.registered: dict[str, str] = {}
        self.details: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
        self.answer("uuid_dump", self._dump)
        self.answer("uuid_kill", self._kill)
        self.answer("uuid_hold", self._hold)
        self.answer("show registrations", lambda _: self._registrations())

    def tell(self, name: str, leg: str, headers: dict[str, str] | None = None) -> None:
        """An event of a leg, with who the leg is."""
        self.now = self._clock.now()
        known, variables = self.details[leg]
        self.say(name, leg, {**known, **(headers or {})}, variables)

    def arrive(self, leg: str, number: str = "13800000001", name: str = "") -> None:
        """A customer dials and is parked by his dialplan."""
        self._create(leg, {"Call-Direction": "inbound", "Caller-Caller-ID-Number": number}, {})
        known, _ = self.details[leg]
        known.update({"Caller-Caller-ID-Name": name, "Caller-Destination-Number": "95500"})
        self.details[leg] = (known, {**CUSTOMER_TAGS, "ipcc_call_id": leg})
        self.tell(EventName.CHANNEL_PARK, leg)

    def dial(self, leg: str, call: str, agent: str, phone: str = "1001") -> None:
        """acd rings an agent."""
        tags = {
            "ipcc_call_id": call,
            "ipcc_role": "agent",
            "ipcc_owner": "acd",
            "ipcc_offer_id": leg,
            "ipcc_agent_id": agent,
        }
        where = {"Call-Direction": "outbound", "Caller-Destination-Number": phone}
        self._create(leg, where, {**tags, "dialed_user": phone})
        self.tell(EventName.CHANNEL_PROGRESS, leg)

    def pick_up(self, leg: str) -> None:
        """The leg is answered."""
        known, _ = self.details[leg]
        micro = str(int(self._clock.now().timestamp() * 1_000_000))
        known.update(
            {"Answer-State": "answered", "Caller-Channel-Answered-Time": micro, "Channel-Call-State": "ACTIVE"}
        )
        self.tell(EventName.CHANNEL_ANSWER, leg)
        self.legs[LegId(leg)].update(callstate="ACTIVE")

    def stand(self, order: Originate) -> str:
        """A phone is rung as ordered, answers, and is parked: what the switch says to the order."""
        leg = str(order.leg_id)
        self._create(leg, {"Call-Direction": "outbound"}, dict(order.variables))
        self.pick_up(leg)
        self.tell(EventName.CHANNEL_PARK, leg)
        return f"+OK {leg}\n"

    def join(self, leg: str, other: str) -> None:
        """Two legs hear each other."""
        pair = {"Bridge-A-Unique-ID": leg, "Bridge-B-Unique-ID": other}
        for one in (leg, other):
            self.legs[LegId(one)]["call_uuid"] = leg
        self.tell(EventName.CHANNEL_BRIDGE, leg, pair)

    def end(self, leg: str, cause: str = "NORMAL_CLEARING") -> None:
        """The far end hangs up; the leg it was joined with stays, parked."""
        shared = self.legs[LegId(leg)].get("call_uuid")
        for row in self.legs.values():
            if shared and row.get("call_uuid") == shared:
                row["call_uuid"] = ""
        ended = {"Hangup-Cause": cause, "Answer-State": "hangup"}
        self.tell(EventName.CHANNEL_HANGUP, leg, ended)
        known, variables = self.details.pop(leg)
        disposition = {**variables, "sip_hangup_disposition": "recv_bye"}
        self.say(EventName.CHANNEL_HANGUP_COMPLETE, leg, {**known, **ended}, disposition)
        self.say(EventName.CHANNEL_DESTROY, leg, ended)

    def vanish(self, leg: str) -> None:
        """The leg ends and nobody hears it."""
        self.details.pop(leg)
        self.legs.pop(LegId(leg))

    def appear(self, leg: str, number: str = "13800000009") -> None:
        """A customer has been here for a while and nobody heard him come."""
        micro = str(int(self._clock.now().timestamp() * 1_000_000))
        known = {
            "Call-Direction": "inbound",
            "Caller-Caller-ID-Number": number,
            "Caller-Destination-Number": "95500",
            "Caller-Channel-Created-Time": micro,
            "Caller-Channel-Answered-Time": micro,
            "Answer-State": "answered",
        }
        self.details[leg] = (known, {**CUSTOMER_TAGS, "ipcc_call_id": leg})
        self.legs[LegId(leg)] = {"callstate": "ACTIVE", "state": "CS_EXECUTE"}

    def register(self, phone: str) -> None:
        """A phone registers."""
        self.registered[phone] = f"reg-{phone}"
        self._sofia("sofia::register", phone)

    def unregister(self, phone: str) -> None:
        """A phone leaves."""
        self._sofia("sofia::unregister", phone)
        del self.registered[phone]

    def _sofia(self, subclass: str, phone: str) -> None:
        headers = {"Event-Subclass": subclass, "from-user": phone, "from-host": "bank.example"}
        self.say(EventName.CUSTOM, "", {**headers, "call-id": self.registered[phone]})

    def _create(self, leg: str, known: dict[str, str], variables: dict[str, str]) -> None:
        micro = str(int(self._clock.now().timestamp() * 1_000_000))
        self.details[leg] = ({**known, "Caller-Channel-Created-Time": micro, "Answer-State": "ringing"}, variables)
        self.tell(EventName.CHANNEL_CREATE, leg)
        self.legs[LegId(leg)].update(callstate="RINGING", state="CS_EXECUTE")

    def _dump(self, command: Command) -> str:
        assert isinstance(command, UuidDump)
        found = self.details.get(command.leg_id)
        if found is None:
            return f"{NO_CHANNEL}\n"
        known, variables = found
        stamp = str(int(self._clock.now().timestamp() * 1_000_000))
        head = {"Event-Name": "CHANNEL_DATA", "Event-Date-Timestamp": stamp, "Unique-ID": command.leg_id}
        return orjson.dumps({**head, **known, **{f"variable_{k}": v for k, v in variables.items()}}).decode()

    def _kill(self, command: Command) -> str:
        assert isinstance(command, UuidKill)
        if command.leg_id not in self.details:
            return f"{NO_CHANNEL}\n"
        self.end(command.leg_id)
        return "+OK\n"

    def _hold(self, command: Command) -> str:
        assert isinstance(command, UuidHold)
        self.legs[command.leg_id]["callstate"] = "HELD" if command.is_on else "ACTIVE"
        self.tell(EventName.CHANNEL_HOLD if command.is_on else EventName.CHANNEL_UNHOLD, command.leg_id)
        return "+OK Success\n"

    def _registrations(self) -> str:
        rows = [
            {"reg_user": phone, "realm": "bank.example", "token": token} for phone, token in self.registered.items()
        ]
        return orjson.dumps({"row_count": len(rows), "rows": rows}).decode()


class BenchSwitches(FakeSwitches):
    """Fake switches with the life of real ones."""

    def start(self, tasks: Tasks) -> None:
        """Nothing to connect."""


@dataclass
class BenchParts(Parts):
    """Parts whose switches are fakes."""

    fakes: BenchSwitches = field(default_factory=BenchSwitches)

    def switches(self, settings: ServiceSettings, plan: SubscriptionPlan) -> Any:
        return self.fakes


@dataclass
class Bench:
    """What a test needs at hand."""

    folder: Path
    node: Exchange = field(default_factory=Exchange)
    clock: Clock = field(default_factory=SystemClock)
    broker: MemoryBroker = field(init=False)

    def __post_init__(self) -> None:
        self.broker = MemoryBroker(self.clock)
        self.bus = MemoryBus(self.broker, send_timeout_s=0.2)
        self.publisher = Publisher(self.bus, "test/test", self.clock)

    def service(self, **given: Any) -> Service:
        """One ctiserver on this bench; another one is another process of its kind."""
        fast: dict[str, Any] = {
            "look_every_s": 0.2,
            "look_again_s": 0.05,
            "control_timeout_s": 1.0,
            "ask_timeout_s": 1.0,
        }
        settings = make_settings(CtiSettings, self.folder, **{**fast, **given})
        self.node.on_up.clear()
        parts = BenchParts(self.clock, self.broker, fakes=BenchSwitches(self.node))
        return build(settings, parts)

    @asynccontextmanager
    async def running(self, roles: Iterable[Role] = tuple(Role), **given: Any) -> AsyncIterator[httpx.AsyncClient]:
        """A ctiserver that is ready."""
        service, looks = self.service(**given), self.looks
        async with client_of(service, roles) as client:
            await self.ready(client)
            await until(lambda: self.looks > looks, what="the switch was looked at")
            yield client

    @property
    def looks(self) -> int:
        """How often somebody has looked at the switch."""
        return len(self.node.told(ShowRegistrations))

    async def ready(self, client: httpx.AsyncClient) -> None:
        """Wait until the service says that it is."""

        async def is_ready() -> bool:
            return (await client.get("/health/ready")).status_code == 200

        await until(is_ready, what="ctiserver is ready")

    async def open_bank(self) -> None:
        """Publish the configuration."""
        for number, found in enumerate(BANK):
            changed = ConfigChanged(kind=found.kind, object_id=found.id, version=number, object=found)
            await self.publisher.publish(changed)

    async def events(self, topic: Topic = CALL) -> list[Event]:
        """Everything on a topic."""
        async with self.bus.replay(topic.name, BEGINNING) as reader:
            return [received_from(record).event async for record in reader]

    async def told(self) -> list[str]:
        """What was told about calls, in short: type and leg or call."""
        return [_brief(event.data) for event in await self.events() if isinstance(event.data, CallPayload)]

    async def until_told(self, *wanted: str) -> list[str]:
        """Wait until all of these were told; then everything told."""

        async def are_told() -> bool:
            return set(wanted) <= set(await self.told())

        await until(are_told, what=f"told: {wanted}")
        return await self.told()

    async def phone_states(self) -> list[tuple[str, bool, str]]:
        """What was told about phones."""
        found = [event.data for event in await self.events(PHONE)]
        return [(p.phone_id, p.registered, p.reason) for p in found if isinstance(p, PhoneChanged)]


def _brief(payload: CallPayload) -> str:
    name = type(payload).__name__
    where = getattr(payload, "leg_id", payload.call_id)
    return f"{name} {where}{' resynced' if payload.resynced else ''}"


FS1 = NodeId("fs1")
