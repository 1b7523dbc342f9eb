"""Two replicas: who holds no switch hears them all, and tells what a dead holder did not; a call over two switches ends once."""

from __future__ import annotations

from datetime import UTC, datetime

from ipcc.bus import View, received_from
from ipcc.bus.port import BEGINNING
from ipcc.clock import FakeClock
from ipcc.contracts.call import CallEnded, LegEnded
from ipcc.contracts.topics import CALL, PHONE
from ipcc.metrics import Metrics
from ipcc.tasks import Tasks
from services.ctiserver.changes import Changes
from services.ctiserver.publishing import Outgoing
from services.ctiserver.switch import KEEP_OVERHEARD, Ear
from tests.component.ctiserver.bench import Bench, Exchange


class Replica:
    """The ear of one replica, and what it tells."""

    def __init__(self, bench: Bench, node: Exchange, clock: FakeClock | None = None) -> None:
        metrics = Metrics("ctiserver")
        self.bench, self.node = bench, node
        self._read: dict[int, int] = {}
        self.outgoing = Outgoing(bench.publisher, metrics, 1000)
        phones = View(bench.bus, PHONE, bench.clock)
        self.ear = Ear(self.outgoing, phones, Changes(), clock or bench.clock, metrics)
        self.tasks = Tasks()
        self.outgoing.start(self.tasks)
        self.ear.stand_by(node)

    async def take_over(self) -> None:
        """Read what was told, and be the ear of the switch from now on; as Holding does it."""
        held = self.ear.hold(self.node)
        await self.follow()
        self.ear.attend()
        self.ear.begin(held)
        await self.outgoing.idle(5)

    async def follow(self) -> None:
        """Read what was told since the last time, and tell what follows from it."""
        async with self.bench.bus.replay(CALL.name, BEGINNING) as past:
            async for record in past:
                if record.offset >= self._read.get(record.partition, 0):
                    self._read[record.partition] = record.offset + 1
                    self.ear.recall(received_from(record))
        await self.outgoing.idle(5)

    async def die(self) -> None:
        """Tell nothing more."""
        await self.outgoing.idle(5)
        self.outgoing.close()
        await self.tasks.stop()


async def test_a_call_that_came_and_went_while_nobody_held_the_switch_is_told_whole(bench: Bench) -> None:
    first, second = Replica(bench, bench.node), Replica(bench, bench.node)
    await first.take_over()
    bench.node.arrive("c1")
    bench.node.pick_up("c1")
    await first.die()
    bench.node.arrive("c2")
    bench.node.pick_up("c2")
    bench.node.dial("a2", "c2", "li")
    bench.node.pick_up("a2")
    bench.node.join("c2", "a2")
    bench.node.end("a2")
    bench.node.end("c2", "USER_BUSY")
    await second.take_over()
    told = await bench.told()
    assert [word for word in told if "c1" in word] == ["CallArrived c1", "LegStarted c1", "LegAnswered c1"]
    assert [word for word in told if "c2" in word and "resynced" not in word] == [
        "CallArrived c2",
        "LegStarted c2",
        "LegAnswered c2",
        "LegsBridged c2",
        "LegEnded c2",
        "CallEnded c2",
    ]
    assert len(told) == len(set(told))
    ends = [event.data for event in await bench.events() if isinstance(event.data, LegEnded | CallEnded)]
    assert [end.cause for end in ends] == ["NORMAL_CLEARING", "USER_BUSY", "USER_BUSY"]
    await second.die()


