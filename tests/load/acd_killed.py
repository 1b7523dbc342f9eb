"""How long routing pauses when the process that owns a domain is killed or frozen, and whether anything is lost by it.

``python -m tests.load.acd_killed [calls/s] [waiting] [session timeout in s] [kills] [frozen for s]`` (20, 100, 3, 3 and 0 unless told
otherwise) starts a Kafka, two replicas of acd, one of ctiserver, each in its own process, and a simulated switch; keeps that many
callers waiting while that many arrive every second, kills the owner (SIGKILL), or stops it for so long and lets it go on (SIGSTOP,
SIGCONT), and does it again to the next owner. Prints how long no offer was made, and every fault found in acd's log and on the switch;
the design's goal is 3 s, its limit 10 s.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from math import ceil
from pathlib import Path

from ipcc.contracts.acd import AcdSnapshot
from ipcc.sim.outputs import Output, SimEvent
from tests.load.acd_books import books, gap_around
from tests.load.acd_rig import REPLICAS, Rig, Staff, Told, rig, simulated
from tests.load.stage import on_kafka
from tests.support.until import until

# ringing, joining, and hearing of the end, besides the talk
OVERHEAD_S = 0.4
BETWEEN_KILLS_S = 12.0
FILL_PER_S = 50.0


@dataclass(frozen=True)
class Load:
    """What goes on while the owner is killed."""

    calls_per_s: float = 20.0
    waiting: int = 100
    session_timeout_s: float = 3.0
    kills: int = 3
    between_kills_s: float = BETWEEN_KILLS_S
    talk_s: float = 3.0
    frozen_s: float = 0.0
    """So long the owner is stopped before it goes on; 0: it is killed."""

    @property
    def staff(self) -> Staff:
        """Agents who can serve what arrives, and no more, so that those who wait go on waiting."""
        return Staff(ceil(self.calls_per_s * (self.talk_s + Staff(0).answer_s + OVERHEAD_S)), talk_s=self.talk_s)


@dataclass(frozen=True)
class Kill:
    """One kill: who waited, and when routing went on. Seconds."""

    victim: str
    waiting: int
    to_claim_s: float
    to_open_s: float
    to_offer_s: float
    gap_s: float


@dataclass
class Ear:
    """Hears the switch: agents' legs that are up per caller, and how often each caller was joined."""

    up: dict[str, str] = field(default_factory=dict)
    rung: int = 0
    joined: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def hear(self, output: Output) -> None:
        """Everything that leaves the switch."""
        if not isinstance(output, SimEvent):
            return
        headers = dict(output.headers)
        leg, call = str(headers.get("Unique-ID", "")), str(headers.get("variable_ipcc_call_id", ""))
        is_agents = "variable_ipcc_offer_id" in headers
        if output.name == "CHANNEL_CREATE" and is_agents:
            if call in self.up.values():
                self.faults.append(f"two phones ring for {call}")
            self.up[leg] = call
            self.rung += 1
        elif output.name == "CHANNEL_HANGUP" and is_agents:
            self.up.pop(leg, None)
        elif output.name == "CHANNEL_BRIDGE":
            self.joined[str(headers.get("Unique-ID", ""))] += 1


@dataclass
class Outcome:
    """What a run found."""

    kills: list[Kill]
    calls: int
    faults: list[str]
    slowest_answer_s: float
    claims: list[str]
    """Who claimed the domain, one after the other."""


async def run(load: Load, folder: Path, kafka: str) -> Outcome:
    """Fill the house, kill as often as told, let it drain, and look at the books."""
    patience = {"IPCC_KAFKA_SESSION_TIMEOUT_S": str(load.session_timeout_s)}
    async with simulated(folder, load.staff) as site, rig(folder, kafka, load.staff, site, patience) as floor:
        ear = Ear()
        await floor.prepare()
        floor.switch.add_listener(ear.hear)
        flow = _Flow(floor, load)
        await flow.fill()
        floor.tasks.spawn("arrivals", flow.run)
        killed = []
        for _ in range(load.kills):
            await asyncio.sleep(load.between_kills_s / 2)
            killed.append(await (_freeze(floor, load.frozen_s) if load.frozen_s else _kill(floor)))
            await asyncio.sleep(load.between_kills_s / 2)
        flow.is_over = True
        channels = floor.switch.engine.kernel.channels
        await until(lambda: flow.pending == 0, 60, "all callers were queued")
        await until(lambda: not channels, 120, "nothing is left on the switch")
        log = await _log_at_rest(floor)
        found = books((told.at, told.event) for told in log)
        claims = await floor.claims()
        faults = found.close() + ear.faults + floor.refused + usurped(log, claims)
        faults += [f"{call} was joined {times} times" for call, times in ear.joined.items() if times != 1]
        faults += (
            [f"{ear.rung} legs of agents for {len(floor.callers)} callers"] if ear.rung < len(floor.callers) else []
        )
        faults += [f"{call} was never joined" for call in floor.callers if call not in ear.joined]
        kills = [_judged(*one, found.offers_made, claims, log) for one in killed]
        return Outcome(kills, len(floor.callers), faults, floor.slowest_answer_s, [name for name, _ in claims])


