"""acd on the simulated switch, over a real event socket: ring, join, record, and the races that leave ghosts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from ipcc.bus import Publisher, Requester, received_from
from ipcc.bus.port import BEGINNING
from ipcc.contracts.acd import (
    AcdPayload,
    ContactHandled,
    Enqueue,
    EntryEnded,
    EntryOutcome,
    EntryQueued,
    OfferEnded,
    OfferMade,
    OfferOutcome,
    SignIn,
)
from ipcc.contracts.call import CallEnded, LegEnded, PhoneChanged
from ipcc.contracts.config import ConfigChanged, Phone, Queue, Skill, User
from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import ACD
from ipcc.errors import Refused
from ipcc.parts import Parts
from ipcc.sim.esl_server import EslServer, ServerSettings
from ipcc.sim.outputs import Output, SimEvent
from ipcc.sim.people import Caller, PhoneScript
from ipcc.sim.site import Site, engine_settings
from ipcc.sim.switch import SimSwitch
from ipcc.tasks import Tasks
from services.acd.app import build
from services.acd.settings import AcdSettings
from tests.support.service import client_of, make_settings
from tests.support.until import until

CONF = Path(__file__).parents[3] / "freeswitch"
PASSWORD = "sesame"
NODE = "fs1"


@dataclass
class Floor:
    """A simulated switch, a bus, an ear that says what ctiserver would, and agents at phones."""

    folder: Path
    switch: SimSwitch
    port: int
    parts: Parts = field(default_factory=Parts)
    tasks: Tasks = field(default_factory=Tasks)

    async def open(self, queue: Queue, *phones: str) -> None:
        """Publish the organisation, register the phones, begin to hear the switch."""
        settings = self.settings()
        self.bus = self.parts.bus(settings)
        self.publisher = Publisher(self.bus, "test/0", self.parts.clock)
        self.requester = Requester(self.bus, self.publisher, "test-0")
        self.tasks.spawn("replies", self.requester.run)
        self.switch.add_listener(self._hear)
        things: list[Queue | Skill | User | Phone] = [Skill(id="service", name="service"), queue]
        for phone in phones:
            self.switch.register(phone)
            things.append(User(id=f"agent-{phone}", name=phone, organisation="bank", skills={"service": 5}))
            things.append(Phone(id=phone, name=phone))
        for thing in things:
            await self.tell(ConfigChanged(kind=thing.kind, object_id=thing.id, version=1, object=thing))
        for phone in phones:
            await self.tell(PhoneChanged(phone_id=phone, registered=True, node_id=NODE))

    def settings(self, **given: Any) -> AcdSettings:
        where = f"{NODE}=127.0.0.1:{self.port}"
        return make_settings(AcdSettings, self.folder, switches=where, esl_password=PASSWORD, look_every_s=0.5, **given)

    @asynccontextmanager
    async def acd(self, instance: str = "acd-0") -> AsyncIterator[httpx.AsyncClient]:
        """A replica that is ready."""
        async with client_of(build(self.settings(instance_id=instance), self.parts)) as client:

            async def is_green() -> bool:
                return (await client.get("/health/ready")).status_code == 200

            await until(is_green, what="acd is ready")
            yield client

    async def close(self) -> None:
        await self.tasks.stop()
        self.parts.close()

    async def tell(self, payload: Payload) -> None:
        """A fact of another service."""
        await self.publisher.publish(payload)

    async def sign_in(self, *phones: str) -> None:
        """Agents come, ready."""
        for phone in phones:
            await self.requester.ask(SignIn(agent_id=f"agent-{phone}", phone_id=phone, ready=True), 5)

    async def arrive(self, caller: Caller) -> str:
        """Somebody calls, is answered and queued; his call's id."""
        call = self.switch.place_call(caller)
        assert call
        self.switch.api("uuid_answer", call)
        command = Enqueue(
            entry_id=f"entry-{call}",
            call_id=call,
            leg_id=call,
            node_id=NODE,
            queue_id="service",
            entered_at=datetime.now(UTC),  # noqa: TID251  a flow has its own clock
            caller_number=caller.number,
            caller_name=caller.name,
        )
        await self.requester.ask(command, 5)
        return call

    async def log(self) -> list[AcdPayload]:
        """acd's events so far."""
        async with self.bus.replay(ACD.name, BEGINNING) as reader:
            found = [received_from(record).event.data async for record in reader]
        return [event for event in found if isinstance(event, AcdPayload)]

    async def hear(self, kind: type[AcdPayload], count: int = 1, timeout: float = 15) -> Any:
        """The newest of so many events of a kind."""

        async def enough() -> list[AcdPayload]:
            found = [event for event in await self.log() if isinstance(event, kind)]
            return found if len(found) >= count else []

        return (await until(enough, timeout=timeout, what=f"{count} {kind.__name__}"))[-1]

    def _hear(self, output: Output) -> None:
        if isinstance(output, SimEvent) and output.name == "CHANNEL_HANGUP_COMPLETE":
            self.tasks.once("leg ended", self._tell_end({k: str(v) for k, v in output.headers.items()}))

    async def _tell_end(self, headers: dict[str, str]) -> None:
        leg, cause = headers["Unique-ID"], headers["Hangup-Cause"]
        call = headers.get("variable_ipcc_call_id", leg)
        await self.tell(LegEnded(call_id=call, leg_id=leg, node_id=NODE, cause=cause))
        if leg == call:
            await self.tell(CallEnded(call_id=call, cause=cause, duration_ms=1))


