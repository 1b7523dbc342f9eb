"""The consume loop, its retries and its dead letters: on the in-process broker and on a real Apache Kafka."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from ipcc.bus import Bus, Consumption, Handlers, MemoryInbox, Message, Publisher, Received, Worker
from ipcc.bus.dead_letters import OFFSET, REASON, TOPIC, message_in
from ipcc.bus.judgement import BurialLimits, Patience
from ipcc.contracts.call import CallDataAttached, CallEnded
from ipcc.contracts.topics import CALL, DEAD_LETTER
from ipcc.errors import InvalidMessage, RetryLater, StoreDown
from ipcc.tasks import Tasks
from tests.support.bus_rig import Rig, everything
from tests.support.until import until

QUICK = Patience(tries=3, first_delay_s=0.01, longest_delay_s=0.05)
TOPICS = (CALL, DEAD_LETTER)


def said(call_id: str, number: int | str) -> CallDataAttached:
    """A numbered event of a call."""
    return CallDataAttached(call_id=call_id, data={"number": str(number)})


@dataclass
class Heard:
    """Handlers that write down what they get, and fail to order."""

    numbers: list[str] = field(default_factory=list)
    failures: dict[str, list[Exception]] = field(default_factory=dict)

    async def attached(self, data: CallDataAttached, received: Received) -> None:
        number = data.data["number"]
        if self.failures.get(number):
            raise self.failures[number].pop(0)
        self.numbers.append(number)


def worker_of(bus: Bus, rig: Rig, heard: Heard, limits: BurialLimits | None = None) -> Worker:
    """A worker of group g on CALL."""
    consumption = Consumption("g", [CALL], patience=QUICK, limits=limits or BurialLimits())
    return Worker(bus, consumption, Handlers().on(CallDataAttached, heard.attached), rig.clock)


class TestEveryWorker:
    """The consume loop."""

    async def test_events_of_a_call_are_handled_in_order_and_others_passed_over(self, rig: Rig, tasks: Tasks) -> None:
        bus = await rig.bus(TOPICS)
        publisher = Publisher(bus, "test/0", rig.clock)
        worker = worker_of(bus, rig, heard := Heard())
        tasks.spawn("worker", worker.run)
        for number in range(20):
            await publisher.publish(said("c1", number))
        await publisher.publish(CallEnded(call_id="c1", cause="NORMAL_CLEARING", duration_ms=1))
        await until(lambda: worker.counters.ignored == 1)
        assert heard.numbers == [str(n) for n in range(20)]
        assert worker.is_healthy
        await worker.stop()

    async def test_otherwise_takes_every_event_without_a_handler_of_its_own(self, rig: Rig, tasks: Tasks) -> None:
        bus = await rig.bus(TOPICS)
        kinds: list[str] = []

        async def count(_data: object, received: Received) -> None:
            kinds.append(received.event.type)

        worker = Worker(bus, Consumption("g", [CALL]), Handlers().otherwise(count), rig.clock)
        tasks.spawn("worker", worker.run)
        await Publisher(bus, "test/0", rig.clock).publish(CallEnded(call_id="c", cause="BUSY", duration_ms=0))
        await until(lambda: kinds == [CallEnded.TYPE])

    async def test_an_event_sent_twice_is_handled_once(self, rig: Rig, tasks: Tasks) -> None:
        bus = await rig.bus(TOPICS)
        publisher = Publisher(bus, "test/0", rig.clock)
        worker = worker_of(bus, rig, heard := Heard())
        tasks.spawn("worker", worker.run)
        event = await publisher.publish(said("c1", 1))
        await publisher.send(event)
        await publisher.publish(said("c1", 2))
        await until(lambda: len(heard.numbers) == 2)
        assert (heard.numbers, worker.counters.duplicates) == (["1", "2"], 1)

    async def test_what_was_handled_but_not_committed_when_a_worker_died_is_not_handled_again(
        self, rig: Rig, tasks: Tasks
    ) -> None:
        bus = await rig.bus(TOPICS)
        inbox, heard = MemoryInbox(), Heard()
        event = await Publisher(bus, "test/0", rig.clock).publish(said("c1", 1))
        # the dead worker's inbox, kept in its database, says what it had done; its offset was never committed
        await inbox.remember(event.id)
        worker = Worker(
            bus, Consumption("g", [CALL]), Handlers().on(CallDataAttached, heard.attached), rig.clock, inbox
        )
        tasks.spawn("worker", worker.run)
        await until(lambda: worker.counters.duplicates == 1)
        assert heard.numbers == []

    async def test_a_stopped_worker_has_committed_and_the_next_goes_on_behind_it(self, rig: Rig, tasks: Tasks) -> None:
        bus = await rig.bus(TOPICS)
        publisher = Publisher(bus, "test/0", rig.clock)
        first, second = Heard(), Heard()
        one = worker_of(bus, rig, first)
        tasks.spawn("one", one.run)
        await publisher.publish(said("c1", 1))
        await until(lambda: first.numbers == ["1"])
        await one.stop()
        await publisher.publish(said("c1", 2))
        two = worker_of(bus, rig, second)
        tasks.spawn("two", two.run)
        await until(lambda: second.numbers)
        assert second.numbers == ["2"]

    async def test_a_handler_that_does_not_end_is_cut_short_and_its_event_left_to_the_next(
        self, rig: Rig, tasks: Tasks
    ) -> None:
        bus = await rig.bus(TOPICS)
        begun, heard = asyncio.Event(), Heard()

        async def hang(_data: CallDataAttached, _received: Received) -> None:
            begun.set()
            await asyncio.Event().wait()

        stuck = Worker(
            bus, Consumption("g", [CALL], hand_over_s=0.05), Handlers().on(CallDataAttached, hang), rig.clock
        )
        tasks.spawn("stuck", stuck.run)
        await Publisher(bus, "test/0", rig.clock).publish(said("c1", 1))
        await begun.wait()
        await stuck.stop()
        assert stuck.counters.handled == 0
        tasks.spawn("next", worker_of(bus, rig, heard).run)
        await until(lambda: heard.numbers == ["1"])

    async def test_members_that_come_and_go_lose_nothing_and_keep_the_order_of_each_call(
        self, rig: Rig, tasks: Tasks
    ) -> None:
        bus = await rig.bus(TOPICS)
        publisher = Publisher(bus, "test/0", rig.clock)
        heard, inbox = Heard(), MemoryInbox()

        def member() -> Worker:
            handlers = Handlers().on(CallDataAttached, heard.attached)
            return Worker(bus, Consumption("g", [CALL]), handlers, rig.clock, inbox)

        first, second = member(), member()
        tasks.spawn("first", first.run)
        await until(lambda: len(first.assigned) == CALL.partitions)
        for number in range(100):
            await publisher.publish(said(f"c{number % 7}", f"{number % 7}-{number:03}"))
            if number == 30:
                tasks.spawn("second", second.run)
            if number == 60:
                await until(lambda: len(second.assigned) == CALL.partitions / 2, what="second has its share")
                await first.stop()
        await until(lambda: len(heard.numbers) == 100, timeout=20)
        for call in range(7):
            mine = [n for n in heard.numbers if n.startswith(f"{call}-")]
            assert mine == sorted(mine)

    async def test_retry_later_holds_its_partition_and_no_other(self, rig: Rig, tasks: Tasks) -> None:
        bus = await rig.bus(TOPICS)
        publisher = Publisher(bus, "test/0", rig.clock)
        heard = Heard(failures={"1": [RetryLater("not yet", 0.05), StoreDown("store.down", "down", 0.05)]})
        worker = worker_of(bus, rig, heard)
        tasks.spawn("worker", worker.run)
        for number in (1, 2):
            await publisher.publish(said("c1", number))
        await publisher.publish(said("c2", "other"))
        await until(lambda: len(heard.numbers) == 3)
        assert heard.numbers.index("1") < heard.numbers.index("2")
        assert (worker.counters.retried, worker.counters.dead_lettered) == (2, 0)

    async def test_poison_goes_to_the_dead_letters_with_its_reason_and_the_rest_goes_on(
        self, rig: Rig, tasks: Tasks
    ) -> None:
        bus = await rig.bus(TOPICS)
        heard = Heard(failures={"bad": [InvalidMessage("no such queue")]})
        worker = worker_of(bus, rig, heard)
        tasks.spawn("worker", worker.run)
        place = await bus.send(Message(CALL.name, "c1", b"{not json", {"trace": "t-1"}))
        publisher = Publisher(bus, "test/0", rig.clock)
        await publisher.publish(said("c1", "bad"))
        await publisher.publish(said("c1", "good"))
        await until(lambda: heard.numbers == ["good"])
        first, second = await everything(bus, DEAD_LETTER)
        assert (first.value, first.headers["trace"], first.headers[TOPIC]) == (b"{not json", "t-1", CALL.name)
        assert first.headers[OFFSET] == str(place.offset)
        assert first.headers[REASON].startswith("message.invalid: not JSON")
        assert second.headers[REASON] == "message.invalid: no such queue"
        assert worker.is_healthy

    async def test_a_dead_letter_sent_again_is_handled_as_if_for_the_first_time(self, rig: Rig, tasks: Tasks) -> None:
        bus = await rig.bus(TOPICS)
        heard = Heard(failures={"1": [InvalidMessage("fault of ours")]})
        worker = worker_of(bus, rig, heard)
        tasks.spawn("worker", worker.run)
        await Publisher(bus, "test/0", rig.clock).publish(said("c1", 1))
        await until(lambda: worker.counters.dead_lettered == 1)
        (letter,) = await everything(bus, DEAD_LETTER)
        await bus.send(message_in(letter))
        await until(lambda: heard.numbers == ["1"])

    async def test_a_handler_that_keeps_failing_is_tried_a_few_times_then_its_message_is_put_aside(
        self, rig: Rig, tasks: Tasks
    ) -> None:
        bus = await rig.bus(TOPICS)
        heard = Heard(failures={"1": [KeyError("agent")] * 9, "2": [KeyError("once")]})
        worker = worker_of(bus, rig, heard)
        tasks.spawn("worker", worker.run)
        for number in (1, 2):
            await Publisher(bus, "test/0", rig.clock).publish(said("c1", number))
        await until(lambda: heard.numbers == ["2"])
        (letter,) = await everything(bus, DEAD_LETTER)
        assert letter.headers[REASON] == "KeyError: 'agent'"
        assert worker.counters.retried == QUICK.tries - 1 + 1

    async def test_too_many_dead_letters_in_a_row_make_the_service_unready_until_one_is_good(
        self, rig: Rig, tasks: Tasks
    ) -> None:
        bus = await rig.bus(TOPICS)
        worker = worker_of(bus, rig, heard := Heard(), BurialLimits(run=3))
        tasks.spawn("worker", worker.run)
        for _ in range(3):
            await bus.send(Message(CALL.name, "c1", b"?"))
        await until(lambda: worker.counters.dead_lettered == 3)
        assert worker.problem == "3 dead letters in a row"
        await Publisher(bus, "test/0", rig.clock).publish(said("c1", 1))
        await until(lambda: heard.numbers)
        assert worker.is_healthy
