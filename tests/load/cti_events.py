"""How long it takes from an event on the switch until an agent's desktop has it on its WebSocket.

``python -m tests.load.cti_events [calls/s] [seconds]`` (50 and 60 unless told otherwise): a Kafka, one ctiserver in a process of its own,
a simulated switch in this one, a desktop connected for every agent. Each event of an agent's leg is timed from the moment the switch made
it, so the 20 ms grid on which a switch hands events out is in the figures, and so are Kafka and this process's own delays, since
desktops and switch share it. Prints percentiles by kind, where the time went (a fact's id tells when ctiserver made it), what a call
cost each process, and how late this process itself was; the design asks for p99 under 100 ms at 50 calls/s on two cores.
Exit code 1 when an event reached no desktop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time

import orjson
import websockets

from ipcc.clock import SystemClock
from ipcc.sim.outputs import SimEvent
from tests.load.cti_rig import Load, Rig, rig
from tests.load.processor import used_s
from tests.support.kafka_broker import KafkaBroker
from tests.support.until import until

TALK_S = 2.5
WARM_UP_S = 5.0
LATEST_S = 60.0
"""An event that no desktop has so long after the last call is lost."""
PROBE_S = 0.01
KINDS: Mapping[str, str] = {
    "CHANNEL_PROGRESS": "call.ringing",
    "CHANNEL_ANSWER": "call.answered",
    "CHANNEL_BRIDGE": "call.connected",
    "CHANNEL_HANGUP_COMPLETE": "call.ended",
}


@dataclass
class Watch:
    """When the switch made an event of an agent's leg, and how long after that the desktop had it; milliseconds."""

    made: dict[tuple[str, str], float] = field(default_factory=dict)
    taken: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    to_fact: list[float] = field(default_factory=list)
    from_fact: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    """How much later than asked for this process was woken."""
    is_counting: bool = False
    clock: SystemClock = field(default_factory=SystemClock)

    def _now(self) -> float:
        return self.clock.now().timestamp()

    def hear(self, event: SimEvent) -> None:
        """The switch made an event."""
        kind = KINDS.get(event.name)
        if kind is None or not self.is_counting:
            return
        leg = str(event.headers.get("Unique-ID", ""))
        if kind == "call.connected":
            # told on the customer's leg, who owns the bridge
            leg = str(event.headers.get("Bridge-B-Unique-ID", ""))
        elif "variable_ipcc_agent_id" not in event.headers:
            return
        self.made[(kind, leg)] = self._now()

    async def see(self, url: str, is_open: asyncio.Event) -> None:
        """One agent's desktop."""
        async with websockets.connect(url, close_timeout=0.1, compression=None) as socket:
            is_open.set()
            while True:
                try:
                    text = await socket.recv()
                except websockets.ConnectionClosed:
                    return
                self._take(orjson.loads(text), self._now())

    def _take(self, message: dict[str, dict[str, str]], now: float) -> None:
        data, kind = message.get("data", {}), str(message["type"])
        made = self.made.pop((kind, data.get("leg_id", "")), None)
        if made is None:
            return
        self.taken[kind].append(1000 * (now - made))
        told = _made_at(data["event_id"])
        self.to_fact.append(1000 * (told - made))
        self.from_fact.append(1000 * (now - told))

    async def probe(self) -> None:
        """Look how late this process is, for ever."""
        while True:
            due = self._now() + PROBE_S
            await self.clock.sleep(PROBE_S)
            self.late.append(1000 * (self._now() - due))


def _made_at(event_id: str) -> float:
    """When a fact was made, from its UUIDv7; seconds, exact to a millisecond."""
    return float((uuid.UUID(event_id).int >> 80) / 1000)


@dataclass
class Costs:
    """Processor seconds of each process while events were counted, and the calls that began meanwhile."""

    calls: int = 0
    used_s: dict[str, float] = field(default_factory=dict)

    @staticmethod
    def now(floor: Rig, broker: KafkaBroker) -> dict[str, float]:
        """What each has used since it was started."""
        process = floor.family.child("cti-0").process
        assert process is not None
        return {
            "ctiserver": used_s(process.pid),
            "Kafka": used_s(broker.pid or 0),
            "switch and desktops": process_time(),
        }


async def run(load: Load, seconds: float, folder: Path, broker: KafkaBroker) -> tuple[Watch, Rig, Costs]:
    """Calls for so long, every desktop watched."""
    async with AsyncExitStack() as stack:
        floor = await stack.enter_async_context(rig(folder, broker.address, load))
        await floor.prepare()
        watch = Watch()
        floor.hear = watch.hear
        url = floor.urls["cti-0"].replace("http", "ws")
        for agent in load.agents:
            is_open = asyncio.Event()
            see = watch.see(f"{url}/v1/agents/{agent}/events", is_open)
            floor.tasks.once(f"desktop {agent}", see)
            await asyncio.wait_for(is_open.wait(), 10)
        await floor.run(WARM_UP_S)
        floor.tasks.spawn("probe", watch.probe)
        watch.is_counting = True
        before, calls = Costs.now(floor, broker), len(floor.calls)
        await floor.run(seconds)
        after = Costs.now(floor, broker)
        costs = Costs(len(floor.calls) - calls, {name: after[name] - before[name] for name in after})
        await floor.until_empty()
        with contextlib.suppress(AssertionError):
            await until(lambda: not watch.made, LATEST_S, "every event reached a desktop")
        await floor.tasks.stop()
        return watch, floor, costs


def percentile(values: list[float], share: float) -> float:
    """The value that ``share`` of them do not exceed; NaN of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def report(load: Load, watch: Watch, floor: Rig, costs: Costs) -> None:
    """The table."""
    print(f"{load.calls_per_s:g} calls/s, {len(load.agents)} desktops, load of the machine {os.getloadavg()[0]:.1f}")
    print("| event | number | p50 ms | p99 ms | max ms |\n|---|--:|--:|--:|--:|")
    everything = [value for values in watch.taken.values() for value in values]
    rows = [
        *sorted(watch.taken.items()),
        ("all", everything),
        ("of it: switch to fact", watch.to_fact),
        ("of it: fact to desktop", watch.from_fact),
        ("this process late by", watch.late),
    ]
    for kind, values in rows:
        figures = " | ".join(f"{percentile(values, share):.1f}" for share in (0.5, 0.99, 1.0))
        print(f"| {kind} | {len(values):,} | {figures} |")
    calls = max(1, costs.calls)
    print(
        "processor a call, ms: " + ", ".join(f"{name} {1000 * used / calls:.1f}" for name, used in costs.used_s.items())
    )
    print(
        f"{len(floor.calls)} calls; events that no desktop got: {len(watch.made)}; no agent free: {floor.short_of_agents}"
    )


async def main(calls_per_s: float, seconds: float) -> int:
    load = Load(calls_per_s, TALK_S)
    with tempfile.TemporaryDirectory() as name:
        broker = KafkaBroker(Path(name) / "kafka")
        broker.start()
        try:
            watch, floor, costs = await run(load, seconds, Path(name), broker)
        finally:
            broker.stop()
    report(load, watch, floor, costs)
    return 1 if watch.made else 0


if __name__ == "__main__":
    given = [float(word) for word in sys.argv[1:]]
    sys.exit(asyncio.run(main(*(given + [50.0, 60.0][len(given) :]))))
