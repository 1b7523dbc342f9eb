"""Sessions at once in one process on one core: how long from a menu key to the next prompt. ``python -m tests.load.ivr_sessions``.

The whole service runs, with its bus and its facts, on a switch in memory; the wire to the switch and the bank's own time are not in the
figures. Callers press a key every ``--think`` seconds on average, walk through the menus, hang up and are followed by others.
*The work in between* is the processor time of the process from the key to the prompt, all sessions' together: the latency with a core of
its own.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, process_time

import structlog

from ipcc.esl.fake import FakeNode
from ipcc.esl.requests import Execute
from services.ivr.core.flow import Flow
from services.ivr.core.nodes.menu import MenuNode
from services.ivr.usecases import Sessions
from tests.component.ivr.world import World

# a caller leaves after so many keys, and another comes
KEYS = 12


class TimedNode(FakeNode):
    """Notes when something was begun on a leg, and when the leg asks for keys."""

    def __init__(self, node_id: str) -> None:
        super().__init__(node_id)
        self.pressed: dict[str, tuple[float, float]] = {}
        self.took: list[float] = []
        self.worked: list[float] = []
        self.asked: dict[str, asyncio.Event] = {}

    def _run(self, request: Execute) -> None:
        began = self.pressed.pop(request.leg_id, None)
        if began is not None and request.application in ("playback", "play_and_get_digits"):
            self.took.append(perf_counter() - began[0])
            self.worked.append(process_time() - began[1])
        super()._run(request)
        # what was begun is not looked at again: thousands would slow the bench, not the service
        self.executed.clear()
        self.commands.clear()
        if request.application == "play_and_get_digits":
            self.asked.setdefault(request.leg_id, asyncio.Event()).set()


@dataclass
class Crowd:
    """The callers."""

    world: World
    node: TimedNode
    sessions: Sessions
    flow: Flow
    think_s: float
    until: float
    dice: random.Random = field(default_factory=lambda: random.Random(7))
    calls: int = 0

    async def come_and_go(self) -> None:
        """One caller after the other, until the time is over."""
        await self.world.clock.sleep(self.dice.uniform(0, self.think_s))
        while perf_counter() < self.until:
            call = await self.world.arrive()
            self.calls += 1
            for _ in range(KEYS):
                if not await self._press(call):
                    break
            self.node.asked.pop(call, None)
            await self.world.hang_up(call)

    async def _press(self, call: str) -> bool:
        asked = self.node.asked.setdefault(call, asyncio.Event())
        try:
            async with asyncio.timeout(10):
                await asked.wait()
        except TimeoutError:
            return False
        asked.clear()
        await self.world.clock.sleep(self.dice.expovariate(1 / self.think_s))
        runner = self.sessions.running.get(call)
        if runner is None or perf_counter() > self.until:
            return False
        node = self.flow.nodes[runner.session.at]
        if isinstance(node, MenuNode):
            self.node.pressed[call] = (perf_counter(), process_time())
            # an agent would end the walk
            digits = self.dice.choice([key for key in node.choices if key != "0"])
        else:
            digits = "*"
        self.node.finish(call, variables={"ipcc_digits": digits})
        return True


async def measure(given: argparse.Namespace, folder: Path) -> None:
    """Run and print."""
    world = World(folder, given={"bank_pause_s": 60.0, "bank_failures": 1})
    world.node = node = TimedNode("fs1")
    for application, response in (("answer", "_none_"), ("playback", "FILE PLAYED")):
        node.finish_at_once(application, response)
    await world.open()
    try:
        async with world.replica() as ivr:
            flow = ivr.sessions.outside.flows.published("bank-main")
            began, spent = perf_counter(), process_time()
            crowd = Crowd(world, node, ivr.sessions, flow, given.think, began + given.seconds)
            looking = look(ivr.sessions, given.seconds / 2)
            at_once, *_ = await asyncio.gather(looking, *(crowd.come_and_go() for _ in range(given.sessions)))
            _print(crowd, int(at_once or 0), perf_counter() - began, process_time() - spent)
    finally:
        await world.close()


async def look(sessions: Sessions, after_s: float) -> int:
    """How many are served in the middle of the run."""
    await sessions.outside.clock.sleep(after_s)
    return len(sessions.running)


def _print(crowd: Crowd, at_once: int, seconds: float, cpu: float) -> None:
    took = sorted(1000 * one for one in crowd.node.took)
    worked = sorted(1000 * one for one in crowd.node.worked)
    p50, p99, own = took[len(took) // 2], took[int(len(took) * 0.99)], worked[int(len(worked) * 0.99)]
    print(
        "| sessions at once | calls | keys in menus | p50 | p99 | longest | p99 of the work in between | of one core |"
    )
    print("|---|---|---|---|---|---|---|---|")
    print(
        f"| {at_once} | {crowd.calls} | {len(took)} | {p50:.1f} ms | {p99:.1f} ms | {took[-1]:.1f} ms | {own:.1f} ms "
        f"| {100 * cpu / seconds:.0f} % |"
    )


def main() -> None:
    """Hold the process to one core, and measure."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sessions", type=int, default=200)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--think", type=float, default=3.0)
    given = options.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(given, Path(folder)))


if __name__ == "__main__":
    main()
