"""A broker that is absent, slow, frozen, dead, and back again: on the in-process broker and on a real Apache Kafka."""

from __future__ import annotations

import asyncio

import pytest

from ipcc.bus import BEGINNING, END, Bus, Consumption, Handlers, Lease, Publisher, View, Worker
from ipcc.bus.port import Reader
from ipcc.contracts.call import CallDataAttached, PhoneChanged
from ipcc.contracts.topics import ACD_LEASE, CALL, DEAD_LETTER, PHONE, REPLY
from ipcc.errors import BusDown, Unavailable
from ipcc.tasks import Tasks
from tests.contract.test_bus_answers import enqueue, exchange
from tests.contract.test_bus_leases import Owner
from tests.contract.test_bus_workers import QUICK, Heard, said
from tests.support.bus_rig import RAW, Rig, everything, raw
from tests.support.until import until

TOPICS = (CALL, DEAD_LETTER, PHONE, REPLY, ACD_LEASE, RAW)
BACK_S = 40.0


def worker_of(bus: Bus, rig: Rig, heard: Heard) -> Worker:
    """A worker of group g on CALL."""
    handlers = Handlers().on(CallDataAttached, heard.attached)
    return Worker(bus, Consumption("g", [CALL], patience=QUICK), handlers, rig.clock)


async def send_until_taken(bus: Bus, key: str, value: str) -> None:
    """As a service does: again until it is acknowledged."""
    async with asyncio.timeout(BACK_S):
        while True:
            try:
                await bus.send(raw(key, value))
            except BusDown:
                continue
            return


