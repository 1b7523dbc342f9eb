"""Commands with and without somebody who waits for the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ipcc.bus import (
    BEGINNING,
    Consumption,
    Handlers,
    MemoryBroker,
    MemoryBus,
    Publisher,
    Received,
    Replier,
    Worker,
    message_of,
)
from ipcc.bus.judgement import Patience
from ipcc.bus.rpc import DEADLINE, REPLY_TO
from ipcc.clock import SystemClock
from ipcc.contracts.acd import Enqueue
from ipcc.contracts.topics import ACD_COMMAND, REPLY
from ipcc.errors import IpccError, NotNow, StoreDown
from ipcc.tasks import Tasks
from tests.support.until import until

CLOCK = SystemClock()


@dataclass
class Scene:
    """A desk behind a replier, and a publisher of commands."""

    broker: MemoryBroker
    errors: list[IpccError] = field(default_factory=list)
    asked: int = 0
    breaks_broker: bool = False

    def __post_init__(self) -> None:
        self.bus = MemoryBus(self.broker, send_timeout_s=0.05)
        self.publisher = Publisher(self.bus, "test/0", CLOCK)
        self.replier = Replier(self.publisher)
        patience = Patience(first_delay_s=0.01, longest_delay_s=0.01)
        handlers = Handlers().on(Enqueue, self.replier.answering(self.enqueue))
        self.worker = Worker(self.bus, Consumption("acd", [ACD_COMMAND], patience), handlers, CLOCK)

    async def enqueue(self, data: Enqueue, received: Received) -> Mapping[str, Any]:
        self.asked += 1
        if self.breaks_broker:
            self.broker.go_down()
        if self.errors:
            raise self.errors.pop(0)
        return {}

    async def command(self, headers: Mapping[str, str]) -> None:
        """Send one."""
        command = Enqueue(
            entry_id="e1", call_id="c1", leg_id="l1", node_id="n1", queue_id="cards", entered_at=CLOCK.now()
        )
        await self.bus.send(message_of(self.publisher.event(command), headers))


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    broker, tasks = MemoryBroker(CLOCK), Tasks()
    made = Scene(broker)
    tasks.spawn("desk", made.worker.run)
    yield made
    broker.come_back()
    await tasks.stop()
    await broker.stop()


async def test_a_refusal_nobody_waits_for_is_no_dead_letter(scene: Scene) -> None:
    scene.errors = [NotNow("queue.closed", "closed")]
    await scene.command({})
    await until(lambda: scene.worker.counters.handled == 1)
    assert (scene.replier.counters.failed, scene.worker.counters.dead_lettered) == (1, 0)


async def test_what_is_down_is_waited_for_when_nobody_waits_for_us(scene: Scene) -> None:
    scene.errors = [StoreDown("store.down", "no database", retry_after_s=0.01)]
    await scene.command({})
    await until(lambda: scene.worker.counters.handled == 1)
    assert scene.asked == 2


async def test_a_command_whose_answer_is_lost_is_not_carried_out_twice(scene: Scene) -> None:
    scene.breaks_broker = True
    await scene.command({REPLY_TO: "ivr-0"})
    await until(lambda: scene.worker.counters.handled == 1)
    assert scene.asked == 1


async def test_the_answer_goes_to_the_asker_and_no_other(scene: Scene) -> None:
    await scene.command({REPLY_TO: "ivr-0"})
    await until(lambda: scene.replier.counters.done == 1)
    async with scene.bus.replay(REPLY.name, BEGINNING) as reader:
        assert [(r.key, r.headers[REPLY_TO]) async for r in reader] == [("ivr-0", "ivr-0")]


@pytest.mark.parametrize("deadline", ["soon", "2026-01-05T09:00:00"])
async def test_a_deadline_that_is_no_time_with_a_zone_is_a_dead_letter(scene: Scene, deadline: str) -> None:
    await scene.command({DEADLINE: deadline})
    await until(lambda: scene.worker.counters.dead_lettered == 1)
    assert scene.asked == 0
