"""The whole suite under calls that come at random: is everything counted alike, is nobody lost, what does it cost.

``python -m tests.load.suite [calls/s] [seconds] [processes]`` starts all services on the simulated switch, in this process or, with
``processes``, each in its own on a real Kafka, and lets callers arrive as a Poisson process (seeded): two in five serve themselves,
two in five want an agent, one in five gives up waiting; there are agents enough. Afterwards the report, the board and acd's own log
must tell the same totals (invariant I6), every call, session and stay must have ended, every conversation must have its
recording, and the switch must be empty. Exit code 1 when not. Told besides: processor and memory by process, and how long after
the switch had joined a caller to his agent the board had counted him as answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import math
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import yaml

from ipcc.bus import Bus
from ipcc.bus.kafka import KafkaBus
from ipcc.bus.kafka_link import KafkaSettings
from ipcc.cli.journeys import CARDS, ENTRY_POINT
from ipcc.cli.plan import DEMO_ORGANISATION, Plan
from ipcc.cli.processes import Family, running_family
from ipcc.cli.stage import Stage
from ipcc.cli.suite import Suite, running_suite
from ipcc.cli.verdict import compare_totals
from ipcc.clock import SystemClock
from ipcc.logging import configure_logging
from ipcc.sim.people import Caller, Keys, PhoneScript
from tests.load.costs import BoardDelay, Costs, counted_on_board
from tests.support.kafka_broker import KafkaBroker
from tests.support.until import until

SETTLE_S = 120
# three in five want an agent, who is busy with one for about so long: rings, talks, wraps up
BUSY_S = 5.0


def agents_for(rate: float) -> tuple[str, ...]:
    """Agents enough for so many callers a second, named as their phones."""
    return tuple(str(1001 + number) for number in range(8 + math.ceil(rate * 0.6 * BUSY_S)))


@dataclass
class Load:
    """What was asked for and what came of it."""

    suite: Suite
    client: httpx.AsyncClient
    stage: Stage
    bus: Bus
    agents: tuple[str, ...]
    rate: float
    seconds: float
    dice: random.Random = field(default_factory=lambda: random.Random(7))
    kinds: Counter[str] = field(default_factory=Counter)
    placed: list[str] = field(default_factory=list)
    refused: int = 0
    most_at_once: int = 0

    async def play(self) -> None:
        """Callers arrive for ``seconds``; then wait until the switch is empty."""
        sim = self.suite.sim
        assert sim is not None
        loop = asyncio.get_running_loop()
        due = began = loop.time()
        while (due := due + self.dice.expovariate(self.rate)) < began + self.seconds:
            await asyncio.sleep(max(0.0, due - loop.time()))
            call = sim.place_call(self._caller(len(self.placed)))
            self.refused += call is None
            self.placed += [call] if call else []
            self.most_at_once = max(self.most_at_once, len(sim.engine.kernel.channels))
        await until(lambda: not sim.engine.kernel.channels, SETTLE_S, "the switch is empty")

    def _caller(self, serial: int) -> Caller:
        dice = self.dice
        kind = dice.choice(("balance", "balance", "agent", "agent", "impatient"))
        self.kinds[kind] += 1
        caller = Caller(f"1380{serial:07d}", ENTRY_POINT, patience_s=90, variables={"ipcc_trunk": "demo"})
        if kind == "balance":
            return replace(caller, keys=_balance(dice.choice(list(CARDS.values()))), hang_up_after_s=60)
        keys = (Keys("0", prompt="choose-language", after_s=dice.uniform(0.1, 0.5)),)
        if kind == "agent":
            return replace(caller, keys=keys, talk_s=dice.uniform(1, 4))
        return replace(caller, keys=keys, hang_up_after_s=dice.uniform(0.5, 4))


def _balance(card: tuple[str, str]) -> tuple[Keys, ...]:
    return (
        Keys("1", prompt="choose-language", after_s=0.2),
        Keys("1", prompt="main-menu", after_s=0.2),
        Keys(card[0] + "#", prompt="enter-card", after_s=0.2, gap_s=0.04),
        Keys(card[1] + "#", prompt="enter-pin", after_s=0.2, gap_s=0.04),
    )


@asynccontextmanager
async def _running(
    folder: Path, agents: tuple[str, ...], *, in_processes: bool
) -> AsyncIterator[tuple[Suite, Bus, Family | None]]:
    """The suite, a bus to read what was told, and the processes if each service has its own."""
    plan = Plan(folder, organisation=_organisation(folder, agents), any_ports=True)
    async with AsyncExitStack() as stack:
        if not in_processes:
            suite = await stack.enter_async_context(running_suite(plan))
            yield suite, suite.parts.bus(suite.services[0].settings), None
            return
        broker = KafkaBroker(folder / "kafka")
        broker.start()
        stack.callback(broker.stop)
        plan = replace(plan, kafka=broker.address, processes=True)
        suite, family = await stack.enter_async_context(running_family(plan))
        yield suite, KafkaBus(KafkaSettings(broker.address), SystemClock()), family


async def main(rate: float, seconds: float, *, in_processes: bool) -> int:
    with tempfile.TemporaryDirectory() as name:
        agents = agents_for(rate)
        async with (
            _running(Path(name), agents, in_processes=in_processes) as (suite, bus, family),
            suite.client() as client,
        ):
            load = Load(suite, client, Stage(suite, client, SystemClock()), bus, agents, rate, seconds)
            await _open(load)
            costs = Costs.of(family)
            async with counted_on_board(suite) as board:
                began = asyncio.get_running_loop().time()
                await load.play()
                took = asyncio.get_running_loop().time() - began
                problems = await _settled(load)
            _tell(load, took, costs, board)
    for problem in problems:
        print("WRONG:", problem)
    print("everything adds up" if not problems else f"{len(problems)} problems")
    return 1 if problems else 0


def _tell(load: Load, took: float, costs: Costs, board: BoardDelay) -> None:
    calls = max(1, len(load.placed))
    print(f"{len(load.placed)} calls in {took:.0f} s ({dict(load.kinds)}), {load.refused} refused by the switch,")
    print(f"at most {load.most_at_once} legs at once, {len(load.agents)} agents; load {os.getloadavg()[0]:.1f}")
    print(f"{'process':14}{'ms of processor a call':>24}{'MB before':>12}{'MB after':>12}")
    for cost in costs.since():
        print(f"{cost.name:14}{cost.busy_s / calls * 1000:24.1f}{cost.mb_before:12.0f}{cost.mb_after:12.0f}")
    print("this process: simulated switch, callers and whatever has no process of its own")
    if delays := board.milliseconds():
        p50, p90, p99 = (delays[round(share * (len(delays) - 1))] for share in (0.5, 0.9, 0.99))
        print(
            f"joined on the switch -> answered on the board: p50 {p50:.0f}, p90 {p90:.0f}, p99 {p99:.0f} ms of {len(delays)}"
        )


async def _open(load: Load) -> None:
    sim = load.suite.sim
    assert sim is not None
    await load.stage.prepare(load.agents)
    for agent in load.agents:
        sim.set_phone(PhoneScript(agent, answer_after_s=load.dice.uniform(0.3, 1.5)))
        answer = await load.client.post(f"{load.suite.urls['ctiserver']}/v1/agents/{agent}/ready")
        answer.raise_for_status()


async def _settled(load: Load) -> list[str]:
    """Everything that does not add up once all services have caught up."""
    bus = load.bus
    await bus.start()
    problems: list[str] = []
    try:

        async def is_settled() -> bool:
            problems[:] = compare_totals(await load.stage.totals(bus)) + await _faults(load)
            return not problems

        with contextlib.suppress(AssertionError):
            # what is left then is told, fault by fault
            await until(is_settled, SETTLE_S, "everything adds up")
        print("totals:", (await load.stage.totals(bus))["log"])
    finally:
        await bus.stop()
    alerts = (await load.client.get(f"{load.suite.urls['monitor']}/v1/alerts")).json()
    return problems + [f"alert: {alert}" for alert in alerts]


async def _faults(load: Load) -> list[str]:
    """Calls that the report has not, or not ended, or without what belongs to them; the first ten."""
    found: list[str] = []
    for call in load.placed:
        answer = await load.client.get(f"{load.suite.urls['report']}/v1/calls/{call}")
        why = "unknown to the report" if answer.status_code != 200 else _fault(answer.json())
        if why:
            found.append(f"call {call}: {why}")
        if len(found) >= 10:
            break
    return found


def _fault(call: dict[str, Any]) -> str:
    if not call["ended_at"] or any(not leg["ended_at"] for leg in call["legs"]):
        return "has not ended"
    if len(call["sessions"]) != 1 or not call["sessions"][0]["ended_at"]:
        return f"its flow has not ended: {call['sessions']}"
    if any(not stay["outcome"] for stay in call["stays"]) or any(not offer["outcome"] for offer in call["offers"]):
        return "a stay or an offer has not ended"
    answered = [stay for stay in call["stays"] if stay["outcome"] == "answered"]
    if answered and (answered[0]["talk_ms"] is None or not call["recordings"] or call["recordings"][0]["fault"]):
        return f"answered, with talk {answered[0]['talk_ms']} and recordings {call['recordings']}"
    return ""


def _organisation(folder: Path, agents: tuple[str, ...]) -> Path:
    """The demonstration's, with agents who can do everything its own agents can, and hardly wrap up."""
    document = yaml.safe_load(DEMO_ORGANISATION.read_text(encoding="utf-8"))
    able = {name: value for user in document["users"] if user.get("phone") for name, value in user.items()}
    skills = {skill["id"]: 9 for skill in document["skills"]}
    own = {"organisation": "bank", "skills": skills, "languages": ["zh", "en"]}
    document["phones"] = [{"id": agent, "name": agent} for agent in agents]
    document["users"] = [user for user in document["users"] if not user.get("phone")]
    document["users"] += [{**copy.deepcopy({**able, **own}), "id": a, "name": a, "phone": a} for a in agents]
    for queue in document["queues"]:
        queue["wrap_up_s"] = 1
    path = folder / "organisation.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return path


if __name__ == "__main__":
    configure_logging("ERROR", "auto")
    numbers = [float(word) for word in sys.argv[1:] if word != "processes"]
    rate, seconds = numbers + [5.0, 60.0][len(numbers) :]
    sys.exit(asyncio.run(main(rate, seconds, in_processes="processes" in sys.argv)))
