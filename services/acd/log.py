"""acd's own log: the newest snapshot and what follows it, read; events appended by the one owner."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from pydantic import ValidationError

from ipcc.bus.events import message_of, received_from
from ipcc.bus.port import BEGINNING, END, Bus, FencedProducer, Message, Record, Start, partition_of
from ipcc.contracts.acd import AcdPayload, AcdSnapshot
from ipcc.contracts.envelope import Event, wrap
from ipcc.contracts.payload import not_understood
from ipcc.contracts.topics import ACD
from ipcc.errors import InvalidMessage
from ipcc.ids import new_id
from services.acd.core.fold import evolve
from services.acd.core.snapshot import FORMAT, cut, from_dict, paste, to_dict
from services.acd.core.state import State

log = structlog.get_logger(__name__)

STEP = 2_000
# brokers take records of up to a megabyte unless told otherwise
MAX_RECORD_BYTES = 900_000


@dataclass(frozen=True)
class Fact:
    """An event of the log and when it was decided."""

    at: datetime
    event: AcdPayload


@dataclass
class Folded:
    """The state a log makes, and the offset behind the last record folded. ``inputs``: next offset per ``topic/partition``."""

    state: State
    next_offset: int
    inputs: dict[str, int]
    since_snapshot: int = 0
    pieces: list[AcdSnapshot] = field(default_factory=list)

    def take(self, fact: Fact) -> None:
        """Fold one more event; a snapshot replaces everything before it, once its last part was taken."""
        if isinstance(fact.event, AcdSnapshot):
            self._take_snapshot(fact.event)
            return
        evolve(self.state, fact.event, fact.at)
        self.inputs.update(self.state.offsets)
        self.since_snapshot += 1

    def _take_snapshot(self, event: AcdSnapshot) -> None:
        self.pieces = [event] if event.part == 1 else [*self.pieces, event]
        if _is_complete(self.pieces):
            self.state = from_dict(self.state.domain, paste(piece.state for piece in self.pieces), event.inputs)
            self.inputs = dict(event.inputs)
            self.since_snapshot = 0
            self.pieces = []


class AcdLog:
    """The log of one routing domain."""

    def __init__(self, bus: Bus, domain: str) -> None:
        self.domain = domain
        self.partition = partition_of(domain, ACD.partitions)
        self._bus = bus

    async def read(self) -> Folded:
        """Fold the log as it stands. Raises BusDown."""
        first, end = await asyncio.gather(self._edge(BEGINNING), self._edge(END))
        step = STEP
        while True:
            start = max(first, end - step)
            facts = await self._facts(start)
            whole = _newest_snapshot(facts)
            if whole is not None or start == first:
                return self._fold(facts[whole or 0 :], end)
            step *= 4

    def fact_of(self, record: Record) -> Fact | None:
        """What ``record`` says about this domain; None for another's, or what cannot be read (logged)."""
        if record.key != self.domain or record.value is None:
            return None
        try:
            event = received_from(record).event
        except InvalidMessage as error:
            log.error("unreadable_event", topic=record.topic, offset=record.offset, error=str(error))
            return None
        if new := not_understood(event.data):
            # written by a newer release: whoever decides must not act on half of it
            log.error("unreadable_event", topic=record.topic, offset=record.offset, error=f"unknown {', '.join(new)}")
            return None
        return Fact(event.time, event.data) if isinstance(event.data, AcdPayload) else None

    def messages(self, facts: Sequence[Fact], source: str) -> list[Message]:
        """The records that carry ``facts``."""
        return [message_of(self._event(fact, source)) for fact in facts]

    def _event(self, fact: Fact, source: str) -> Event:
        return wrap(fact.event, event_id=new_id(), source=source, time=fact.at)

    async def _edge(self, start: Start) -> int:
        async with self._bus.replay(ACD.name, start, [self.partition]) as reader:
            return reader.positions[self.partition]

    async def _facts(self, start: int) -> list[Fact]:
        async with self._bus.replay(ACD.name, {self.partition: start}, [self.partition]) as reader:
            found = [self.fact_of(record) async for record in reader]
        return [fact for fact in found if fact is not None]

    def _fold(self, facts: Sequence[Fact], end: int) -> Folded:
        folded = Folded(State(self.domain), end, {})
        for fact in facts:
            folded.take(fact)
        return folded


class LogWriter:
    """Appends to a domain's log as its one owner."""

    def __init__(self, log_: AcdLog, producer: FencedProducer, source: str) -> None:
        self._log = log_
        self._producer = producer
        self._source = source

    async def append(self, facts: Sequence[Fact]) -> None:
        """Store ``facts``, all or none. Raises Fenced (a newer owner), BusDown (whether they are stored is unknown)."""
        await self._producer.append(self._log.messages(facts, self._source))

    async def snapshot(self, state: State, inputs: dict[str, int], now: datetime) -> None:
        """Store the whole state, so that nobody has to read what is before it."""
        saved = to_dict(state)
        rows = max(1, sum(len(value) for value in saved.values() if isinstance(value, list)))
        messages: list[Message] = []
        while True:
            pieces = cut(saved, rows)
            facts = [
                Fact(now, AcdSnapshot(domain=state.domain, state=piece, inputs=inputs, part=part, parts=len(pieces)))
                for part, piece in enumerate(pieces, start=1)
            ]
            messages = self._log.messages(facts, self._source)
            if rows == 1 or max(len(message.value or b"") for message in messages) <= MAX_RECORD_BYTES:
                break
            rows = max(1, rows // 4)
        await self._producer.append(messages)

    async def close(self) -> None:
        """Let go."""
        await self._producer.close()


def _newest_snapshot(facts: Sequence[Fact]) -> int | None:
    """Where the newest snapshot begins that can be read; a damaged one is passed over for the one before."""
    snapshots = [(index, fact.event) for index, fact in enumerate(facts) if isinstance(fact.event, AcdSnapshot)]
    for place in range(len(snapshots) - 1, -1, -1):
        index, first = snapshots[place]
        pieces = [event for _, event in snapshots[place : place + first.parts]]
        if first.part == 1 and _is_complete(pieces) and _is_readable(pieces):
            return index
    return None


def _is_complete(pieces: Sequence[AcdSnapshot]) -> bool:
    return [(p.part, p.parts) for p in pieces] == [(n, len(pieces)) for n in range(1, pieces[0].parts + 1)]


def _is_readable(pieces: Sequence[AcdSnapshot]) -> bool:
    if pieces[0].state.get("format") != FORMAT:
        return False
    try:
        from_dict(pieces[0].domain, paste(piece.state for piece in pieces), pieces[0].inputs)
    except (ValidationError, KeyError, TypeError) as error:
        log.error("damaged_snapshot", domain=pieces[0].domain, error=str(error))
        return False
    return True
