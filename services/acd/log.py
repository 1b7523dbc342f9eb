"""acd's own log: the newest snapshot and what follows it, read; events appended by the one owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from pydantic import ValidationError

from ipcc.bus.events import message_of, received_from
from ipcc.bus.port import BEGINNING, END, Bus, FencedProducer, Message, Record, Start, partition_of
from ipcc.contracts.acd import AcdPayload, AcdSnapshot
from ipcc.contracts.envelope import Event, wrap
from ipcc.contracts.topics import ACD
from ipcc.errors import InvalidMessage
from ipcc.ids import new_id
from services.acd.core.fold import evolve
from services.acd.core.snapshot import FORMAT, from_dict, to_dict
from services.acd.core.state import State

log = structlog.get_logger(__name__)

STEP = 2_000
# brokers take records of up to a megabyte unless told otherwise
MAX_SNAPSHOT_BYTES = 900_000


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

    def take(self, fact: Fact) -> None:
        """Fold one more event; a snapshot replaces everything before it."""
        if isinstance(fact.event, AcdSnapshot):
            self.state = from_dict(self.state.domain, fact.event.state, fact.event.inputs)
            self.inputs = dict(fact.event.inputs)
            self.since_snapshot = 0
            return
        evolve(self.state, fact.event, fact.at)
        self.inputs.update(self.state.offsets)
        self.since_snapshot += 1


class AcdLog:
    """The log of one routing domain."""

    def __init__(self, bus: Bus, domain: str) -> None:
        self.domain = domain
        self.partition = partition_of(domain, ACD.partitions)
        self._bus = bus

    async def read(self) -> Folded:
        """Fold the log as it stands. Raises BusDown."""
        first, end = await self._edge(BEGINNING), await self._edge(END)
        step = STEP
        while True:
            start = max(first, end - step)
            facts = await self._facts(start)
            whole = [index for index, fact in enumerate(facts) if _is_whole(fact)]
            if whole or start == first:
                return self._fold(facts[whole[-1] if whole else 0 :], end)
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
        event = AcdSnapshot(domain=state.domain, state=to_dict(state), inputs=inputs)
        messages = self._log.messages([Fact(now, event)], self._source)
        size = len(messages[0].value or b"")
        if size > MAX_SNAPSHOT_BYTES:
            # the broker would refuse it, and with it the right to write; the log is whole without it, only longer to read
            log.error("snapshot_too_large", domain=state.domain, bytes=size, limit=MAX_SNAPSHOT_BYTES)
            return
        await self._producer.append(messages)

    async def close(self) -> None:
        """Let go."""
        await self._producer.close()


def _is_whole(fact: Fact) -> bool:
    """Whether this is a snapshot that can be read; a damaged one is passed over for the one before."""
    if not isinstance(fact.event, AcdSnapshot) or fact.event.state.get("format") != FORMAT:
        return False
    try:
        from_dict(fact.event.domain, fact.event.state, fact.event.inputs)
    except (ValidationError, KeyError) as error:
        log.error("damaged_snapshot", domain=fact.event.domain, error=str(error))
        return False
    return True
