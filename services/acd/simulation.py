"""A synthetic day through the real core, faster than real time: arrivals, patience and handling times drawn from a file's figures.

Every draw comes from the day's seed, so that a day can be had again. The core is the one that serves callers: nothing here decides.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import sqrt
from random import Random
from statistics import fmean, stdev
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ipcc.contracts.acd import AgentState, EntryEnded, EntryOutcome, OfferMade, SignIn
from ipcc.contracts.acd import Enqueue as EnqueueOrder
from ipcc.contracts.call import LegEnded, PhoneChanged
from ipcc.contracts.config import ConfigChanged, Phone, Queue, Skill, User
from services.acd.core.decision import Decision, advance
from services.acd.core.inputs import Joined, PickedUp, Rang, TimePassed
from services.acd.core.state import State

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
NODE = "simulated"
# the two-sided 95 % point of the normal distribution, for so many days and more; wider for few (Student)
_STUDENT = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 8: 2.36, 10: 2.26, 15: 2.14, 20: 2.09, 30: 2.05, 60: 2.00}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Demand(_Part):
    """A queue and its callers. Times are means of exponential distributions; patience 0 is endless. ``rules``: as administered."""

    id: str
    calls_per_hour: float = Field(gt=0)
    handle_s: float = Field(gt=0)
    patience_s: float = Field(default=0, ge=0)
    rules: dict[str, Any] = Field(default_factory=dict)


class Crew(_Part):
    """So many agents who can do the same."""

    count: int = Field(ge=1, le=20_000)
    skills: dict[str, int]


class Day(_Part):
    """What is simulated: ``hours`` after a warm-up that is not counted."""

    seed: int = 1
    hours: float = Field(default=8, gt=0, le=168)
    warm_up_s: float = Field(default=1800, ge=0)
    queues: tuple[Demand, ...] = Field(min_length=1)
    crews: tuple[Crew, ...] = Field(min_length=1)


@dataclass
class Tally:
    """What became of the callers of one queue who came after the warm-up."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    elsewhere: int = 0
    delayed: int = 0
    in_time: int = 0
    waits: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """Shares and the mean wait of all."""
        ended = max(1, self.answered + self.abandoned + self.elsewhere)
        return {
            "delayed": self.delayed / ended,
            "lost": self.abandoned / ended,
            "wait_s": fmean(self.waits) if self.waits else 0.0,
            "in_time": self.in_time / ended,
        }


