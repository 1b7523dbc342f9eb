"""record in one process: a spool written as a switch would, a store, and all that it tells."""

from __future__ import annotations

import wave
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from ipcc.auth.principal import Role
from ipcc.bus import BEGINNING, MemoryBroker, MemoryBus, Publisher
from ipcc.bus.events import received_from
from ipcc.contracts.call import LegAnswered, LegEnded
from ipcc.contracts.payload import Payload
from ipcc.contracts.tags import LegRole, recording_name
from ipcc.contracts.topics import RECORDING
from ipcc.http.service import Service
from ipcc.ids import new_id
from services.record.app import build
from services.record.settings import RecordSettings
from tests.support.fake_parts import FakeParts, FastClock
from tests.support.service import client_of, make_settings
from tests.support.until import until


def write_wav(path: Path, seconds: float, rate: int = 8000, channels: int = 2) -> None:
    """A readable recording."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as audio:
        audio.setnchannels(channels)
        audio.setsampwidth(2)
        audio.setframerate(rate)
        audio.writeframes(b"\x01\x02" * channels * int(seconds * rate))


@dataclass
class World:
    """The bench."""

    folder: Path
    database_url: str = ""
    clock: FastClock = field(default_factory=FastClock)

    def __post_init__(self) -> None:
        self.broker = MemoryBroker(self.clock)
        self.bus = MemoryBus(self.broker, send_timeout_s=0.2)
        self.publisher = Publisher(self.bus, "test/test", self.clock)
        self.spool = self.folder / "spool"
        self.store = self.folder / "store"
        self.spool.mkdir()

    async def close(self) -> None:
        await self.broker.stop()

    def service(self, **given: Any) -> Service:
        more = {"database_url": self.database_url} if self.database_url else {}
        settings = make_settings(RecordSettings, self.folder, store_dir=self.store, **more, **given)
        return build(settings, FakeParts(self.clock, self.broker))

    @asynccontextmanager
    async def running(self, roles: Iterable[Role] = (Role.AUDITOR,)) -> AsyncIterator[httpx.AsyncClient]:
        """One record, ready."""
        async with client_of(self.service(), roles, self.clock) as http:
            await self.health(http, 200)
            yield http

    async def health(self, http: httpx.AsyncClient, status: int) -> str:
        """Wait until readiness is answered so; what it says."""

        async def text() -> str:
            answer = await http.get("/health/ready")
            return answer.text if answer.status_code == status else ""

        return await until(text, what=f"health {status}")

    # a call

    async def answered(self, leg: str = "", call: str = "c1", agent: str = "a1", role: LegRole = LegRole.AGENT) -> str:
        """An agent's leg is answered; its id."""
        leg = leg or new_id()
        await self.publisher.publish(LegAnswered(call_id=call, leg_id=leg, node_id="fs1", role=role, agent_id=agent))
        return leg

    async def ended(
        self, leg: str, talk_s: float = 2, call: str = "c1", agent: str = "a1", offer: str | None = None, by: str = ""
    ) -> None:
        """It is over."""
        ended = LegEnded(
            call_id=call,
            leg_id=leg,
            node_id="fs1",
            role=LegRole.AGENT,
            cause="NORMAL_CLEARING",
            talk_ms=int(talk_s * 1000),
            agent_id=agent,
            offer_id=leg if offer is None else offer,
            hung_up_by=by,
        )
        await self.publisher.publish(ended)

    def file(self, leg: str, call: str = "c1") -> Path:
        """Where the switch writes."""
        return self.spool / recording_name(call, leg)

    async def facts(self) -> list[Payload]:
        async with self.bus.replay(RECORDING.name, BEGINNING) as reader:
            return [received_from(record).event.data async for record in reader]

    async def fact(self, kind: type[Payload], leg: str) -> Any:
        """Wait until it was told of ``leg``."""

        async def find() -> Payload | None:
            return next(
                (f for f in await self.facts() if isinstance(f, kind) and getattr(f, "leg_id", "") == leg), None
            )

        return await until(find, what=kind.__name__)