class _Flow:
    """Callers, as many a second as told, whatever becomes of them."""

    def __init__(self, floor: Rig, load: Load) -> None:
        self.is_over = False
        self.pending = 0
        self._floor = floor
        self._load = load
        self._number = 0

    async def fill(self) -> None:
        """So many come at once that the agents are busy and the others wait."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(self._load.staff.agents + self._load.waiting):
            self._arrive()
            await asyncio.sleep(began + (number + 1) / FILL_PER_S - loop.time())

    async def run(self) -> None:
        """Until it is over."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not self.is_over:
            self._arrive()
            due += 1 / self._load.calls_per_s
            await asyncio.sleep(due - loop.time())
        await asyncio.Event().wait()

    def _arrive(self) -> None:
        self._number += 1
        self.pending += 1
        self._floor.tasks.once("caller", self._call(self._number))

    async def _call(self, number: int) -> None:
        try:
            await self._floor.call(number)
        finally:
            self.pending -= 1


async def _kill(floor: Rig) -> tuple[str, int, datetime]:
    victim = await floor.owner()
    other = next(name for name in REPLICAS if name != victim)
    await until(lambda: floor.is_green(other), 60, f"{other} can take over")
    waiting = await floor.entries(other)
    at = floor.clock.now()
    await floor.family.kill(victim)
    await until(lambda: _is_claimed(floor, at), 60, "somebody else owns the domain")
    return victim, len(waiting), at


async def _freeze(floor: Rig, frozen_s: float) -> tuple[str, int, datetime]:
    """Stop the owner until somebody else has long owned the domain; on waking it must notice, and be of use as a stand-in."""
    victim = await floor.owner()
    other = next(name for name in REPLICAS if name != victim)
    await until(lambda: floor.is_green(other), 60, f"{other} can take over")
    waiting = await floor.entries(other)
    process = floor.family.child(victim).process
    assert process is not None
    at = floor.clock.now()
    process.send_signal(signal.SIGSTOP)
    try:
        await until(lambda: _is_claimed(floor, at), 60, "somebody else owns the domain")
        await until(
            lambda: (floor.clock.now() - at).total_seconds() > frozen_s, frozen_s + 10, "it was frozen for long"
        )
    finally:
        process.send_signal(signal.SIGCONT)
    await until(lambda: floor.is_green(victim), 60, f"{victim} is well again")
    return victim, len(waiting), at


def usurped(log: Sequence[Told], claims: Sequence[tuple[str, datetime]]) -> list[str]:
    """What was written to the log by a process after another had claimed the domain and begun to write."""
    faults, owner = [], ""
    order = [name for name, _ in claims]
    for told in log:
        name = told.source.rpartition("/")[2]
        if name == owner:
            continue
        if name not in order:
            faults.append(f"{name} writes {type(told.event).__name__} and has no claim left")
            continue
        owner, order = name, order[order.index(name) + 1 :]
    return faults


async def _is_claimed(floor: Rig, since: datetime) -> bool:
    return any(at > since for _, at in await floor.claims())


def _judged(
    victim: str,
    waiting: int,
    at: datetime,
    offers: list[datetime],
    claims: list[tuple[str, datetime]],
    log: list[Told],
) -> Kill:
    opened = [told.at for told in log if isinstance(told.event, AcdSnapshot) and told.event.part == 1]
    claimed = [when for _, when in claims]
    to_offer, gap = gap_around(at, offers)
    return Kill(
        victim,
        waiting,
        gap_around(at, claimed)[0].total_seconds(),
        gap_around(at, opened)[0].total_seconds(),
        to_offer.total_seconds(),
        gap.total_seconds(),
    )


async def _log_at_rest(floor: Rig) -> list[Told]:
    """The log once every entry in it ended and every contact was handled."""
    found: list[Told] = []

    async def rests() -> bool:
        found[:] = await floor.log()
        made = books((told.at, told.event) for told in found)
        return not made.reserved and not made.offered and len(made.ended) == len(made.entered)

    with suppress(AssertionError):
        # what is open then is told as a fault
        await until(rests, 20, "the books are closed")
    return found


def report(load: Load, outcome: Outcome) -> None:
    """The table."""
    print(
        f"{load.calls_per_s:g} calls/s, {load.staff.agents} agents, session timeout {load.session_timeout_s:g} s, "
        f"{outcome.calls} calls; load of the machine {os.getloadavg()[0]:.1f}"
    )
    print(
        f"{'killed':8}{'waiting':>9}{'claimed':>10}{'opened':>9}{'first offer':>13}{'no offer for':>14}   (s after the kill)"
    )
    for kill in outcome.kills:
        times = f"{kill.to_claim_s:>10.2f}{kill.to_open_s:>9.2f}{kill.to_offer_s:>13.2f}{kill.gap_s:>14.2f}"
        print(f"{kill.victim:8}{kill.waiting:>9}{times}")
    print(f"slowest answer to a caller's request: {outcome.slowest_answer_s:.2f} s")
    print(f"faults: {len(outcome.faults)}")
    for fault in outcome.faults[:20]:
        print(f"  {fault}")


async def main(load: Load) -> int:
    outcome = await on_kafka(partial(run, load))
    report(load, outcome)
    return 1 if outcome.faults else 0


def _load_of(arguments: list[str]) -> Load:
    names = ("calls_per_s", "waiting", "session_timeout_s", "kills", "frozen_s")
    given = dict(zip(names, map(float, arguments), strict=False))
    whole = {name: int(given.pop(name)) for name in ("waiting", "kills") if name in given}
    return Load(**given, **whole)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(asyncio.run(main(_load_of(sys.argv[1:]))))
