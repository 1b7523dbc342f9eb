"""The whole suite under calls that come at random: is everything counted alike, is nobody lost, what does it cost.

``python -m tests.load.suite [calls/s] [seconds]`` starts all services on the simulated switch in this process, with twenty agents,
and lets callers arrive as a Poisson process (seeded): two in five serve themselves, two in five want an agent, one in five gives
up waiting. Afterwards the report, the board and acd's own log must tell the same totals (invariant I6), every call, session and
stay must have ended, every conversation must have its recording, and the switch must be empty. Exit code 1 when not.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import yaml

from ipcc.cli.journeys import CARDS, ENTRY_POINT
from ipcc.cli.plan import DEMO_ORGANISATION, Plan
from ipcc.cli.stage import Stage
from ipcc.cli.suite import Suite, running_suite
from ipcc.cli.verdict import compare_totals
from ipcc.clock import SystemClock
from ipcc.logging import configure_logging
from ipcc.sim.people import Caller, Keys, PhoneScript
from tests.support.until import until

AGENTS = tuple(str(1001 + number) for number in range(20))
SETTLE_S = 120
PAGE = 500


@dataclass
class Load:
    """What was asked for and what came of it."""

    suite: Suite
    client: httpx.AsyncClient
    stage: Stage
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


async def main(rate: float, seconds: float) -> int:
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(Path(folder), organisation=_organisation(Path(folder)), any_ports=True)
        async with running_suite(plan) as suite, suite.client() as client:
            load = Load(suite, client, Stage(suite, client, SystemClock()), rate, seconds)
            await _open(load)
            began, busy = asyncio.get_running_loop().time(), _processor_s()
            await load.play()
            took, busy = asyncio.get_running_loop().time() - began, _processor_s() - busy
            problems = await _settled(load)
            print(
                f"{len(load.placed)} calls in {took:.0f} s ({dict(load.kinds)}), {load.refused} refused by the switch,"
            )
            print(
                f"at most {load.most_at_once} legs at once; {busy / max(1, len(load.placed)) * 1000:.0f} ms of processor a call,"
            )
            print(f"simulated switch, callers and bank included; {_memory_mb()} MB at most")
    for problem in problems:
        print("WRONG:", problem)
    print("everything adds up" if not problems else f"{len(problems)} problems")
    return 1 if problems else 0


async def _open(load: Load) -> None:
    sim = load.suite.sim
    assert sim is not None
    await load.stage.prepare(AGENTS)
    for agent in AGENTS:
        sim.set_phone(PhoneScript(agent, answer_after_s=load.dice.uniform(0.3, 1.5)))
        answer = await load.client.post(f"{load.suite.urls['ctiserver']}/v1/agents/{agent}/ready")
        answer.raise_for_status()


async def _settled(load: Load) -> list[str]:
    """Everything that does not add up once all services have caught up."""
    bus = load.suite.parts.bus(load.suite.services[0].settings)
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


def _organisation(folder: Path) -> Path:
    """The demonstration's, with twenty agents who can do everything and hardly wrap up."""
    document = yaml.safe_load(DEMO_ORGANISATION.read_text(encoding="utf-8"))
    staff = [user for user in document["users"] if not user.get("phone")]
    skills = {skill["id"]: 9 for skill in document["skills"]}
    document["phones"] = [{"id": agent, "name": agent} for agent in AGENTS]
    document["users"] = staff + [
        {"id": a, "name": a, "organisation": "bank", "phone": a, "skills": dict(skills), "languages": ["zh", "en"]}
        for a in AGENTS
    ]
    for queue in document["queues"]:
        queue["wrap_up_s"] = 1
    path = folder / "organisation.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return path


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _memory_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    configure_logging("ERROR", "auto")
    given = [float(word) for word in sys.argv[1:]]
    sys.exit(asyncio.run(main(*(given + [5.0, 60.0][len(given) :]))))
