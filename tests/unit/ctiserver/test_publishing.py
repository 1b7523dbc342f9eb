"""Facts on their way: in order per call, kept while the broker is down, dropped all at once when too many."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import UTC, datetime

import pytest

from ipcc.bus import BEGINNING, MemoryBroker, MemoryBus, Publisher, received_from
from ipcc.bus.port import Message, Position, partition_of
from ipcc.clock import SystemClock
from ipcc.contracts.call import CallEnded
from ipcc.contracts.topics import CALL
from ipcc.errors import Invalid
from ipcc.metrics import CTI_DROPPED, CTI_UNSENT, Metrics
from ipcc.tasks import Tasks
from services.ctiserver.publishing import LANES, Outgoing
from tests.support.until import until

T0 = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class Rig:
    def __init__(self, limit: int = 1000) -> None:
        self.clock, self.metrics, self.tasks = SystemClock(), Metrics("ctiserver"), Tasks()
        self.broker = MemoryBroker(self.clock)
        self.bus = MemoryBus(self.broker, send_timeout_s=0.05)
        self.outgoing = Outgoing(Publisher(self.bus, "ctiserver/test", self.clock), self.metrics, limit)
        self.outgoing.start(self.tasks)

    def put(self, call: str, number: int) -> None:
        self.outgoing.put(CallEnded(call_id=call, cause="", duration_ms=number), T0)

    async def sent(self) -> dict[str, list[int]]:
        found: defaultdict[str, list[int]] = defaultdict(list)
        async with self.bus.replay(CALL.name, BEGINNING) as reader:
            async for record in reader:
                data = received_from(record).event.data
                assert isinstance(data, CallEnded)
                found[data.call_id].append(data.duration_ms)
        return dict(found)

    async def close(self) -> None:
        await self.tasks.stop()
        await self.broker.stop()


async def test_each_call_keeps_its_order_through_an_outage() -> None:
    rig = Rig()
    for number in range(40):
        if number == 10:
            rig.broker.go_down()
        rig.put(f"c{number % 4}", number)
    assert not await rig.outgoing.idle(0.2)
    assert "does not answer" in (rig.outgoing.problem() or "")
    rig.broker.come_back()
    assert await rig.outgoing.idle(5)
    assert rig.outgoing.problem() is None
    assert await rig.sent() == {f"c{n}": list(range(n, 40, 4)) for n in range(4)}
    assert rig.metrics.value(CTI_UNSENT) == 0
    await rig.close()


class SlowBroker:
    """Acknowledges nothing until it is let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.begun: list[str] = []

    async def send(self, message: Message) -> Position:
        self.begun.append(message.key)
        await self.let_go.wait()
        return Position(0, len(self.begun))


async def test_a_burst_of_calls_is_on_its_way_at_once_and_each_call_still_in_order() -> None:
    broker, tasks = SlowBroker(), Tasks()
    outgoing = Outgoing(Publisher(broker, "ctiserver/test", SystemClock()), Metrics("ctiserver"), 1000)
    outgoing.start(tasks)
    for number in range(400):
        outgoing.put(CallEnded(call_id=f"c{number % 200}", cause="", duration_ms=number), T0)
    await until(lambda: len(broker.begun) >= 50, what="the first fact of many calls is being sent")
    assert len(set(broker.begun)) == len(broker.begun)
    broker.let_go.set()
    assert await outgoing.idle(5)
    assert len(broker.begun) == 400
    await tasks.stop()


class ShyBroker:
    """Takes none of one call's facts, ever."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def send(self, message: Message) -> Position:
        if message.key == "too-large":
            raise Invalid("bus.too_large", "the message is too large")
        self.taken.append(message.key)
        return Position(0, len(self.taken))


async def test_a_fact_that_no_broker_takes_holds_up_nobody() -> None:
    broker, tasks, metrics = ShyBroker(), Tasks(), Metrics("ctiserver")
    outgoing = Outgoing(Publisher(broker, "ctiserver/test", SystemClock()), metrics, 1000)
    outgoing.start(tasks)
    lane = partition_of("too-large", LANES)
    behind = next(f"c{n}" for n in range(10_000) if partition_of(f"c{n}", LANES) == lane)
    for call in ("too-large", behind):
        outgoing.put(CallEnded(call_id=call, cause="", duration_ms=1), T0)
    assert await outgoing.idle(5)
    assert broker.taken == [behind]
    assert metrics.value(CTI_DROPPED) == 1
    assert outgoing.problem() is None
    await tasks.stop()


async def test_our_own_events_are_known_again_once() -> None:
    rig = Rig()
    rig.put("c", 1)
    await rig.outgoing.idle(5)
    async with rig.bus.replay(CALL.name, BEGINNING) as reader:
        ids = [received_from(record).event.id async for record in reader]
    assert [rig.outgoing.is_echo(event_id) for event_id in [*ids, *ids, "other"]] == [True, False, False]
    await rig.close()


@pytest.mark.parametrize("limit", [5, 50])
async def test_an_overflow_drops_what_waits_and_what_comes_until_it_is_opened_again(limit: int) -> None:
    rig, told = Rig(limit), []
    rig.outgoing.on_overflow = lambda: told.append(True)
    rig.broker.go_down()
    for number in range(limit + 3):
        rig.put("c", number)
    assert told == [True]
    assert rig.metrics.value(CTI_DROPPED) == limit + 3
    rig.broker.come_back()
    rig.outgoing.open()
    rig.put("c", 99)
    assert await rig.outgoing.idle(5)
    assert await rig.sent() == {"c": [99]}
    await rig.close()


async def test_what_two_replicas_say_of_the_same_moment_has_one_id_and_what_differs_has_another() -> None:
    async def ids_of(*facts: tuple[str, int]) -> list[str]:
        rig = Rig()
        for call, number in facts:
            rig.put(call, number)
        assert await rig.outgoing.idle(5)
        async with rig.bus.replay(CALL.name, BEGINNING) as reader:
            found = [received_from(record).event.id async for record in reader]
        await rig.close()
        return found

    one, other = await ids_of(("c1", 1)), await ids_of(("c1", 1))
    assert one == other
    assert len(set(await ids_of(("c1", 1), ("c1", 2)))) == 2
    # made of the time it happened, so that it sorts by it
    assert one[0][14] == "7"
    assert int(one[0].replace("-", "")[:12], 16) == int(T0.timestamp() * 1000)


async def test_after_the_book_was_started_over_what_was_being_sent_is_news_to_it() -> None:
    rig = Rig()
    rig.broker.go_down()
    rig.put("c1", 1)
    await until(lambda: rig.outgoing.problem() is not None, what="it is being sent")
    rig.outgoing.close()
    rig.broker.come_back()
    assert await rig.outgoing.idle(5)
    async with rig.bus.replay(CALL.name, BEGINNING) as reader:
        ids = [received_from(record).event.id async for record in reader]
    assert [rig.outgoing.is_echo(event_id) for event_id in ids] == [False]
    await rig.close()
