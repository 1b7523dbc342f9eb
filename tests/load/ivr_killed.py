"""What callers hear when the replica of ivr that serves them is killed while they stand in every kind of flow node.

``python -m tests.load.ivr_killed [callers of each kind] [session timeout in s] [kills]`` (3, 2 and 2 unless told otherwise) starts a
Kafka and the suite, one process a service and two of ivr, on a simulated switch; lets so many callers come to every kind of node,
kills a replica of ivr (SIGKILL) and, once it is back, the other. Prints how long its callers heard nothing and how long it took until
they were taken up, and every fault: a caller who is not told the apology and asked again, who is missed or listed twice, whose session
begins or ends other than once, who of the living replica is disturbed, a movement booked twice. The goal is 3 s, the limit 10 s.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ipcc.bus import BEGINNING, received_from
from ipcc.contracts.envelope import Event
from ipcc.contracts.ivr import NodeEntered, NodeLeft, SessionEnded, SessionStarted
from ipcc.contracts.topics import IVR
from tests.load.ivr_rig import MOVING, REPLICAS, SETTLED, TOLD_AGAIN, House, house
from tests.load.stage import on_kafka
from tests.support.until import until

LIMIT_S = 10.0
APOLOGY = "interrupted"
# while the caller speaks or waits for somebody there is nothing to apologise for
UNTOLD = {kind for kind, prompt in TOLD_AGAIN.items() if not prompt} - {MOVING}
# what callers stand at is under way by then, and what is said behind the apology heard afterwards
BEFORE_KILL_S = 0.8
AFTER_S = 1.0
TAKEN_UP_WITHIN_S = 40.0


@dataclass(frozen=True)
class Siege:
    """How many callers stand at each kind of node, and how often one of the replicas is killed."""

    copies: int = 3
    session_timeout_s: float = 2.0
    kills: int = 2


@dataclass
class Kill:
    """One kill: per caller of the victim what he stood at, how long he heard nothing and when he was taken up; seconds."""

    victim: str
    callers: int
    silences: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    apologies: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def all_apologies(self) -> list[float]:
        """When callers were told that they were interrupted, of every kind, sorted."""
        return sorted(one for some in self.apologies.values() for one in some)

    @property
    def all_silences(self) -> list[float]:
        """Of every kind, sorted."""
        return sorted(one for some in self.silences.values() for one in some)


@dataclass
class Outcome:
    """What a run found."""

    kills: list[Kill] = field(default_factory=list)
    calls: int = 0
    faults: list[str] = field(default_factory=list)


async def besiege(siege: Siege, folder: Path, kafka: str) -> Outcome:
    """Kill as often as told, let everybody hang up, and look at what was told."""
    outcome = Outcome()
    async with house(folder, kafka, siege.session_timeout_s) as made:
        for number in range(siege.kills):
            victim, other = REPLICAS[number % 2], REPLICAS[1 - number % 2]
            before = await made.bookings()
            await made.gather(siege.copies)
            await made.town.clock.sleep(BEFORE_KILL_S)
            outcome.kills.append(await _kill(made, victim, other, outcome.faults))
            outcome.calls += len(made.callers)
            await _leave(made)
            outcome.faults += await _books(made, before)
            outcome.faults += _accounted(await _told_at_rest(made, list(made.callers)), list(made.callers))
            made.callers.clear()
            await made.town.until_green(victim)
    return outcome


async def _kill(made: House, victim: str, other: str, faults: list[str]) -> Kill:
    rows = await made.sessions(other)
    name = made.town.family.child(victim).environment["IPCC_INSTANCE_ID"]
    theirs = [call for call, row in rows.items() if row["replica"] == name]
    faults += [f"{made.callers[call]} is at no node" for call in made.callers.keys() - rows.keys()]
    # it stays dead until another serves its callers: started again at once, it would take some of them back
    made.town.family.hold_back(victim)
    at = asyncio.get_running_loop().time()
    await made.town.family.kill(victim)
    listed = await made.sessions(other)
    faults += [f"{made.callers[call]} is missing after the kill" for call in set(theirs) - listed.keys()]
    with suppress(AssertionError):
        # what is not taken up then is told as a fault
        await until(lambda: _are_taken_up(made, other, theirs), TAKEN_UP_WITHIN_S, "all are taken up")
    await made.town.clock.sleep(AFTER_S)
    made.town.family.let_go(victim)
    kill = Kill(victim, len(theirs))
    for call in theirs:
        faults += _judged(made, call, at, kill)
    calm = set(made.callers) - set(theirs)
    apologised = [call for call in calm if any(APOLOGY in path for path in made.ear.heard[call].since(at))]
    faults += [f"{made.callers[call]} was served by the living one and disturbed" for call in apologised]
    return kill


async def _are_taken_up(made: House, other: str, calls: list[str]) -> bool:
    rows = await made.sessions(other)
    name = made.town.family.child(other).environment["IPCC_INSTANCE_ID"]
    return all(rows[call]["replica"] == name for call in calls if call in rows) and all(
        made.callers[call] in UNTOLD or _is_told(made, call) for call in calls
    )


def _is_told(made: House, call: str) -> bool:
    """That he was interrupted, or how his order stands."""
    words = (APOLOGY, *(SETTLED if made.callers[call] == MOVING else ()))
    return any(word in path for _, path in made.ear.heard[call].prompts for word in words)


def _judged(made: House, call: str, at: float, kill: Kill) -> list[str]:
    """Note what he heard since the kill, and say what was wrong with it."""
    kind, heard = made.callers[call], made.ear.heard[call]
    kill.silences[kind].append(heard.silence_after(at))
    paths = heard.since(at)
    if kind in UNTOLD:
        return []
    if kind == MOVING:
        return (
            []
            if any(word in path for path in paths for word in SETTLED)
            else [f"{kind}: nothing is said of it: {paths}"]
        )
    first = next((moment - at for moment, path in heard.prompts if moment > at and APOLOGY in path), None)
    if first is None:
        return [f"{kind} was not told that he was interrupted: {paths}"]
    kill.apologies[kind].append(first)
    if not any(f"/{TOLD_AGAIN[kind]}." in path for path in paths):
        return [f"{kind} was not told {TOLD_AGAIN[kind]} again: {paths}"]
    return []


async def _leave(made: House) -> None:
    """Everybody hangs up."""
    await made.fault("none")
    for call in made.callers:
        made.town.hang_up(call)
    await made.town.until_empty(30)


async def _books(made: House, before: tuple[bool, int]) -> list[str]:
    is_balanced, bookings = await made.bookings()
    movers = len(made.standing(MOVING))
    faults = [] if is_balanced else ["the bank's books do not balance"]
    if bookings - before[1] > movers:
        faults.append(f"{bookings - before[1]} bookings for {movers} movements")
    return faults


async def _told_at_rest(made: House, calls: list[str]) -> list[Event]:
    """Everything told of these calls, once every session in it has ended."""
    told: list[Event] = []
    bus = made.town.bus()
    await bus.start()
    try:
        await bus.reached(20)

        async def rests() -> bool:
            async with bus.replay(IVR.name, BEGINNING) as past:
                read = [received_from(record).event async for record in past]
            told[:] = [event for event in read if event.subject in calls]
            kinds = Counter(type(event.data) for event in told)
            return kinds[SessionStarted] <= kinds[SessionEnded]

        with suppress(AssertionError):
            # what is open then is told as a fault
            await until(rests, 40, "every session has ended")
    finally:
        await bus.stop()
    return told


def _accounted(told: list[Event], calls: list[str]) -> list[str]:
    """Sessions that did not begin and end exactly once, and nodes entered and not left once."""
    begun: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    visits: dict[str, Counter[Any]] = defaultdict(Counter)
    for event in told:
        data: Any = event.data
        if isinstance(data, SessionStarted):
            begun[data.call_id] += 1
        elif isinstance(data, SessionEnded):
            ended[data.call_id] += 1
        elif isinstance(data, NodeLeft):
            visits[data.call_id][data.visit, data.flow_node] += 1
        elif isinstance(data, NodeEntered):
            # entered again by whoever goes on there, it is the same visit
            visits[data.call_id][data.visit, data.flow_node] += 0
    faults = [
        f"call {call} has {begun[call]} sessions that ended {ended[call]} times"
        for call in calls
        if (begun[call], ended[call]) != (1, 1)
    ]
    for call, left in visits.items():
        faults += [f"call {call}: {place} was left {times} times" for place, times in left.items() if times != 1]
    return faults


def report(siege: Siege, outcome: Outcome) -> None:
    """The table."""
    print(
        f"{siege.copies} callers at each of {len(TOLD_AGAIN)} kinds of node, session timeout {siege.session_timeout_s:g} s, "
        f"{outcome.calls} calls; load of the machine {os.getloadavg()[0]:.1f}"
    )
    print(
        "| killed | its callers | apology after p50 | max | heard nothing for p50 | max | by kind: heard nothing, apology |"
    )
    print("|---|--:|--:|--:|--:|--:|---|")
    for kill in outcome.kills:
        taken, silent = kill.all_apologies, kill.all_silences
        if not taken or not silent:
            continue
        by_kind = ", ".join(
            f"{kind} {max(some):.1f} {max(kill.apologies.get(kind, [0.0])):.1f}"
            for kind, some in sorted(kill.silences.items())
        )
        print(
            f"| {kill.victim} | {kill.callers} | {taken[len(taken) // 2]:.1f} s | {taken[-1]:.1f} s "
            f"| {silent[len(silent) // 2]:.1f} s | {silent[-1]:.1f} s | {by_kind} |"
        )
    print(f"faults: {len(outcome.faults)}")
    for fault in outcome.faults[:30]:
        print(f"  {fault}")


async def main(siege: Siege) -> int:
    outcome = await on_kafka(partial(besiege, siege))
    report(siege, outcome)
    longest = max((kill.all_silences[-1] for kill in outcome.kills if kill.all_silences), default=0.0)
    return 1 if outcome.faults or longest > LIMIT_S else 0


def _siege_of(words: list[str]) -> Siege:
    given: dict[str, Any] = dict(zip(("copies", "session_timeout_s", "kills"), map(float, words), strict=False))
    return Siege(**{name: value if name == "session_timeout_s" else int(value) for name, value in given.items()})


if __name__ == "__main__":
    sys.exit(asyncio.run(main(_siege_of(sys.argv[1:]))))
