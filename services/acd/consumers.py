"""Bus in: what the owner of a domain hears, from the offsets in its state on, each record with where it was found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from ipcc.bus.dead_letters import DeadLetters
from ipcc.bus.events import TYPE_HEADER, received_from
from ipcc.bus.port import BEGINNING, END, Bus, Record, Start, partition_of
from ipcc.contracts.acd import (
    AcdCommand,
    ChangeEntry,
    EndWrapUp,
    Enqueue,
    InputRef,
    LeaveQueue,
    PullEntry,
    SetNotReady,
    SetReady,
    SignIn,
    SignOut,
)
from ipcc.contracts.call import CallEnded, LegAnswered, LegEnded, LegRinging, LegsBridged, PhoneChanged
from ipcc.contracts.callback import CancelCallback, RequestCallback
from ipcc.contracts.config import ConfigChanged
from ipcc.contracts.digital import AcceptOffer, DeclineOffer, EndContact
from ipcc.contracts.envelope import Event
from ipcc.contracts.newer import salvage
from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import ACD_COMMAND, CALL, CONFIG, PHONE, Topic
from ipcc.errors import InvalidMessage
from services.acd.core.inputs import Bridged
from services.acd.replies import ReplyTo, reply_to

log = structlog.get_logger(__name__)

HEARD: dict[str, type[Payload]] = {
    kind.TYPE: kind
    for kind in (
        Enqueue,
        LeaveQueue,
        ChangeEntry,
        PullEntry,
        RequestCallback,
        CancelCallback,
        SignIn,
        SignOut,
        SetReady,
        SetNotReady,
        EndWrapUp,
        AcceptOffer,
        DeclineOffer,
        EndContact,
        LegRinging,
        LegAnswered,
        LegsBridged,
        LegEnded,
        CallEnded,
        PhoneChanged,
        ConfigChanged,
    )
}
GROUP = "acd"


@dataclass(frozen=True)
class Input:
    """Something to decide. ``cause`` and ``record`` are None for what did not come by the bus."""

    given: object
    cause: InputRef | None = None
    reply: ReplyTo | None = None
    record: Record | None = None


def place_of(topic: str, partition: int) -> str:
    """The name under which an offset is kept in a state."""
    return f"{topic}/{partition}"


def nothing_known(key: str) -> Event | None:
    """What is known of an administered object where nothing is."""
    return None


@dataclass
class Ears:
    """Reads the topics of one domain and hands every input to ``take``, which must not block."""

    bus: Bus
    domain: str
    take: Callable[[Input], None]
    last_good: Callable[[str], Event | None] = nothing_known
    """An administered object as it was last understood in this process, by its key."""
    unreadable: int = 0

    async def learn(self) -> tuple[list[Input], dict[Topic, dict[int, int]]]:
        """All administered objects and phones as they stand, and where to go on. Raises BusDown."""
        config, phones = await asyncio.gather(self._learn_from(CONFIG), self._learn_from(PHONE))
        return config[0] + phones[0], {CONFIG: config[1], PHONE: phones[1]}

    async def _learn_from(self, topic: Topic) -> tuple[list[Input], dict[int, int]]:
        found: list[Input] = []
        async with self.bus.replay(topic.name, BEGINNING) as reader:
            async for record in reader:
                heard = await self._understand(record)
                if heard is not None:
                    found.append(heard)
        return found, dict(reader.positions)

    async def starts(self, known: Mapping[str, int]) -> dict[Topic, dict[int, int]]:
        """Where to read on: behind what is ``known``; else calls from now, commands from the first there is. Raises BusDown."""
        mine = [partition_of(self.domain, ACD_COMMAND.partitions)]
        calls, commands = await asyncio.gather(self._edge(CALL, END), self._edge(ACD_COMMAND, BEGINNING, mine))
        found = {CALL: calls, ACD_COMMAND: commands}
        return {
            topic: {number: known.get(place_of(topic.name, number), at[number]) for number in at}
            for topic, at in found.items()
        }

    async def _edge(self, topic: Topic, edge: Start, partitions: list[int] | None = None) -> dict[int, int]:
        async with self.bus.replay(topic.name, edge, partitions) as reader:
            return dict(reader.positions)

    async def missed(self, topic: Topic, start: Mapping[int, int]) -> list[tuple[Input, datetime]]:
        """What was told from ``start`` until now, and when. Raises BusDown."""
        found: list[tuple[Input, datetime]] = []
        async with self.bus.replay(topic.name, start, list(start)) as reader:
            async for record in reader:
                heard = await self._understand(record)
                if heard is not None:
                    found.append((heard, received_from(record).event.time))
        return sorted(found, key=lambda told: told[1])

    async def follow(self, topic: Topic, start: Mapping[int, int]) -> None:
        """Hear ``topic`` from ``start`` for ever."""
        async with self.bus.follow(topic.name, start, list(start)) as reader:
            async for record in reader:
                heard = await self._understand(record)
                if heard is not None:
                    self.take(heard)

    async def bury(self, record: Record, reason: str) -> None:
        """Keep what can never be processed among the dead letters. Raises BusDown."""
        self.unreadable += 1
        log.error("message_buried", topic=record.topic, offset=record.offset, reason=reason)
        await DeadLetters(self.bus, GROUP).bury(record, reason)

    async def _understand(self, record: Record) -> Input | None:
        try:
            return input_of(record, self.domain)
        except InvalidMessage as error:
            await self.bury(record, error.message)
            return self._as_understood(record)

    def _as_understood(self, record: Record) -> Input | None:
        """Of an administered object that a newer release wrote: its last good version, else what is understood of this one."""
        if record.topic != CONFIG.name or record.value is None:
            return None
        event = self.last_good(record.key) or salvage(record.value)
        return None if event is None else Input(event.data, _ref(record), None, record)


def input_of(record: Record, domain: str) -> Input | None:
    """What ``record`` says to ``domain``; None when nothing. Raises InvalidMessage."""
    kind = record.headers.get(TYPE_HEADER)
    if record.value is None:
        return _removed(record)
    if kind is not None and kind not in HEARD:
        return None
    received = received_from(record)
    data = received.event.data
    if type(data) not in HEARD.values():
        return None
    if isinstance(data, AcdCommand):
        if data.domain != domain:
            return None
        return Input(data, _ref(record), reply_to(record.headers, received.event.id), record)
    if isinstance(data, LegsBridged):
        # when it happened decides what it means: it may come late
        return Input(Bridged(data.leg_id, data.other_leg_id, received.event.time), _ref(record), None, record)
    return Input(data, _ref(record), None, record)


def _removed(record: Record) -> Input | None:
    """A tombstone of a compacted topic: the object is gone."""
    if record.topic != CONFIG.name:
        return None
    kind, _, object_id = record.key.partition("/")
    gone = ConfigChanged(kind=kind, object_id=object_id, version=0, object=None)
    return Input(gone, _ref(record), None, record)


def _ref(record: Record) -> InputRef:
    return InputRef(topic=record.topic, partition=record.partition, offset=record.offset)
