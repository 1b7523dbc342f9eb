"""ivr in one process: replicas on one broker, a switch in memory, callers who press keys, a small acd that answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from ipcc.bus import BEGINNING, Consumption, Handlers, MemoryBroker, MemoryBus, Publisher, Received, Replier, Worker
from ipcc.bus.events import received_from
from ipcc.clock import Clock, SystemClock
from ipcc.contracts.acd import Enqueue, EntryEnded, EntryOutcome, LeaveQueue, OfferEnded, OfferMade, OfferOutcome
from ipcc.contracts.call import CallArrived, Direction, LegEnded
from ipcc.contracts.callback import RequestCallback
from ipcc.contracts.config import ConfigChanged, EntryPoint
from ipcc.contracts.envelope import Event
from ipcc.contracts.ivr import IvrPayload, NodeEntered, SessionEnded
from ipcc.contracts.payload import Payload
from ipcc.contracts.tags import LegRole
from ipcc.contracts.topics import ACD_COMMAND, IVR, TOPICS, Topic
from ipcc.errors import IpccError
from ipcc.esl.fake import FakeNode
from ipcc.http.service import Service
from ipcc.ids import LegId, new_id
from ipcc.tasks import Tasks
from services.ivr.app import build
from services.ivr.settings import IvrSettings
from services.ivr.usecases import Sessions
from tests.support.fake_parts import FakeParts, StartedSwitches, fake_node
from tests.support.service import client_of, make_settings
from tests.support.until import until

NUMBER = "95500"
SOUNDS = "/sounds"


@dataclass
class SmallAcd:
    """Takes contacts in; ``error`` is raised instead, ``answer`` added to what it says."""

    taken: list[Enqueue] = field(default_factory=list)
    left: list[LeaveQueue] = field(default_factory=list)
    called_back: list[RequestCallback] = field(default_factory=list)
    error: IpccError | None = None
    callback_error: IpccError | None = None
    answer: dict[str, Any] = field(default_factory=dict)

    async def enqueue(self, data: Enqueue, received: Received) -> Mapping[str, Any]:
        self.taken.append(data)
        if self.error is not None:
            raise self.error
        return {"entry_id": data.entry_id, "queue_id": data.queue_id, "position": 1, "offer_id": "", **self.answer}

    async def call_back(self, data: RequestCallback, received: Received) -> Mapping[str, Any]:
        self.called_back.append(data)
        if self.callback_error is not None:
            raise self.callback_error
        return {"entry_id": data.entry_id, "position": 1, "is_callback": True}

    async def leave(self, data: LeaveQueue, received: Received) -> Mapping[str, Any]:
        self.left.append(data)
        return {}


@dataclass
class Replica:
    """One ivr that runs."""

    service: Service
    http: httpx.AsyncClient

    @property
    def sessions(self) -> Sessions:
        return next(p for p in self.service.provides if isinstance(p, Sessions))

    async def die(self) -> None:
        """As kill -9 does: nothing more is told or commanded."""
        await self.sessions.outside.tasks.stop()


@dataclass
class World:
    """The bench."""

    folder: Path
    clock: Clock = field(default_factory=SystemClock)
    bank_url: str = "http://127.0.0.1:1"
    given: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.broker = MemoryBroker(self.clock)
        self.bus = MemoryBus(self.broker, send_timeout_s=0.2)
        self.publisher = Publisher(self.bus, "test/test", self.clock)
        self.node: FakeNode = fake_node()
        self.other_node: FakeNode = fake_node("fs2")
        self.node.finish_at_once("answer")
        self.acd = SmallAcd()
        self.tasks = Tasks()

    async def open(self) -> None:
        """Publish the one entry point."""
        point = EntryPoint(id="main", name="Main", number=NUMBER, flow="bank-main", organisation="bank")
        await self.publisher.publish(ConfigChanged(kind="entry_point", object_id="main", version=1, object=point))

    async def start_acd(self) -> None:
        """From now on commands to acd are answered."""
        replier = Replier(self.publisher)
        table = Handlers().on(Enqueue, replier.answering(self.acd.enqueue))
        table.on(LeaveQueue, replier.answering(self.acd.leave)).on(
            RequestCallback, replier.answering(self.acd.call_back)
        )
        worker = Worker(self.bus, Consumption("acd", [ACD_COMMAND]), table, self.clock)
        self.tasks.spawn("small acd", worker.run)
        await until(lambda: worker.is_healthy, what="acd listens")

    async def close(self) -> None:
        await self.tasks.stop()
        await self.broker.stop()

    @asynccontextmanager
    async def replica(self, name: str = "ivr-0") -> AsyncIterator[Replica]:
        """One ivr, ready for calls."""
        service = self.service(name)
        async with client_of(service, clock=self.clock) as http:
            replica = Replica(service, http)
            await until(lambda: replica.sessions.owned(), what=f"{name} has calls to serve")
            yield replica

    def service(self, name: str) -> Service:
        """One ivr, not started."""
        settings = make_settings(
            IvrSettings,
            self.folder,
            instance_id=name,
            bankcore_url=self.bank_url,
            sounds_dir=SOUNDS,
            **{"flows_from_files": True, **self.given},
        )
        parts = FakeParts(self.clock, self.broker, fakes=StartedSwitches(self.node, self.other_node))
        return build(settings, parts)

    # callers

    async def arrive(self, number: str = NUMBER, leg: str = "", caller: str = "13800000001") -> str:
        """A customer dials; the id of his call and leg."""
        call = leg or new_id()
        self.node.legs[LegId(call)] = {}
        arrived = CallArrived(
            call_id=call,
            node_id="fs1",
            leg_id=call,
            direction=Direction.INBOUND,
            caller_number=caller,
            dialled_number=number,
            trunk="demo",
        )
        await self.publisher.publish(arrived)
        return call

    async def key(self, call: str, digits: str) -> None:
        """Press keys when asked; nothing for silence."""
        await self.asked(call)
        self.node.finish(call, variables={"ipcc_digits": digits} if digits else {})

    async def asked(self, call: str) -> str:
        """Wait until the caller is asked for keys; what he hears."""
        found = await until(lambda: self._running(call, "play_and_get_digits"), what="asked for keys")
        return str(found[0].argument)

    def _running(self, call: str, application: str) -> list[Any]:
        return [r for r in self.node._running if r.leg_id == call and r.application == application]

    def heard(self, call: str) -> list[str]:
        """What was played to the caller, by file name."""
        return [r.argument for r in self.node.executed if r.leg_id == call and r.application == "playback"]

    async def hang_up(self, call: str) -> None:
        """The caller puts the phone down: the switch says so, then ctiserver."""
        self.node.hang_up(call)
        ended = LegEnded(call_id=call, leg_id=call, node_id="fs1", role=LegRole.CUSTOMER, cause="NORMAL_CLEARING")
        await self.publisher.publish(ended)

    # acd

    async def queued(self, count: int = 1) -> Enqueue:
        """Wait until acd was asked so often; the last asking."""
        await until(lambda: len(self.acd.taken) >= count, timeout=200, what=f"asked {count} times for a place")
        return self.acd.taken[-1]

    async def offer(self, entry: Enqueue, offer: str = "o1") -> None:
        made = OfferMade(
            offer_id=offer,
            entry_id=entry.entry_id,
            call_id=entry.call_id,
            queue_id=entry.queue_id,
            agent_id="a1",
            phone_id="p1",
            node_id="fs1",
            epoch=1,
            deadline=self.clock.now(),
        )
        await self.publisher.publish(made)

    async def end_offer(self, entry: Enqueue, outcome: OfferOutcome, offer: str = "o1") -> None:
        ended = OfferEnded(
            offer_id=offer,
            entry_id=entry.entry_id,
            call_id=entry.call_id,
            queue_id=entry.queue_id,
            agent_id="a1",
            outcome=outcome,
        )
        await self.publisher.publish(ended)

    async def end_entry(self, entry: Enqueue, outcome: EntryOutcome) -> None:
        ended = EntryEnded(
            entry_id=entry.entry_id, call_id=entry.call_id, queue_id=entry.queue_id, outcome=outcome, wait_ms=1
        )
        await self.publisher.publish(ended)

    # what was told

    async def events(self, topic: Topic = IVR) -> list[Event]:
        async with self.bus.replay(topic.name, BEGINNING) as reader:
            return [received_from(record).event async for record in reader]

    async def facts(self, call: str) -> list[Payload]:
        """What ivr told of one call, in order."""
        return [e.data for e in await self.events() if isinstance(e.data, IvrPayload) and e.data.call_id == call]

    async def path(self, call: str) -> list[str]:
        return [f.flow_node for f in await self.facts(call) if isinstance(f, NodeEntered)]

    async def at(self, call: str, flow_node: str) -> None:
        """Wait until the caller stands there."""

        async def is_there() -> bool:
            return (await self.path(call))[-1:] == [flow_node]

        await until(is_there, timeout=30, what=f"at {flow_node}")

    async def ended(self, call: str, timeout: float = 30) -> str:
        """Wait until the session is over; how it ended."""

        async def outcome() -> str:
            return next((f.outcome for f in await self.facts(call) if isinstance(f, SessionEnded)), "")

        return await until(outcome, timeout, "the session ends")

    async def everything(self) -> bytes:
        """Every byte of every topic."""
        found = b""
        for topic in TOPICS:
            async with self.bus.replay(topic.name, BEGINNING) as reader:
                async for record in reader:
                    found += (record.value or b"") + record.key.encode() + repr(dict(record.headers)).encode()
        return found