class TestEveryOutage:
    """What must hold when the broker does not play along."""

    async def test_absent_at_start_is_said_clearly_and_mended_by_itself(self, fragile: Rig, tasks: Tasks) -> None:
        await fragile.bus([RAW])
        await fragile.break_broker()
        bus = await fragile.new_bus(TOPICS)
        heard = Heard()
        worker = worker_of(bus, fragile, heard)
        tasks.spawn("worker", worker.run)
        view = View(bus, PHONE, fragile.clock)
        tasks.spawn("view", view.run)
        with pytest.raises(BusDown) as down:
            await bus.send(raw("a"))
        assert "does not answer" in down.value.message or "did not answer" in down.value.message
        with pytest.raises(BusDown):
            await bus.fenced("domain-1")
        with pytest.raises(BusDown):
            async with bus.follow(RAW.name, END):
                pass
        with pytest.raises(Unavailable):
            await view.ready(0.1)
        assert not bus.health.is_up
        assert bus.health.last_error
        assert worker.problem == "not joined to group g"
        await fragile.mend_broker()
        await until(lambda: bus.health.is_up, timeout=BACK_S)
        await Publisher(bus, "test/0", fragile.clock).publish(said("c1", 1))
        await until(lambda: heard.numbers == ["1"], timeout=BACK_S)
        await view.ready(BACK_S)
        assert worker.is_healthy

    async def test_a_broker_that_dies_and_returns_finds_everyone_going_on(self, fragile: Rig, tasks: Tasks) -> None:
        bus = await fragile.bus(TOPICS)
        publisher = Publisher(bus, "test/0", fragile.clock)
        heard, owner = Heard(), Owner()
        worker = worker_of(bus, fragile, heard)
        view = View(bus, PHONE, fragile.clock)
        lease = Lease(bus, ACD_LEASE, "a", owner, fragile.clock)
        for name, run in (("worker", worker.run), ("view", view.run), ("lease", lease.run)):
            tasks.spawn(name, run)
        await publisher.publish(said("c1", 1))
        await until(lambda: heard.numbers == ["1"] and len(owner.has) == ACD_LEASE.partitions and view.is_ready)
        held = dict(owner.has)

        await fragile.break_broker()
        await until(lambda: not bus.health.is_up)
        with pytest.raises(BusDown):
            await publisher.publish(said("c1", "lost"))
        assert owner.has == held

        await fragile.mend_broker()
        await until(lambda: bus.health.is_up, timeout=BACK_S)
        await publisher.publish(said("c1", 2))
        await publisher.publish(PhoneChanged(phone_id="1001", registered=True))
        await until(lambda: heard.numbers[-1] == "2" and "1001" in view, timeout=BACK_S)
        assert worker.is_healthy
        await until(lambda: len(owner.has) == ACD_LEASE.partitions, timeout=BACK_S)

    async def test_nothing_acknowledged_is_lost_and_order_holds_over_a_death(self, fragile: Rig) -> None:
        bus = await fragile.bus(TOPICS)

        async def write() -> None:
            for number in range(60):
                await send_until_taken(bus, "one", f"{number:03}")
                if number == 30:
                    half.set()

        half = asyncio.Event()
        writing = asyncio.gather(write())
        await half.wait()
        await fragile.break_broker()
        await fragile.mend_broker()
        await writing
        found = [(r.value or b"").decode() for r in await everything(bus, RAW)]
        # what was sent again because its outcome was unknown may be there twice, next to itself
        assert sorted(set(found)) == [f"{n:03}" for n in range(60)]
        first_seen = list(dict.fromkeys(found))
        assert first_seen == sorted(first_seen)

    async def test_a_frozen_broker_costs_a_sender_no_more_than_his_deadline(self, fragile: Rig) -> None:
        bus = await fragile.bus(TOPICS)
        await bus.send(raw("a", "before"))
        await fragile.freeze_broker()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        with pytest.raises(BusDown):
            await bus.send(raw("a", "during"))
        assert loop.time() - begun < 2 * 2.0
        await until(lambda: not bus.health.is_up)
        await fragile.thaw_broker()
        await send_until_taken(bus, "a", "after")
        await until(lambda: bus.health.is_up, timeout=BACK_S)
        found = [r.value for r in await everything(bus, RAW)]
        assert (found[0], found[-1]) == (b"before", b"after")

    async def test_a_reader_waits_out_the_outage_and_misses_nothing(self, fragile: Rig) -> None:
        bus = await fragile.bus(TOPICS)
        found: list[bytes | None] = []

        async def read(reader: Reader) -> None:
            async for record in reader:
                found.append(record.value)
                if record.value == b"last":
                    return

        async with bus.follow(RAW.name, BEGINNING) as reader:
            reading = asyncio.gather(read(reader))
            await bus.send(raw("a", "first"))
            await until(lambda: found)
            await fragile.break_broker()
            await fragile.mend_broker()
            await send_until_taken(bus, "a", "last")
            async with asyncio.timeout(BACK_S):
                await reading
        assert (found[0], found[-1]) == (b"first", b"last")

    async def test_a_fenced_writer_is_spent_by_an_outage_and_its_successor_goes_on(self, fragile: Rig) -> None:
        bus = await fragile.bus(TOPICS)
        writer = await bus.fenced("domain-1")
        await writer.append([raw("a", "before")])
        await fragile.freeze_broker()
        with pytest.raises(BusDown):
            await writer.append([raw("a", "unknown")])
        await fragile.thaw_broker()
        with pytest.raises(BusDown):
            await writer.append([raw("a", "never")])
        await until(lambda: bus.health.is_up, timeout=BACK_S)
        successor = await bus.fenced("domain-1")
        await successor.append([raw("a", "after")])
        found = [r.value for r in await everything(bus, RAW)]
        assert (found[0], found[-1]) == (b"before", b"after")
        assert b"never" not in found
        await writer.close()
        await successor.close()

    async def test_who_asks_during_an_outage_hears_so_in_time_and_is_answered_after_it(
        self, fragile: Rig, tasks: Tasks
    ) -> None:
        x = await exchange(fragile, tasks)
        await fragile.freeze_broker()
        with pytest.raises(Unavailable):
            await x.requester.ask(enqueue("e1"), timeout_s=1.0)
        await fragile.thaw_broker()

        async with asyncio.timeout(BACK_S):
            while True:
                try:
                    answer = await x.requester.ask(enqueue("e2"), timeout_s=1.0)
                except Unavailable:
                    continue
                break
        assert answer == {"queue": "cards"}