@pytest.fixture
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    site = Site(CONF / "conf", CONF / "sounds" / "prompts.yaml", tmp_path / "spool", tmp_path / "sounds")
    async with AsyncExitStack() as stack:
        switch = SimSwitch(engine_settings(site))
        server = EslServer(switch, ServerSettings(password=PASSWORD))
        await server.start()
        stack.push_async_callback(server.close)
        await switch.start()
        stack.push_async_callback(switch.stop)
        found = Floor(tmp_path, switch, server.address[1])
        stack.push_async_callback(found.close)
        yield found


def queue(**fields: Any) -> Queue:
    return Queue(id="service", name="Service", **{"skills": {"service": 3}, "ring_s": 3, "wrap_up_s": 0, **fields})


async def test_caller_and_agent_are_joined_and_recorded_from_the_answer(floor: Floor) -> None:
    await floor.open(queue(), "1001")
    floor.switch.set_phone(PhoneScript("1001", answer_after_s=0.2))
    async with floor.acd() as client:
        await floor.sign_in("1001")
        call = await floor.arrive(Caller("13800000001", "95500", name='王%0A"x": y', talk_s=0.6))
        ended = await floor.hear(EntryEnded)
        assert (ended.outcome, ended.agent_id) == (EntryOutcome.ANSWERED, "agent-1001")
        handled = await floor.hear(ContactHandled)
        assert 300 <= handled.talk_ms <= 1500
        made = await floor.hear(OfferMade)
        recording = floor.folder / "spool" / "recordings" / call / f"{made.offer_id}.wav"
        await until(recording.exists, what="the recording")
        assert not floor.switch.engine.kernel.channels
        agents = (await client.get("/v1/agents")).json()
        assert [agent["state"] for agent in agents] == ["ready"]


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (PhoneScript("1001", answer_after_s=None), OfferOutcome.NO_ANSWER),
        (PhoneScript("1001", refuse=486), OfferOutcome.BUSY),
        (PhoneScript("1001", refuse=603), OfferOutcome.DECLINED),
        (PhoneScript("1001", unreachable=True), OfferOutcome.FAILED),
    ],
)
async def test_an_agent_who_does_not_take_it_gives_way_to_the_next(
    floor: Floor, script: PhoneScript, outcome: OfferOutcome
) -> None:
    await floor.open(queue(), "1001", "1002")
    floor.switch.set_phone(script)
    floor.switch.set_phone(PhoneScript("1002", answer_after_s=0.1))
    async with floor.acd():
        await floor.sign_in("1001", "1002")
        await floor.arrive(Caller("13800000001", "95500", talk_s=0.3))
        ended = await floor.hear(EntryEnded)
        assert (ended.outcome, ended.agent_id) == (EntryOutcome.ANSWERED, "agent-1002")
        first = next(event for event in await floor.log() if isinstance(event, OfferEnded))
        assert (first.agent_id, first.outcome) == ("agent-1001", outcome)
        await until(lambda: not floor.switch.engine.kernel.channels, what="nothing left on the switch")


