"""How many decisions the routing core makes a second on one core, and how that depends on the number of agents.

``python -m tests.load.acd [seconds]`` prints a table: 1,000 and 10,000 agents, 500 queues, 40 skills, 5,000 callers waiting. A day at
full load is played through ``advance``: an agent's conversation ends, he is offered the next caller, his phone rings, he answers, is
joined; a new caller comes for every one who is served. Every input is a decision; "offers" counts those that chose an agent.
The sizes take turns so that a busy machine disturbs both alike; processor time, the best turn of each. Memory by ``tracemalloc`` in
a run of its own. Targets of the design: 5,000 decisions/s, ten times the agents at most 1.5 times the cost.
"""

from __future__ import annotations

import gc
import random
import sys
import time
import tracemalloc
from datetime import UTC, datetime, timedelta

from ipcc.contracts.acd import Enqueue, SignIn
from ipcc.contracts.call import LegEnded, PhoneChanged
from ipcc.contracts.config import ConfigChanged, Phone, Queue, Skill, User
from services.acd.core.decision import Decision, advance
from services.acd.core.effects import RingAgent
from services.acd.core.inputs import Joined, PickedUp, Rang
from services.acd.core.state import State

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
SKILLS = [f"skill{n:02}" for n in range(40)]
QUEUES = 500
WAITING = 5_000
ROUNDS = 6
STEP = timedelta(milliseconds=1)


class Day:
    """A domain at full load. ``decisions`` and ``offers`` count what was decided since the start."""

    def __init__(self, agents: int, seed: int = 1) -> None:
        self.state = State("default")
        self.now = START
        self.decisions = self.offers = self.callers = 0
        self._random = random.Random(seed)
        self._talks: list[str] = []
        for skill in SKILLS:
            self._learn(Skill(id=skill, name=skill))
        for number in range(QUEUES):
            asked = {s: self._random.randint(1, 5) for s in self._random.sample(SKILLS, self._random.choice((1, 1, 2)))}
            self._learn(Queue(id=f"q{number}", name="q", skills=asked, wrap_up_s=0, max_waiting=100_000))
        for number in range(agents):
            self._hire(f"a{number}")

    def fill(self) -> None:
        """Callers come until WAITING of them wait; whoever is offered one serves him."""
        while len(self.state.entries) < WAITING:
            self.arrive()

    def turn(self) -> None:
        """One conversation ends, the next begins, one caller more comes."""
        # the longest talk is over; a random one would cost the benchmark more than the decision
        offer_id = self._talks.pop(0)
        contact = self.state.contact_on(offer_id)
        assert contact is not None
        self._serve(
            self._give(
                LegEnded(call_id=contact.call_id, leg_id=offer_id, node_id="fs1", cause="NORMAL_CLEARING"),
            )
        )
        if len(self.state.entries) < WAITING:
            self.arrive()

    def arrive(self) -> None:
        """One caller more; whoever is offered him serves him."""
        self.callers += 1
        name = f"c{self.callers}"
        order = Enqueue(
            entry_id=f"e{name}",
            call_id=name,
            leg_id=f"l{name}",
            node_id="fs1",
            queue_id=f"q{self._random.randrange(QUEUES)}",
            entered_at=self.now,
            priority=self._random.randint(3, 7),
        )
        self._serve(self._give(order))

    def _serve(self, decision: Decision) -> None:
        for effect in decision.effects:
            if isinstance(effect, RingAgent):
                self.offers += 1
                for given in (Rang(effect.offer_id, "fs1"), PickedUp(effect.offer_id, "fs1"), Joined(effect.offer_id)):
                    self._give(given)
                self._talks.append(effect.offer_id)

    def _hire(self, name: str) -> None:
        skills = {s: self._random.randint(1, 10) for s in self._random.sample(SKILLS, 4)}
        self._learn(User(id=name, name=name, organisation="bank", skills=skills))
        self._learn(Phone(id=f"p{name}", name=name))
        self._give(PhoneChanged(phone_id=f"p{name}", registered=True, node_id="fs1"))
        self._give(SignIn(agent_id=name, phone_id=f"p{name}", ready=True))

    def _learn(self, thing: Skill | Queue | User | Phone) -> None:
        self._give(ConfigChanged(kind=thing.kind, object_id=thing.id, version=1, object=thing))

    def _give(self, given: object) -> Decision:
        self.now += STEP
        self.decisions += 1
        return advance(self.state, given, self.now)


def measure(day: Day, seconds: float) -> tuple[float, float]:
    """Decisions and offers a second of processor time."""
    decisions, offers, started = day.decisions, day.offers, time.process_time()
    while time.process_time() - started < seconds:
        for _ in range(20):
            day.turn()
    taken = time.process_time() - started
    return (day.decisions - decisions) / taken, (day.offers - offers) / taken


def weigh(agents: int) -> tuple[float, float]:
    """Bytes of memory per agent signed in and per entry that waits."""
    tracemalloc.start()
    empty = tracemalloc.get_traced_memory()[0]
    day = Day(agents)
    gc.collect()
    staffed = tracemalloc.get_traced_memory()[0]
    day.fill()
    served, before = len(day.state.contacts), len(day.state.entries)
    gc.collect()
    full = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    # conversations are weighed with the entries: both are callers in the house
    return (staffed - empty) / agents, (full - staffed) / (served + before)


def weigh_waiting(callers: int) -> float:
    """Bytes of memory per entry that waits, with nobody there to serve it."""
    tracemalloc.start()
    day = Day(0)
    gc.collect()
    empty = tracemalloc.get_traced_memory()[0]
    for _ in range(callers):
        day.arrive()
    gc.collect()
    full = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (full - empty) / len(day.state.entries)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    sizes = (1_000, 10_000)
    days = {}
    for size in sizes:
        days[size] = Day(size)
        days[size].fill()
    gc.freeze()
    best = dict.fromkeys(sizes, (0.0, 0.0))
    for _ in range(ROUNDS):
        for size in sizes:
            best[size] = max(best[size], measure(days[size], seconds / ROUNDS))
    print(f"{QUEUES} queues, {len(SKILLS)} skills, {WAITING:,} callers waiting; best of {ROUNDS} turns each")
    print(f"{'agents':>8}{'talking':>9}{'idle':>7}{'lanes':>7}{'decisions/s':>13}{'offers/s':>10}{'us/decision':>13}")
    for size, (decisions, offers) in best.items():
        state = days[size].state
        row = f"{size:>8,}{len(state.contacts):>9,}{len(state.idle):>7,}{len(state.lanes):>7,}"
        print(f"{row}{decisions:>13,.0f}{offers:>10,.0f}{1e6 / decisions:>13.1f}")
    print(
        f"cost at {sizes[1]:,} agents over cost at {sizes[0]:,}: {best[sizes[0]][0] / best[sizes[1]][0]:.2f} (at most 1.5)"
    )
    days.clear()
    per_agent, per_caller = weigh(sizes[1])
    print(f"memory: {per_agent:,.0f} bytes an agent, {per_caller:,.0f} bytes a caller waiting or talking")
    print(f"memory: {weigh_waiting(WAITING):,.0f} bytes an entry that waits, nobody there to serve it")


if __name__ == "__main__":
    main()
