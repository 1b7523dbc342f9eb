"""What becomes of calls when the replica of ctiserver that is the ear of their switch is killed, frozen, or ends in good order.

``python -m tests.load.cti_killed [calls/s] [session timeout in s] [kills] [how]`` (20, 3, 2 and kill unless told otherwise; freeze:
it stands still for longer than its session and goes on; end: it is asked to end, and says good-bye) starts a Kafka, two
replicas of ctiserver, each in its own process, and a simulated switch; lets that many calls arrive every second, some of which last
through the kill, kills the holder (SIGKILL), and while nobody listens puts some of the lasting calls on hold, takes others off hold,
and ends others. Prints how long nobody held the switch, and every fault: a call or leg that did not begin and end exactly once, a
lasting call whose hold or bridge is not known right after the takeover. The design's limit for the takeover is 10 s.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

import httpx

from ipcc.bus import received_from
from ipcc.contracts.call import CallArrived, CallEnded, CallPayload, LegEnded, LegStarted
from ipcc.contracts.envelope import Event
from ipcc.contracts.topics import CALL
from tests.load.cti_rig import Load, Rig, rig
from tests.load.stage import on_kafka
from tests.support.until import until

LIMIT_S = 10.0
LASTING = 12
"""Calls that are there before a kill and, but for those ended in it, after it."""
LASTS_S = 600.0
KNOWN_WITHIN_S = 30.0
BETWEEN_S = 10.0


@dataclass(frozen=True)
class Siege:
    """What goes on while the holder is killed."""

    calls_per_s: float = 20.0
    session_timeout_s: float = 3.0
    kills: int = 2
    between_s: float = BETWEEN_S
    talk_s: float = 2.0
    how: str = "kill"
    frozen_s: float = 8.0

    @property
    def load(self) -> Load:
        """The calls that come and go, one in four of them on hold for a while, and agents for those that last."""
        return Load(self.calls_per_s, self.talk_s, hold_every=4, spare_agents=LASTING * (self.kills + 1))


@dataclass
class Kill:
    """One kill: who, when, and when the first fact of another came; all known right after ``known_s``."""

    victim: str
    at: datetime
    held_s: float
    known_s: float


@dataclass
class Outcome:
    """What a run found. ``facts`` counts what was told, ``resynced`` what of it was found by looking."""

    kills: list[Kill] = field(default_factory=list)
    calls: int = 0
    facts: int = 0
    resynced: int = 0
    faults: list[str] = field(default_factory=list)


async def besiege(siege: Siege, folder: Path, kafka: str) -> Outcome:
    """Kill as often as told, let the switch drain, and look at what was told."""
    outcome = Outcome()
    async with rig(folder, kafka, siege.load, replicas=2, session_timeout_s=siege.session_timeout_s) as floor:
        await floor.prepare()
        arrivals = floor.tasks.once("arrivals", floor.run(LASTS_S))
        lasting: list[tuple[str, str]] = []
        for _ in range(siege.kills):
            lasting += await _lasting(floor)
            await floor.clock.sleep(siege.between_s / 2)
            outcome.kills.append(await _strike(floor, siege, lasting, outcome.faults))
            await floor.clock.sleep(siege.between_s / 2)
        floor.stop()
        await arrivals
        for call, _ in lasting:
            floor.switch.api("sim_hangup", call)
        await floor.until_empty()
        told = await _told_at_rest(floor)
        outcome.calls, outcome.facts = len(floor.calls), len(told)
        outcome.resynced = sum(event.data.resynced for event in told if isinstance(event.data, CallPayload))
        outcome.faults += accounted(told, floor.calls)
    return outcome


async def _lasting(floor: Rig) -> list[tuple[str, str]]:
    """Calls that talk until they are told otherwise, every other one on hold."""
    pairs = [floor.arrive(LASTS_S) for _ in range(LASTING)]
    made = [pair for pair in pairs if pair is not None]
    channels = floor.switch.engine.kernel.channels
    await until(lambda: all(channels[agent].bridged_to == call for call, agent in made), 20, "the lasting calls talk")
    for _, agent in made[::2]:
        floor.switch.api("uuid_hold", agent)
    return made


async def _strike(floor: Rig, siege: Siege, lasting: list[tuple[str, str]], faults: list[str]) -> Kill:
    victim = await holder(floor)
    other = next(name for name in floor.urls if name != victim)
    await until(lambda: floor.is_green(other), 60, f"{other} can take over")
    at = floor.clock.now()
    # it stays dead until another has its place: started again at once, it would at times take it itself
    floor.family.hold_back(victim)
    process = floor.family.child(victim).process
    assert process is not None
    process.send_signal({"kill": signal.SIGKILL, "freeze": signal.SIGSTOP, "end": signal.SIGTERM}[siege.how])
    _stir(floor, lasting)
    await until(lambda: _holds(floor, other), 60, "another holds the switch")
    held_s = (floor.clock.now() - at).total_seconds()
    if siege.how == "freeze":
        await until(lambda: (floor.clock.now() - at).total_seconds() > siege.frozen_s, 60, "it was frozen for long")
        process.send_signal(signal.SIGCONT)
        await until(lambda: floor.is_green(victim), 60, f"{victim} is well again")
    floor.family.let_go(victim)
    wrong: list[str] = []

    async def is_right() -> bool:
        wrong[:] = await _wrong(floor, other, lasting)
        return not wrong

    with suppress(AssertionError):
        await until(is_right, KNOWN_WITHIN_S, "everything lasting is known right")
    known_s = (floor.clock.now() - at).total_seconds()
    faults += [f"after the kill of {victim}: {what}" for what in wrong]
    return Kill(victim, at, held_s, known_s)


def _stir(floor: Rig, lasting: list[tuple[str, str]]) -> None:
    """While nobody listens: of four lasting calls one goes off hold, one on hold, one ends, one stays as it is."""
    for number, (call, agent) in enumerate(list(lasting)):
        if number % 4 == 0:
            floor.switch.api("uuid_hold", f"off {agent}")
        elif number % 4 == 1:
            floor.switch.api("uuid_hold", agent)
        elif number % 4 == 2:
            floor.switch.api("sim_hangup", agent)
            lasting.remove((call, agent))


async def _wrong(floor: Rig, name: str, lasting: list[tuple[str, str]]) -> list[str]:
    """Where a replica's belief about the lasting calls differs from the switch."""
    try:
        known = await floor.live_legs(name)
    except httpx.HTTPError as error:
        return [f"{name} does not answer: {error!r}"]
    channels, found = floor.switch.engine.kernel.channels, []
    for call, agent in lasting:
        truth = (call, "held" if channels[agent].callstate.name == "HELD" else "connected")
        leg = known.get(agent, {})
        believed = (leg.get("bridged_to"), leg.get("state"))
        if believed != truth:
            found.append(f"leg {agent} is {truth}, believed {believed}")
    return found


