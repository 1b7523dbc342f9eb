"""An acd that answers as told, and desktops connected over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import websockets

from ipcc.auth.principal import Role
from ipcc.auth.tokens import issue_development_token
from ipcc.bus import Consumption, Handlers, Received, Replier, Worker
from ipcc.clock import SystemClock
from ipcc.contracts.acd import AcdCommand, EndWrapUp, SetNotReady, SetReady, SignIn, SignOut
from ipcc.contracts.topics import ACD_COMMAND
from ipcc.errors import NotNow
from ipcc.http.server import serving
from ipcc.http.service import Service
from ipcc.tasks import Tasks
from tests.component.ctiserver.bench import Bench
from tests.support.until import until


@dataclass
class Acd:
    """Says yes to everything and remembers it, but for agents in ``busy``."""

    asked: list[AcdCommand] = field(default_factory=list)
    busy: set[str] = field(default_factory=set)

    async def answer(self, data: Any, _received: Received) -> Mapping[str, Any]:
        self.asked.append(data)
        if data.agent_id in self.busy:
            raise NotNow("agent.busy", f"agent {data.agent_id} is talking")
        return {"state": "ready" if isinstance(data, SetReady) else "not_ready"}

    @asynccontextmanager
    async def running(self, bench: Bench) -> AsyncIterator[Acd]:
        replier, handlers, tasks = Replier(bench.publisher), Handlers(), Tasks()
        for kind in (SignIn, SignOut, SetReady, SetNotReady, EndWrapUp):
            handlers.on(kind, replier.answering(self.answer))
        worker = Worker(bench.bus, Consumption("acd", [ACD_COMMAND]), handlers, bench.clock)
        tasks.spawn("acd", worker.run)
        try:
            yield self
        finally:
            await tasks.stop()


@dataclass
class Desktop:
    """One connected desktop: what it was sent, pings left out."""

    socket: websockets.ClientConnection
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def next(self) -> dict[str, Any]:
        """The next message. Raises TimeoutError after five seconds."""
        while True:
            async with asyncio.timeout(5):
                found: dict[str, Any] = orjson.loads(await self.socket.recv())
            if found["type"] != "ping":
                self.seen.append(found)
                return found

    async def until(self, kind: str) -> dict[str, Any]:
        """The next message of that type."""
        while (found := await self.next())["type"] != kind:
            pass
        return found

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.seen]

    @property
    def last_id(self) -> str:
        return str(self.seen[-1]["id"])


@dataclass
class Office:
    """A ctiserver on a real port."""

    url: str
    service: Service

    def token(self, subject: str, roles: Iterable[Role]) -> str:
        return issue_development_token(self.service.settings, SystemClock(), subject, roles)

    def client(self, subject: str, *roles: Role) -> httpx.AsyncClient:
        """A REST client signed in as ``subject``."""
        headers = {"Authorization": f"Bearer {self.token(subject, roles or (Role.AGENT,))}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers)

    @asynccontextmanager
    async def desktop(
        self, agent: str, after: str = "", subject: str = "", path: str = "", roles: tuple[Role, ...] = (Role.AGENT,)
    ) -> AsyncIterator[Desktop]:
        """The agent's desktop, connected."""
        url = (
            self.url.replace("http", "ws")
            + (path or f"/v1/agents/{agent}/events")
            + (f"?after={after}" if after else "")
        )
        headers = {"Authorization": f"Bearer {self.token(subject or agent, roles)}"}
        async with websockets.connect(url, additional_headers=headers, close_timeout=0.1) as socket:
            yield Desktop(socket)


@asynccontextmanager
async def office_of(bench: Bench, **given: Any) -> AsyncIterator[Office]:
    """A ready ctiserver on a real port."""
    service, looks = bench.service(**given), bench.looks
    async with serving([service]) as running:
        office = Office(running[0].url, service)
        async with office.client("boss", Role.SUPERVISOR) as client:
            await bench.ready(client)
        await until(lambda: bench.looks > looks, what="the switch was looked at")
        yield office