class Run:
    """One day being played."""

    def __init__(self, day: Day, seed: int) -> None:
        self.tallies = {demand.id: Tally() for demand in day.queues}
        self.decisions = 0
        self._day = day
        self._random = Random(seed)  # noqa: S311 - a day to be had again, not a secret
        self._state = State("default")
        self._now = START
        self._from = START + timedelta(seconds=day.warm_up_s)
        self._end = self._from + timedelta(hours=day.hours)
        self._coming: list[tuple[datetime, int, object]] = []
        self._serial = 0
        self._demands = {demand.id: demand for demand in day.queues}
        self._late: Counter[str] = Counter()
        self._busy_s = 0.0
        self._staff = sum(crew.count for crew in day.crews)
        self._furnish()

    def play(self) -> None:
        """The whole day."""
        for demand in self._day.queues:
            self._draw_caller(demand)
        while self._coming and (due := self._next()) <= self._end:
            self._pass_time(due)
            if self._coming and self._coming[0][0] <= due:
                _, _, given = heapq.heappop(self._coming)
                self._happen(given)

    @property
    def occupancy(self) -> float:
        """The share of their time agents had a contact, after the warm-up."""
        return self._busy_s / (self._staff * (self._end - self._from).total_seconds())

    # --- the day -------------------------------------------------------------------------------
    def _furnish(self) -> None:
        skills = {skill for crew in self._day.crews for skill in crew.skills}
        things: list[Skill | Queue | User | Phone] = [Skill(id=skill, name=skill) for skill in sorted(skills)]
        for demand in self._day.queues:
            rules = {"wrap_up_s": 0, "max_waiting": 1_000_000, **demand.rules}
            things.append(Queue.model_validate({"id": demand.id, "name": demand.id, **rules}))
        names = []
        for number, crew in enumerate(self._day.crews):
            for place in range(crew.count):
                name = f"agent-{number}-{place}"
                names.append(name)
                things += [User(id=name, name=name, organisation="bank", skills=crew.skills), Phone(id=name, name=name)]
        for thing in things:
            self._give(ConfigChanged(kind=thing.kind, object_id=thing.id, version=1, object=thing))
        for name in names:
            self._give(PhoneChanged(phone_id=name, registered=True, node_id=NODE))
            self._give(SignIn(agent_id=name, phone_id=name, ready=True))

    def _next(self) -> datetime:
        due = self._state.next_due()
        return min(due, self._coming[0][0]) if due is not None else self._coming[0][0]

    def _pass_time(self, to: datetime) -> None:
        talking = len(self._state.contacts)
        counted = (to - max(self._now, self._from)).total_seconds()
        self._busy_s += max(0.0, counted) * talking
        self._now = to
        due = self._state.next_due()
        if due is not None and due <= to:
            self._give(TimePassed())

    def _draw_caller(self, demand: Demand) -> None:
        gap = self._random.expovariate(demand.calls_per_hour / 3600)
        self._plan(self._now + timedelta(seconds=gap), demand)

    def _plan(self, at: datetime, given: object) -> None:
        self._serial += 1
        heapq.heappush(self._coming, (at, self._serial, given))

    def _happen(self, given: object) -> None:
        if isinstance(given, Demand):
            self._arrive(given)
            self._draw_caller(given)
        else:
            self._give(given)

    def _arrive(self, demand: Demand) -> None:
        name = str(self._serial)
        ids = {"entry_id": f"e{name}", "call_id": f"c{name}", "leg_id": f"l{name}", "node_id": NODE}
        if demand.patience_s:
            gone = LegEnded(call_id=ids["call_id"], leg_id=ids["leg_id"], node_id=NODE, cause="ORIGINATOR_CANCEL")
            self._plan(self._now + timedelta(seconds=self._random.expovariate(1 / demand.patience_s)), gone)
        self._give(EnqueueOrder(queue_id=demand.id, entered_at=self._now, **ids))

    def _give(self, given: object) -> Decision:
        self.decisions += 1
        decision = advance(self._state, given, self._now)
        for event in decision.events:
            if isinstance(event, EntryEnded):
                self._count(event)
            elif isinstance(event, OfferMade):
                self._answer(event)
        return decision

    def _answer(self, offer: OfferMade) -> None:
        """He lifts at once; the conversation takes its time."""
        for given in (Rang(offer.offer_id, NODE), PickedUp(offer.offer_id, NODE), Joined(offer.offer_id)):
            self._give(given)
        handle_s = self._demands[offer.queue_id].handle_s
        over = LegEnded(call_id=offer.call_id, leg_id=offer.offer_id, node_id=NODE, cause="NORMAL_CLEARING")
        self._plan(self._now + timedelta(seconds=self._random.expovariate(1 / handle_s)), over)

    def _count(self, ended: EntryEnded) -> None:
        wait_s = ended.wait_ms / 1000
        if self._now - timedelta(seconds=wait_s) < self._from:
            return
        tally = self.tallies[ended.queue_id]
        tally.offered += 1
        tally.waits.append(wait_s)
        tally.delayed += ended.wait_ms > 0
        target_s = self._state.queues[ended.queue_id].service_level_s
        if ended.outcome is EntryOutcome.ANSWERED:
            tally.answered += 1
            tally.in_time += wait_s <= target_s
        elif ended.outcome is EntryOutcome.ABANDONED:
            tally.abandoned += 1
        else:
            tally.elsewhere += 1

    def idle(self) -> int:
        """Agents who wait for callers at the end."""
        return sum(agent.state is AgentState.READY for agent in self._state.agents.values())


@dataclass(frozen=True)
class Interval:
    """A mean over days and the half width of its 95 % confidence interval."""

    mean: float
    half: float

    def holds(self, value: float) -> bool:
        """Whether ``value`` lies within."""
        return abs(value - self.mean) <= self.half


@dataclass(frozen=True)
class Outcome:
    """Per queue the figures by name; the occupancy of all agents; how many decisions it took."""

    queues: dict[str, dict[str, Interval]]
    occupancy: Interval
    offered: dict[str, int]
    decisions: int


def simulate(day: Day, days: int) -> Outcome:
    """Play ``days`` independent days (at least 2) and say what they have in common."""
    runs = []
    for number in range(days):
        run = Run(day, day.seed * 1_000_003 + number)
        run.play()
        runs.append(run)
    queues = {}
    for demand in day.queues:
        figures = [run.tallies[demand.id].figures() for run in runs]
        queues[demand.id] = {name: _interval([one[name] for one in figures]) for name in figures[0]}
    offered = {demand.id: sum(run.tallies[demand.id].offered for run in runs) for demand in day.queues}
    return Outcome(queues, _interval([run.occupancy for run in runs]), offered, sum(run.decisions for run in runs))


def _interval(values: list[float]) -> Interval:
    factor = next(point for count, point in sorted(_STUDENT.items(), reverse=True) if count <= len(values))
    return Interval(fmean(values), factor * stdev(values) / sqrt(len(values)))