async def test_what_the_holder_told_is_not_told_again_and_the_last_word_on_a_hold_is_the_newest(bench: Bench) -> None:
    first, second = Replica(bench, bench.node), Replica(bench, bench.node)
    await first.take_over()
    bench.node.arrive("c1")
    bench.node.pick_up("c1")
    bench.node.dial("a1", "c1", "li")
    bench.node.pick_up("a1")
    bench.node.join("c1", "a1")
    bench.node.tell("CHANNEL_HOLD", "a1")
    await first.outgoing.idle(5)
    before = await bench.told()
    await first.die()
    bench.node.tell("CHANNEL_UNHOLD", "a1")
    await second.take_over()
    assert (await bench.told())[len(before) :] == ["LegResumed a1"]
    leg = second.ear.book.leg("a1")
    assert leg is not None
    assert (leg.is_held, leg.bridged_to) == (False, "c1")
    await second.die()


async def test_what_was_overheard_long_ago_is_left_to_looks(bench: Bench) -> None:
    clock = FakeClock(datetime(2026, 1, 5, 9, 0, tzinfo=UTC))
    late = Replica(bench, bench.node, clock)
    bench.node.arrive("c1")
    await clock.advance(KEEP_OVERHEARD.total_seconds() + 1)
    await late.take_over()
    assert await bench.told() == []
    await late.die()


async def over_two_switches(bench: Bench) -> tuple[Replica, Replica, Exchange]:
    """A call of the first replica's switch with an agent's leg on the other's."""
    far = Exchange("fs2")
    first, second = Replica(bench, bench.node), Replica(bench, far)
    for replica in (first, second):
        await replica.take_over()
    bench.node.arrive("c1")
    await first.follow()
    await second.follow()
    far.dial("a1", "c1", "li")
    await second.follow()
    await first.follow()
    return first, second, far


async def test_a_call_whose_legs_end_on_two_switches_at_once_is_told_as_ended_once_and_without_a_look(
    bench: Bench,
) -> None:
    first, second, far = await over_two_switches(bench)
    bench.node.end("c1", "USER_BUSY")
    far.end("a1")
    for replica in (second, first, second, first):
        await replica.follow()
    told = await bench.told()
    assert [word for word in told if "Ended" in word][-1] == "CallEnded c1"
    assert told.count("CallEnded c1") == 1
    assert [replica.ear.book.call("c1").ended_at is not None for replica in (first, second)] == [True, True]  # type: ignore[union-attr]
    for replica in (first, second):
        await replica.die()


async def test_the_last_leg_of_a_call_ends_it_whichever_switch_it_is_on(bench: Bench) -> None:
    first, second, far = await over_two_switches(bench)
    bench.node.end("c1", "USER_BUSY")
    for replica in (second, first):
        await replica.follow()
    assert "CallEnded c1" not in await bench.told()
    far.end("a1")
    for replica in (second, first, second, first):
        await replica.follow()
    told = await bench.told()
    assert told.count("CallEnded c1") == 1
    assert told.index("LegEnded a1") < told.index("CallEnded c1")
    for replica in (first, second):
        await replica.die()


async def test_who_is_in_doubt_tells_nothing_until_he_is_sure_and_then_everything(bench: Bench) -> None:
    first = Replica(bench, bench.node)
    await first.take_over()
    first.ear.is_in_doubt = lambda: True
    bench.node.arrive("c1")
    bench.node.pick_up("c1")
    await first.outgoing.idle(5)
    assert await bench.told() == []
    first.ear.is_in_doubt = lambda: False
    first.ear.settle()
    await first.outgoing.idle(5)
    assert await bench.told() == ["CallArrived c1", "LegStarted c1", "LegAnswered c1"]
    await first.die()


async def test_a_fact_that_was_on_its_way_when_another_took_over_is_told_by_both_under_one_id(bench: Bench) -> None:
    first, second = Replica(bench, bench.node), Replica(bench, bench.node)
    await first.take_over()
    bench.broker.go_down()
    bench.node.arrive("c1")
    bench.broker.come_back()
    # the second reads before what the first sends has arrived
    await second.take_over()
    await first.outgoing.idle(5)
    events = await bench.events()
    assert len(events) > len({event.id for event in events}) == len(await bench.told()) / 2
    for replica in (first, second):
        await replica.die()
