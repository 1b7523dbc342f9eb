"""Facts that must not be lost: rows written in a service's own transaction, sent afterwards in order per key.

The store is the service's database (ipcc/db); here is what it must offer, and the relay that empties it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from ipcc.bus.events import message_of
from ipcc.bus.port import Message, Producer
from ipcc.clock import Clock
from ipcc.contracts.envelope import Event
from ipcc.errors import BusDown, NotFound, StoreDown

log = structlog.get_logger(__name__)

BATCH = 200
IDLE_S = 1.0
RETRY_S = 1.0


@dataclass(frozen=True)
class OutboxRow:
    """One message to be sent. ``number`` grows in the order of writing."""

    number: int
    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class OutboxStore(Protocol):
    """Rows not yet sent. At most one relay at a time may work a store: it holds the store's lock between ``lead`` and the end."""

    async def lead(self) -> bool:
        """Become, or still be, the one relay of this store; False when another is. Raises StoreDown."""

    async def waiting(self, limit: int) -> Sequence[OutboxRow]:
        """The oldest rows not yet sent, in the order of their numbers. Raises StoreDown."""

    async def mark_sent(self, numbers: Sequence[int]) -> None:
        """These were acknowledged. Raises StoreDown: they will be sent again, which consumers know by the event id."""


@dataclass(frozen=True)
class RowContent:
    """What a transaction writes for ``event``; the database gives the number."""

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str]


def row_of(event: Event) -> RowContent:
    """``event`` as an outbox row."""
    message = message_of(event)
    return RowContent(message.topic, message.key, message.value or b"", message.headers)


@dataclass
class Relay:
    """Sends what the store holds. Run it by ``tasks.spawn(name, relay.run)``; ``wake`` after each commit saves the wait.

    ``problem`` says why rows are not going out, "" when they are.
    """

    store: OutboxStore
    producer: Producer
    clock: Clock
    sent: int = 0
    problem: str = ""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """There are new rows."""
        self._news.set()

    async def run(self) -> None:
        """Relay for ever."""
        while True:
            self._news.clear()
            try:
                found = await self.relay_batch()
                self.problem = ""
            except (BusDown, StoreDown, NotFound) as error:
                self.problem = str(error)
                log.warning("outbox_waits", error=self.problem)
                await self.clock.sleep(RETRY_S)
                continue
            if found < BATCH:
                await self._rest()

    async def relay_batch(self) -> int:
        """Send one batch and return how many rows it had. Raises BusDown or StoreDown after marking what did go out."""
        if not await self.store.lead():
            return 0
        rows = await self.store.waiting(BATCH)
        by_key: dict[tuple[str, str], list[OutboxRow]] = defaultdict(list)
        for row in rows:
            by_key[row.topic, row.key].append(row)
        done: list[int] = []
        results = await asyncio.gather(*(self._send_in_order(r, done) for r in by_key.values()), return_exceptions=True)
        if done:
            await self.store.mark_sent(sorted(done))
            self.sent += len(done)
        for result in results:
            if result is not None:
                raise result
        return len(rows)

    async def _send_in_order(self, rows: Sequence[OutboxRow], done: list[int]) -> None:
        # a row that fails keeps those behind it back: their order is the promise
        for row in rows:
            await self.producer.send(Message(row.topic, row.key, row.value, row.headers))
            done.append(row.number)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(IDLE_S):
                await self._news.wait()
        except TimeoutError:
            return
