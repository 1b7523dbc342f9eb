"""Commands with answers and deadlines: on the in-process broker and on a real Apache Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from ipcc.bus import Consumption, Handlers, Publisher, Received, Replier, Requester, Worker
from ipcc.bus.judgement import Patience
from ipcc.bus.rpc import ReplyCounters
from ipcc.contracts.acd import Enqueue
from ipcc.contracts.topics import ACD_COMMAND, DEAD_LETTER, REPLY
from ipcc.errors import NotNow, SwitchDown, SwitchRefused, Unavailable
from ipcc.tasks import Tasks
from tests.support.bus_rig import Rig
from tests.support.until import until

QUICK = Patience(tries=3, first_delay_s=0.01, longest_delay_s=0.05)


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
