"""The relay of the outbox: in order per key, marked when acknowledged, patient when something is down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from ipcc.bus.outbox import BATCH, OutboxRow, Relay, row_of
from ipcc.bus.port import Message, Position
from ipcc.clock import FakeClock
from ipcc.contracts.call import CallDataAttached
from ipcc.contracts.envelope import decode, wrap
from ipcc.errors import BusDown, StoreDown
from ipcc.tasks import Tasks
from tests.support.until import until


@dataclass
class FakeStore:
    """Rows in a list."""

    rows: list[OutboxRow] = field(default_factory=list)
    leads: bool = True
    is_down: bool = False

    async def lead(self) -> bool:
        if self.is_down:
            raise StoreDown("store.down", "no database")
        return self.leads

    async def waiting(self, limit: int) -> Sequence[OutboxRow]:
        return self.rows[:limit]

    async def mark_sent(self, numbers: Sequence[int]) -> None:
        self.rows = [r for r in self.rows if r.number not in numbers]


@dataclass
class FakeProducer:
    """Keeps what it is given; refuses some keys."""

    sent: list[Message] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    async def send(self, message: Message) -> Position:
        if message.key in self.refused:
            raise BusDown("bus.down", "no broker")
        self.sent.append(message)
        return Position(0, len(self.sent))


def rows(*keys: str) -> list[OutboxRow]:
    """One row per key, numbered."""
    return [OutboxRow(number, "t", key, str(number).encode()) for number, key in enumerate(keys)]


async def test_rows_go_out_in_order_per_key_and_are_marked() -> None:
    store, producer = FakeStore(rows("a", "b", "a", "b", "a")), FakeProducer()
    assert await Relay(store, producer, FakeClock()).relay_batch() == 5
    assert store.rows == []
    assert [m.value for m in producer.sent if m.key == "a"] == [b"0", b"2", b"4"]


async def test_a_key_that_cannot_be_sent_keeps_its_rows_in_order_and_holds_no_other_back() -> None:
    store, producer = FakeStore(rows("a", "b", "a")), FakeProducer(refused={"a"})
    relay = Relay(store, producer, FakeClock())
    with pytest.raises(BusDown):
        await relay.relay_batch()
    assert [r.number for r in store.rows] == [0, 2]
    producer.refused.clear()
    await relay.relay_batch()
    assert [m.value for m in producer.sent] == [b"1", b"0", b"2"]


async def test_who_does_not_lead_sends_nothing() -> None:
    store, producer = FakeStore(rows("a"), leads=False), FakeProducer()
    assert await Relay(store, producer, FakeClock()).relay_batch() == 0
    assert producer.sent == []


async def test_it_says_what_is_wrong_and_goes_on_when_it_is_mended() -> None:
    clock, tasks = FakeClock(), Tasks()
    store, producer = FakeStore(rows(*"a" * (BATCH + 1)), is_down=True), FakeProducer()
    relay = Relay(store, producer, clock)
    tasks.spawn("relay", relay.run)
    await until(lambda: relay.problem == "store.down: no database")
    store.is_down = False
    await clock.advance(1)
    await until(lambda: relay.sent == BATCH + 1)
    assert relay.problem == ""
    store.rows = rows("b")
    relay.wake()
    await until(lambda: relay.sent == BATCH + 2)
    await tasks.stop()


def test_a_row_holds_what_the_event_is_published_as() -> None:
    event = wrap(
        CallDataAttached(call_id="c1", data={}), event_id="e1", source="record/record-0", time=FakeClock().now()
    )
    row = row_of(event)
    assert (row.topic, row.key, decode(row.value)) == ("ipcc.call.v1", "c1", event)
