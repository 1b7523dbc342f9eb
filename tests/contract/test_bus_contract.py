"""What every bus promises, on the in-process broker and on a real Apache Kafka."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from ipcc.bus import BEGINNING, END, Fenced, Message, kafka_producer
from ipcc.bus.port import Partition, partition_of
from ipcc.errors import NotFound
from tests.support.bus_rig import RAW, KafkaRig, Member, Rig, everything, movable_clock, polled, raw
from tests.support.until import until


class TestEveryBus:
    """Records: order, replay, groups, fencing."""

    async def test_records_of_one_key_keep_their_order_in_one_partition(self, rig: Rig) -> None:
        bus = await rig.bus([RAW])
        for number in range(40):
            await bus.send(raw(f"key-{number % 5}", str(number)))
        found = await everything(bus, RAW)
        assert len(found) == 40
        for key in {r.key for r in found}:
            mine = [r for r in found if r.key == key]
            assert {r.partition for r in mine} == {partition_of(key, RAW.partitions)}
            assert [int(r.value or b"") for r in mine] == sorted(int(r.value or b"") for r in mine)

    async def test_a_send_says_where_the_record_is(self, rig: Rig) -> None:
        bus = await rig.bus([RAW])
        await bus.send(raw("a"))
        position = await bus.send(Message(RAW.name, "a", b"there", {"trace": "t-1", "name": "张三"}))
        found = await everything(bus, RAW, {position.partition: position.offset})
        assert (found[0].value, found[0].headers) == (b"there", {"trace": "t-1", "name": "张三"})

    async def test_sends_begun_together_keep_their_order(self, rig: Rig) -> None:
        bus = await rig.bus([RAW])
        await asyncio.gather(*(bus.send(raw("one", str(n))) for n in range(30)))
        assert [r.value for r in await everything(bus, RAW)] == [str(n).encode() for n in range(30)]

    async def test_an_unknown_topic_is_told_apart_from_a_dead_broker(self, rig: Rig) -> None:
        if isinstance(rig, KafkaRig):
            rig.send_timeout_s = 2.0
        bus = await rig.bus([RAW])
        with pytest.raises(NotFound):
            await bus.send(Message("test.nowhere.v1", "a", b"x"))
        with pytest.raises(NotFound):
            async with bus.follow("test.nowhere.v1", END):
                pass

    async def test_replay_starts_at_an_offset_and_ends_where_the_log_ended_when_it_was_opened(self, rig: Rig) -> None:
        bus = await rig.bus([RAW])
        for number in range(5):
            await bus.send(raw("k", str(number), partition=1))
        async with bus.replay(RAW.name, {1: 2}, [1]) as reader:
            await bus.send(raw("k", "too late", partition=1))
            found = [r.value async for r in reader]
        assert found == [b"2", b"3", b"4"]
        assert reader.positions == {1: 5}

    async def test_replay_starts_at_a_time(self, rig: Rig) -> None:
        clock = movable_clock()
        rig.clock = clock
        bus = await rig.bus([RAW])
        await bus.send(raw("k", "before"))
        await clock.advance(60)
        noon = clock.now()
        await bus.send(raw("k", "after"))
        await bus.send(raw("other", "after"))
        assert {r.value for r in await everything(bus, RAW, noon)} == {b"after"}
        assert await everything(bus, RAW, noon + timedelta(hours=1)) == []

    async def test_follow_goes_on_where_replay_ended(self, rig: Rig) -> None:
        bus = await rig.bus([RAW])
        await bus.send(raw("a", "old"))
        async with bus.replay(RAW.name, BEGINNING) as past:
            assert [r.value async for r in past] == [b"old"]
        await bus.send(raw("a", "between"))
        async with bus.follow(RAW.name, past.positions) as live:
            await bus.send(raw("b", "new"))
            assert {(await anext(live)).value, (await anext(live)).value} == {b"between", b"new"}

    async def test_follow_from_the_end_hears_all_that_is_sent_once_it_is_open(self, rig: Rig) -> None:
        bus = await rig.bus([RAW])
        await bus.send(raw("a", "old"))
        async with bus.follow(RAW.name, END) as live:
            await bus.send(raw("a", "new"))
            assert (await anext(live)).value == b"new"

    async def test_each_partition_of_a_group_has_one_reader_and_all_are_shared_out(self, rig: Rig) -> None:
        bus = await rig.bus([RAW])
        consumers = [bus.consumer("g", [RAW.name], Member()) for _ in range(3)]
        for consumer in consumers:
            await consumer.start()
        async with polled(*consumers) as found:
            await until(lambda: all(c.assigned for c in consumers) and sum(len(c.assigned) for c in consumers) == 4)
            assert len(frozenset().union(*(c.assigned for c in consumers))) == 4
            for number in range(4):
                await bus.send(raw("k", str(number), partition=number))
            await until(lambda: len(found) >= 4)
        assert sorted(r.value or b"" for r in found) == [b"0", b"1", b"2", b"3"]
        for consumer in consumers:
            await consumer.stop()

    async def test_who_leaves_is_replaced_from_the_committed_offset_on(self, rig: Rig) -> None:
        bus = await rig.bus([RAW])
        first, told = bus.consumer("g", [RAW.name], member := Member()), member
        await first.start()
        for number in range(3):
            await bus.send(raw("k", str(number), partition=0))
        async with polled(first) as found:
            await until(lambda: len(found) == 3)
        await first.commit({Partition(RAW.name, 0): 2})
        await first.stop()
        assert told.lost[-1] == told.gained[-1]
        second = bus.consumer("g", [RAW.name], Member())
        await second.start()
        async with polled(second) as found:
            await until(lambda: found)
        assert [r.value for r in found] == [b"2"]
        await second.stop()

    async def test_who_is_killed_is_replaced_and_what_was_not_committed_comes_again(self, rig: Rig) -> None:
        bus = await rig.bus([RAW])
        victim, heir = (bus.consumer("g", [RAW.name], Member()) for _ in range(2))
        await victim.start()
        await bus.send(raw("k", "unfinished", partition=0))
        async with polled(victim) as found:
            await until(lambda: found)
        await rig.crash(victim)
        await heir.start()
        async with polled(heir) as found:
            await until(lambda: found, timeout=20)
        assert [r.value for r in found] == [b"unfinished"]
        await heir.stop()

    async def test_committing_a_partition_that_went_elsewhere_changes_nothing_and_harms_nobody(self, rig: Rig) -> None:
        bus = await rig.bus([RAW])
        first, second = (bus.consumer("g", [RAW.name], Member()) for _ in range(2))
        await first.start()
        async with polled(first):
            await second.start()
            async with polled(second):
                await until(lambda: len(first.assigned) == len(second.assigned) == 2)
                await first.commit(dict.fromkeys(second.assigned, 1))
        gone = second.assigned
        await first.stop()
        for place in gone:
            await bus.send(raw("k", "still there", partition=place.number))
        async with polled(second) as found:
            # at least once: a rebalance may bring them again
            await until(lambda: {r.partition for r in found} == {p.number for p in gone})
        await second.stop()

    async def test_a_paused_partition_is_silent_until_resumed_and_loses_nothing(self, rig: Rig) -> None:
        bus = await rig.bus([RAW])
        consumer = bus.consumer("g", [RAW.name], Member())
        await consumer.start()
        quiet = frozenset({Partition(RAW.name, 0)})
        consumer.pause(quiet)
        async with polled(consumer) as found:
            await bus.send(raw("k", "held", partition=0))
            await bus.send(raw("k", "free", partition=1))
            await until(lambda: found)
            assert [r.value for r in found] == [b"free"]
            consumer.resume(quiet)
            await until(lambda: len(found) == 2)
        await consumer.stop()

    async def test_lag_counts_what_has_not_been_read(self, rig: Rig) -> None:
        bus = await rig.bus([RAW])
        consumer = bus.consumer("g", [RAW.name], Member())
        await consumer.start()
        await bus.send(raw("k", partition=0))
        async with polled(consumer) as found:
            await until(lambda: found)
            await until(lambda: consumer.lag().get(Partition(RAW.name, 0)) == 0)
        await consumer.stop()

    async def test_a_newer_writer_fences_the_older_and_nothing_of_his_is_read(self, rig: Rig) -> None:
        bus = await rig.bus([RAW])
        older = await bus.fenced("domain-1")
        await older.append([raw("a", "1"), raw("b", "1")])
        newer = await bus.fenced("domain-1")
        with pytest.raises(Fenced):
            await older.append([raw("a", "stale"), raw("b", "stale")])
        with pytest.raises(Fenced):
            await older.append([raw("a", "stale")])
        positions = await newer.append([raw("a", "2")])
        assert positions[0].partition == partition_of("a", RAW.partitions)
        assert sorted(r.value or b"" for r in await everything(bus, RAW)) == [b"1", b"1", b"2"]
        await older.close()
        await newer.close()

    async def test_a_writer_that_rested_goes_on_and_is_still_fenced_by_a_newer(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(kafka_producer, "AHEAD_S", 0.05)
        bus = await rig.bus([RAW])
        older = await bus.fenced("domain-1")
        for value in ("1", "2"):
            await older.append([raw("a", value)])
            if isinstance(older, kafka_producer.KafkaFencedProducer):
                await until(lambda: not older.is_ahead, what="the transaction opened ahead is ended")
        newer = await bus.fenced("domain-1")
        with pytest.raises(Fenced):
            await older.append([raw("a", "stale")])
        await newer.append([raw("a", "3")])
        assert [r.value for r in await everything(bus, RAW)] == [b"1", b"2", b"3"]
        await older.close()
        await newer.close()

    async def test_a_batch_that_cannot_be_written_whole_is_not_written_at_all(self, rig: Rig) -> None:
        if isinstance(rig, KafkaRig):
            rig.send_timeout_s = 2.0
        bus = await rig.bus([RAW])
        writer = await bus.fenced("domain-1")
        with pytest.raises(NotFound):
            await writer.append([raw("a", "half"), Message("test.nowhere.v1", "a", b"half")])
        heir = await bus.fenced("domain-1")
        await heir.append([raw("a", "whole")])
        assert [r.value for r in await everything(bus, RAW)] == [b"whole"]
        await writer.close()
        await heir.close()

    async def test_appends_begun_together_keep_their_order_and_each_learns_its_own_places(self, rig: Rig) -> None:
        bus = await rig.bus([RAW])
        writer = await bus.fenced("domain-1")
        placed = await asyncio.gather(*(writer.append([raw("a", f"{n}a"), raw("b", f"{n}b")]) for n in range(10)))
        found = {(r.partition, r.offset): (r.value or b"").decode() for r in await everything(bus, RAW)}
        assert [[found[p] for p in places] for places in placed] == [[f"{n}a", f"{n}b"] for n in range(10)]
        for positions in zip(*placed, strict=True):
            assert list(positions) == sorted(positions)
        await writer.close()

    async def test_other_ids_are_not_fenced(self, rig: Rig) -> None:
        bus = await rig.bus([RAW])
        one, two = await bus.fenced("domain-1"), await bus.fenced("domain-2")
        await one.append([raw("a")])
        await two.append([raw("a")])
        assert len(await everything(bus, RAW)) == 2
        await one.close()
        await two.close()
