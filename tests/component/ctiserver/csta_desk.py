"""A CSTA client on the simulated switch: requests written from ECMA-323, responses and events read by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from xml.etree import ElementTree

import httpx
import websockets

from ipcc.auth.principal import Role
from ipcc.auth.tokens import issue_development_token
from ipcc.clock import SystemClock
from ipcc.esl.commands import UuidBridge
from ipcc.http.server import serving
from ipcc.ids import LegId
from ipcc.sim.people import Caller, PhoneScript
from services.ctiserver.app import build
from tests.component.ctiserver.floor import Floor
from tests.support.until import until

NAMESPACE = "http://www.ecma-international.org/standards/ecma-323/csta/ed4"
NS = {"c": NAMESPACE}
EVENT = "9999"
PHONES = (
    PhoneScript("1001", answer_after_s=0.1),
    PhoneScript("1002", answer_after_s=0.2),
    PhoneScript("1003", answer_after_s=None),
    PhoneScript("1004", refuse=486),
)


@dataclass
class Message:
    """One message of the server."""

    invoke_id: str
    root: ElementTree.Element

    @property
    def name(self) -> str:
        return self.root.tag.rpartition("}")[2]

    def text(self, path: str) -> str:
        return self.root.findtext("/".join(f"c:{step}" for step in path.split("/")), "", NS)

    def texts(self, path: str) -> list[str]:
        return [one.text or "" for one in self.root.findall("/".join(f"c:{step}" for step in path.split("/")), NS)]

    @property
    def order(self) -> list[str]:
        """Its elements, in the order they are written."""
        return [one.tag.rpartition("}")[2] for one in self.root]

    def connection(self, name: str) -> tuple[str, str]:
        return self.text(f"{name}/callID"), self.text(f"{name}/deviceID")


@dataclass
class CstaDesk:
    """One connected client. ``events`` are those read so far, by cross reference of the monitor."""

    floor: Floor
    client: httpx.AsyncClient
    socket: websockets.ClientConnection
    events: list[Message] = field(default_factory=list)
    monitors: dict[str, str] = field(default_factory=dict)
    customer: str = ""
    agent: str = ""

    async def hear(self) -> Message:
        async with asyncio.timeout(10):
            text = str(await self.socket.recv())
        found = Message(text[:4], ElementTree.fromstring(text[4:]))  # noqa: S314  what our own service wrote
        if found.invoke_id == EVENT:
            self.events.append(found)
        return found

    async def ask(self, service: str, body: str = "", invoke_id: str = "0001") -> Message:
        """The response to a request; events that come before it are kept."""
        head = '<?xml version="1.0" encoding="UTF-8"?>'
        await self.socket.send(f'{invoke_id}{head}<{service} xmlns="{NAMESPACE}">{body}</{service}>')
        while (found := await self.hear()).invoke_id == EVENT:
            pass
        assert found.invoke_id == invoke_id
        return found

    async def done(self, service: str, *parts: str) -> Message:
        """The response to a request that must be granted."""
        found = await self.ask(service, "".join(parts))
        assert found.name == f"{service}Response", ElementTree.tostring(found.root)
        return found

    async def refused(self, service: str, *parts: str) -> tuple[str, str]:
        """Category and value of the error of a request that must be refused."""
        found = await self.ask(service, "".join(parts))
        assert found.name == "CSTAErrorCode", ElementTree.tostring(found.root)
        first = found.root[0]
        return first.tag.rpartition("}")[2], first.text or ""

    async def monitor(self, device: str) -> str:
        body = f"<monitorObject><deviceObject>{device}</deviceObject></monitorObject>"
        reference = (await self.done("MonitorStart", body)).text("monitorCrossRefID")
        self.monitors[device] = reference
        return reference

    def at(self, device: str) -> list[Message]:
        """The events of one monitor so far."""
        return [one for one in self.events if one.text("monitorCrossRefID") == self.monitors[device]]

    async def until_at(self, device: str, *names: str) -> list[Message]:
        """The events of one monitor when they are these, in this order (``Event`` left out); fails when others come."""
        wanted = [f"{name}Event" for name in names]

        def so_far() -> list[str]:
            return [one.name for one in self.at(device)]

        while len(so_far()) < len(wanted):
            assert so_far() == wanted[: len(so_far())], so_far()
            try:
                await self.hear()
            except TimeoutError:
                raise AssertionError(f"{wanted} wanted, {so_far()} came") from None
        assert so_far() == wanted
        found = self.at(device)
        self.events = [one for one in self.events if one not in found]
        return found

    async def talk(self) -> None:
        """A customer talks to the agent li at 1001."""
        floor = self.floor
        self.customer = floor.switch.place_call(Caller("13800000001", "95500")) or ""
        await floor.hand.watch(LegId(self.customer))
        await floor.hand.execute(LegId(self.customer), "answer", timeout=5)
        await floor.until_waits(self.customer)
        self.agent = await floor.ring(self.customer, "1001", "li")
        await floor.hand.api(UuidBridge(LegId(self.customer), LegId(self.agent)))
        await self.is_leg(self.agent, bridged_to=self.customer)

    async def leg(self, leg: str) -> Mapping[str, object]:
        found: Mapping[str, object] = (await self.client.get(f"/v1/legs/{leg}")).json()
        return found

    async def is_leg(self, leg: str, **wanted: object) -> None:
        """Wait until the leg is so."""

        async def is_so() -> bool:
            found = await self.leg(leg)
            return all(found.get(key) == value for key, value in wanted.items())

        await until(is_so, what=f"{leg} is {wanted}")

    async def is_empty(self) -> None:
        async def nothing() -> bool:
            return not await self.floor.hand.channels()

        await until(nothing, what="the switch has no channel left")


def part(name: str, call: str, device: str) -> str:
    """A connection as a parameter of a service."""
    return f"<{name}><callID>{call}</callID><deviceID>{device}</deviceID></{name}>"


@asynccontextmanager
async def csta_desk(floor: Floor, subject: str = "boss", role: Role = Role.SUPERVISOR) -> AsyncIterator[CstaDesk]:
    """A client on a ctiserver with a port of its own, phones registered, nobody monitored yet."""
    for script in PHONES:
        assert floor.switch.register(script.number)
        floor.switch.set_phone(script)
    service = build(floor.settings(control_timeout_s=10.0), floor.parts)
    token = issue_development_token(service.settings, SystemClock(), subject, (role,))
    headers = {"Authorization": f"Bearer {token}"}
    async with serving([service]) as running, httpx.AsyncClient(base_url=running[0].url, headers=headers) as client:

        async def is_ready() -> bool:
            phones = (await client.get("/v1/phones")).json()
            ready = (await client.get("/health/ready")).status_code == 200
            return ready and sum(phone["registered"] for phone in phones) == len(PHONES)

        await until(is_ready, what="ctiserver is ready and has heard of the phones")
        url = running[0].url.replace("http", "ws") + "/v1/csta"
        async with websockets.connect(url, additional_headers=headers, close_timeout=0.1) as socket:
            yield CstaDesk(floor, client, socket)