async def test_a_phone_that_is_gone_is_found_out_by_the_switch(floor: Floor) -> None:
    await floor.open(queue(), "1001", "1002")
    floor.switch.unregister("1001")
    floor.switch.set_phone(PhoneScript("1002", answer_after_s=0.1))
    async with floor.acd():
        await floor.sign_in("1001", "1002")
        await floor.arrive(Caller("13800000001", "95500", talk_s=0.3))
        await floor.hear(EntryEnded)
        first = next(event for event in await floor.log() if isinstance(event, OfferEnded))
        assert first.outcome is OfferOutcome.UNREGISTERED
        await until(lambda: not floor.switch.engine.kernel.channels, what="nothing left on the switch")


async def test_races_and_a_restart_leave_nothing_behind(floor: Floor) -> None:
    """Callers who give up in the instant of the answer, agents who refuse, and the owner replaced in the middle."""
    dice = random.Random(11)
    phones = [str(number) for number in range(1001, 1009)]
    settings = queue(after_no_answer="ready", ring_s=3, max_wait_s=12)
    await floor.open(settings, *phones)
    for phone in phones:
        script = PhoneScript(phone, answer_after_s=dice.choice((0.05, 0.1, 0.3)), talk_s=dice.choice((None, 0.2)))
        floor.switch.set_phone(PhoneScript(phone, refuse=486, refuse_after_s=0.1) if phone == "1008" else script)
    calls = 30
    async with AsyncExitStack() as stack:
        first = AsyncExitStack()
        await first.enter_async_context(floor.acd("acd-0"))
        await stack.enter_async_context(floor.acd("acd-1"))
        await floor.sign_in(*phones)
        arrived = 0
        for number in range(calls):
            caller = Caller(
                f"138000000{number:02}", "95500", patience_s=dice.choice((0.06, 0.1, 0.12, 0.32, 5)), talk_s=0.3
            )
            try:
                await floor.arrive(caller)
                arrived += 1
            except Refused:
                continue  # he had hung up before he was queued
            if number == calls // 2:
                await first.aclose()
        await floor.hear(EntryEnded, count=arrived, timeout=30)
        await until(lambda: not floor.switch.engine.kernel.channels, timeout=20, what="nothing left on the switch")
        log = await floor.log()
        check_books(log, arrived)


def check_books(log: list[AcdPayload], arrived: int) -> None:
    """Every entry and every offer ended once, and no two offers of one agent or one entry overlapped (I1, I2, I6)."""
    queued = [event for event in log if isinstance(event, EntryQueued)]
    ended = Counter(event.entry_id for event in log if isinstance(event, EntryEnded))
    assert len(queued) == arrived == len(ended)
    assert set(ended.values()) == {1}
    made = [event.offer_id for event in log if isinstance(event, OfferMade)]
    assert Counter(made) == Counter(event.offer_id for event in log if isinstance(event, OfferEnded))
    busy_agents: set[str] = set()
    busy_entries: set[str] = set()
    for event in log:
        if isinstance(event, OfferMade):
            assert event.agent_id not in busy_agents
            assert event.entry_id not in busy_entries
            busy_agents.add(event.agent_id)
            busy_entries.add(event.entry_id)
        elif isinstance(event, OfferEnded):
            busy_entries.discard(event.entry_id)
            if event.outcome is not OfferOutcome.ANSWERED:
                busy_agents.discard(event.agent_id)
        elif isinstance(event, ContactHandled):
            busy_agents.discard(event.agent_id)