async def holder(floor: Rig) -> str:
    """The replica that is the ear of the switch."""

    async def found() -> str | None:
        for name in floor.urls:
            if await _holds(floor, name):
                return name
        return None

    return await until(found, 60, "somebody holds the switch") or ""


async def _holds(floor: Rig, name: str) -> bool:
    """Whether a replica is the ear of the switch, and knows what was told."""
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            text = (await client.get(f"{floor.urls[name]}/metrics")).text
    except httpx.HTTPError:
        return False
    lines = [line for line in text.splitlines() if line.startswith("ipcc_ctiserver_nodes_held_count")]
    return any(line.endswith(" 1.0") for line in lines) and await floor.is_green(name)


async def _told_at_rest(floor: Rig) -> list[Event]:
    """Everything told about calls, once every call in it has ended."""
    told: list[Event] = []

    async def rests() -> bool:
        # one that comes twice under one id is one
        told[:] = {e.id: e for e in (received_from(record).event for record in await floor.records(CALL))}.values()
        kinds = Counter(type(event.data) for event in told)
        return kinds[CallArrived] == kinds[CallEnded] and kinds[LegStarted] == kinds[LegEnded]

    with suppress(AssertionError):
        # what is open then is told as a fault
        await until(rests, 60, "every call has ended")
    return told


def accounted(told: list[Event], calls: list[str]) -> list[str]:
    """The calls and legs that did not begin and end exactly once, or were never told of."""
    begun: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    arrived: Counter[str] = Counter()
    said: defaultdict[str, list[str]] = defaultdict(list)
    """How each call was said to end, and by whom: two ends that differ tell where they came from."""
    over: Counter[str] = Counter()
    for event in told:
        data = event.data
        if isinstance(data, LegStarted):
            begun[data.leg_id] += 1
        elif isinstance(data, LegEnded):
            ended[data.leg_id] += 1
        elif isinstance(data, CallArrived):
            arrived[data.call_id] += 1
        elif isinstance(data, CallEnded):
            over[data.call_id] += 1
            said[data.call_id].append(f"{event.source} {event.time:%H:%M:%S.%f} {data.model_dump_json()}")
    faults = [
        f"call {call} arrived {arrived[call]} times and ended {over[call]} times: {said[call]}"
        for call in {*calls, *arrived, *over}
        if (arrived[call], over[call]) != (1, 1)
    ]
    faults += [
        f"leg {leg} began {begun[leg]} times and ended {ended[leg]} times"
        for leg in {*begun, *ended}
        if (begun[leg], ended[leg]) != (1, 1)
    ]
    return faults


def report(siege: Siege, outcome: Outcome) -> None:
    """The table."""
    print(
        f"{siege.calls_per_s:g} calls/s, session timeout {siege.session_timeout_s:g} s, {outcome.calls} calls, "
        f"{outcome.facts} facts, {outcome.resynced} of them found by looking; load of the machine {os.getloadavg()[0]:.1f}"
    )
    print("| killed | another holds it after s | lasting calls known right after s |\n|---|--:|--:|")
    for kill in outcome.kills:
        print(f"| {kill.victim} | {kill.held_s:.1f} | {kill.known_s:.1f} |")
    print(f"faults: {len(outcome.faults)}")
    for fault in outcome.faults[:20]:
        print(f"  {fault}")


async def main(siege: Siege) -> int:
    outcome = await on_kafka(partial(besiege, siege))
    report(siege, outcome)
    return 1 if outcome.faults or any(kill.held_s > LIMIT_S for kill in outcome.kills) else 0


def _siege_of(words: list[str]) -> Siege:
    given = dict(zip(("calls_per_s", "session_timeout_s"), map(float, words), strict=False))
    more = {"kills": int(words[2])} if len(words) > 2 else {}
    return Siege(**given, **more, **({"how": words[3]} if len(words) > 3 else {}))  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(asyncio.run(main(_siege_of(sys.argv[1:]))))
