"""Workers, views, answers, leases and dead letters: on the in-process broker and on a real Apache Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from ipcc.bus import (
    BEGINNING,
    Bus,
    Consumption,
    Handlers,
    Lease,
    MemoryInbox,
    Message,
    Publisher,
    Received,
    Replier,
    Requester,
    Tenure,
    View,
    Worker,
)
from ipcc.bus.dead_letters import OFFSET, REASON, TOPIC, message_in
from ipcc.bus.judgement import BurialLimits, Patience
from ipcc.bus.rpc import ReplyCounters
from ipcc.contracts.acd import Enqueue
from ipcc.contracts.call import CallDataAttached, CallEnded, PhoneChanged
from ipcc.contracts.topics import ACD_COMMAND, CALL, DEAD_LETTER, OUTBOUND_LEASE, PHONE, REPLY, Topic
from ipcc.errors import InvalidMessage, NotNow, RetryLater, StoreDown, SwitchDown, SwitchRefused, Unavailable
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


class TestEveryView:
    """A compacted topic as a dictionary."""

    async def test_it_has_the_last_word_of_every_key_and_hears_each_change(self, rig: Rig, tasks: Tasks) -> None:
        bus = await rig.bus([PHONE])
        publisher = Publisher(bus, "test/0", rig.clock)
        for registered in (True, False, True):
            await publisher.publish(PhoneChanged(phone_id="1001", registered=registered))
        await publisher.publish(PhoneChanged(phone_id="1002", registered=True))
        await publisher.forget(PhoneChanged(phone_id="1002", registered=False))
        view = View(bus, PHONE, rig.clock)
        changes: list[tuple[str, bool]] = []
        view.on_change(lambda key, event: changes.append((key, event is not None)))
        tasks.spawn("view", view.run)
        await view.ready(10)
        assert {key: event.data for key, event in view.items()} == {
            "1001": PhoneChanged(phone_id="1001", registered=True)
        }
        await publisher.publish(PhoneChanged(phone_id="1003", registered=True))
        await until(lambda: "1003" in view)
        await publisher.forget(PhoneChanged(phone_id="1001", registered=False))
        await until(lambda: "1001" not in view)
        assert changes[-2:] == [("1003", True), ("1001", False)]

    async def test_what_cannot_be_read_is_counted_and_the_last_good_word_kept(self, rig: Rig, tasks: Tasks) -> None:
        bus = await rig.bus([PHONE])
        await Publisher(bus, "test/0", rig.clock).publish(PhoneChanged(phone_id="1001", registered=True))
        await bus.send(Message(PHONE.name, "1001", b"?"))
        view = View(bus, PHONE, rig.clock)
        tasks.spawn("view", view.run)
        await view.ready(10)
        assert (view.unreadable, "1001" in view) == (1, True)


@dataclass
class Desk:
    """Answers Enqueue: with its queue, or with the error it was told."""

    errors: list[Exception] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    async def enqueue(self, data: Enqueue, received: Received) -> Mapping[str, Any]:
        self.asked.append(data.entry_id)
        if data.queue_id == "slow":
            await self.hold.wait()
        if self.errors:
            raise self.errors.pop(0)
        return {"queue": data.queue_id}


def enqueue(entry_id: str, queue_id: str = "cards") -> Enqueue:
    """A command."""
    return Enqueue(
        entry_id=entry_id,
        call_id="c",
        leg_id="l",
        node_id="n",
        queue_id=queue_id,
        entered_at=datetime.now(UTC),  # noqa: TID251
    )


@dataclass
class Exchange:
    """An asker and a desk on one bus."""

    requester: Requester
    desk: Desk
    counters: ReplyCounters


async def exchange(rig: Rig, tasks: Tasks) -> Exchange:
    bus = await rig.bus([ACD_COMMAND, REPLY, DEAD_LETTER])
    replier = Replier(Publisher(bus, "acd/0", rig.clock))
    desk = Desk()
    handlers = Handlers().on(Enqueue, replier.answering(desk.enqueue))
    worker = Worker(bus, Consumption("acd", [ACD_COMMAND], patience=QUICK), handlers, rig.clock)
    requester = Requester(bus, Publisher(bus, "ivr/0", rig.clock), "ivr-0")
    tasks.spawn("desk", worker.run)
    tasks.spawn("replies", requester.run)
    await until(lambda: worker.assigned and requester.is_listening)
    return Exchange(requester, desk, replier.counters)


class TestEveryExchange:
    """Commands with answers."""

    async def test_the_answer_comes_back_to_who_asked(self, rig: Rig, tasks: Tasks) -> None:
        x = await exchange(rig, tasks)
        answers = await asyncio.gather(*(x.requester.ask(enqueue(f"e{n}", f"q{n}")) for n in range(5)))
        assert answers == [{"queue": f"q{n}"} for n in range(5)]

    async def test_an_error_of_ours_is_raised_again_as_itself(self, rig: Rig, tasks: Tasks) -> None:
        x = await exchange(rig, tasks)
        x.desk.errors = [
            NotNow("queue.closed", "the queue is closed", queue="cards"),
            SwitchDown("switch.down", "node 1 is away", retry_after_s=7.0),
            SwitchRefused("USER_BUSY", cause="USER_BUSY"),
        ]
        with pytest.raises(NotNow, match="the queue is closed") as closed:
            await x.requester.ask(enqueue("e1"))
        assert (closed.value.code, closed.value.details) == ("queue.closed", {"queue": "cards"})
        with pytest.raises(SwitchDown) as down:
            await x.requester.ask(enqueue("e2"))
        assert down.value.retry_after_s == 7.0
        with pytest.raises(SwitchRefused) as refused:
            await x.requester.ask(enqueue("e3"))
        assert refused.value.cause == "USER_BUSY"
        assert x.desk.asked == ["e1", "e2", "e3"]

    async def test_nobody_waits_longer_than_the_deadline(self, rig: Rig, tasks: Tasks) -> None:
        x = await exchange(rig, tasks)
        with pytest.raises(Unavailable) as late:
            await x.requester.ask(enqueue("e1", "slow"), timeout_s=0.3)
        assert late.value.code == "rpc.no_answer"
        x.desk.hold.set()
        # the late answer disturbs nobody
        assert await x.requester.ask(enqueue("e2")) == {"queue": "cards"}

    async def test_a_command_that_expired_in_the_queue_is_not_carried_out(self, rig: Rig, tasks: Tasks) -> None:
        x = await exchange(rig, tasks)
        asking = asyncio.gather(
            x.requester.ask(enqueue("e1", "slow"), timeout_s=0.3),
            x.requester.ask(enqueue("e2"), timeout_s=0.3),
            return_exceptions=True,
        )
        assert all(isinstance(r, Unavailable) for r in await asking)
        x.desk.hold.set()
        assert await x.requester.ask(enqueue("e3")) == {"queue": "cards"}
        assert (x.desk.asked, x.counters.expired) == (["e1", "e3"], 1)


@dataclass
class Owner:
    """Holds what its lease gives."""

    has: dict[int, Tenure] = field(default_factory=dict)
    story: list[tuple[str, Tenure]] = field(default_factory=list)

    async def acquired(self, tenure: Tenure) -> None:
        assert tenure.partition not in self.has
        self.has[tenure.partition] = tenure
        self.story.append(("acquired", tenure))

    async def lost(self, tenure: Tenure) -> None:
        del self.has[tenure.partition]
        self.story.append(("lost", tenure))


class TestEveryLease:
    """Ownership by partition."""

    TOPIC: Topic = OUTBOUND_LEASE

    def candidate(self, bus: Bus, rig: Rig, name: str) -> tuple[Lease, Owner]:
        owner = Owner()
        return Lease(bus, self.TOPIC, name, owner, rig.clock), owner

    async def test_one_candidate_gets_all_and_a_second_half_without_disturbing_the_rest(
        self, rig: Rig, tasks: Tasks
    ) -> None:
        bus = await rig.bus([self.TOPIC])
        first, one = self.candidate(bus, rig, "a")
        second, two = self.candidate(bus, rig, "b")
        tasks.spawn("a", first.run)
        await until(lambda: len(one.has) == self.TOPIC.partitions)
        before = dict(one.has)
        tasks.spawn("b", second.run)
        await until(lambda: len(one.has) == len(two.has) == 2)
        assert one.has == {p: before[p] for p in one.has}
        assert not one.has.keys() & two.has.keys()
        for partition, tenure in two.has.items():
            assert tenure.epoch > before[partition].epoch

    async def test_who_goes_gives_all_back_and_the_other_takes_over_with_a_higher_epoch(
        self, rig: Rig, tasks: Tasks
    ) -> None:
        bus = await rig.bus([self.TOPIC])
        first, one = self.candidate(bus, rig, "a")
        second, two = self.candidate(bus, rig, "b")
        going = tasks.spawn("a", first.run)
        await until(lambda: len(one.has) == self.TOPIC.partitions)
        epochs = {p: t.epoch for p, t in one.has.items()}
        tasks.spawn("b", second.run)
        going.cancel()
        await until(lambda: len(two.has) == self.TOPIC.partitions)
        assert one.has == {}
        assert all(two.has[p].epoch > epochs[p] for p in epochs)
        assert second.tenure_of("domain-1") is not None
        assert first.tenure_of("domain-1") is None

    async def test_who_is_killed_is_replaced_without_his_doing(self, rig: Rig, tasks: Tasks) -> None:
        bus = await rig.bus([self.TOPIC])
        first, one = self.candidate(bus, rig, "a")
        second, two = self.candidate(bus, rig, "b")
        going = tasks.spawn("a", first.run)
        await until(lambda: len(one.has) == self.TOPIC.partitions)
        epochs = {p: t.epoch for p, t in one.has.items()}
        assert first.consumer is not None
        rig.mute(first.consumer)
        going.cancel()
        tasks.spawn("b", second.run)
        await until(lambda: len(two.has) == self.TOPIC.partitions, timeout=30)
        assert all(two.has[p].epoch > epochs[p] for p in epochs)

    async def test_a_tenure_renounced_is_claimed_anew_under_a_higher_epoch(self, rig: Rig, tasks: Tasks) -> None:
        bus = await rig.bus([self.TOPIC])
        lease, owner = self.candidate(bus, rig, "a")
        tasks.spawn("a", lease.run)
        await until(lambda: len(owner.has) == self.TOPIC.partitions)
        old = owner.has[0]
        lease.renounce(old)
        await until(lambda: ("lost", old) in owner.story and 0 in owner.has)
        assert owner.has[0].epoch > old.epoch

    async def test_claims_stay_readable_as_the_story_of_ownership(self, rig: Rig, tasks: Tasks) -> None:
        bus = await rig.bus([self.TOPIC])
        lease, owner = self.candidate(bus, rig, "acd-0")
        tasks.spawn("a", lease.run)
        await until(lambda: len(owner.has) == self.TOPIC.partitions)
        claims = await everything(bus, self.TOPIC, BEGINNING)
        assert all(b"acd-0" in (c.value or b"") for c in claims)
