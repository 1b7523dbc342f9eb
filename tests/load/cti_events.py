"""How long it takes from an event on the switch until an agent's desktop has it on its WebSocket.

``python -m tests.load.cti_events [calls/s] [seconds]`` (50 and 60 unless told otherwise): a Kafka, one ctiserver in a process of its own,
a simulated switch in this one, a desktop connected for every agent. Each event of an agent's leg is timed from the moment the switch made
it, so the 20 ms grid on which a switch hands events out is in the figures, and so are Kafka and this process's own delays, since
desktops and switch share it. Prints percentiles by kind; the design asks for p99 under 100 ms at 50 calls/s on two cores.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import websockets

from ipcc.sim.outputs import SimEvent
from tests.load.cti_rig import Load, Rig, rig
from tests.support.kafka_broker import KafkaBroker

TALK_S = 2.5
WARM_UP_S = 3.0
KINDS: Mapping[str, str] = {
    "CHANNEL_PROGRESS": "call.ringing",
    "CHANNEL_ANSWER": "call.answered",
    "CHANNEL_BRIDGE": "call.connected",
    "CHANNEL_HANGUP_COMPLETE": "call.ended",
}


@dataclass
class Watch:
    """When the switch made an event, and how long after that the desktop had it."""

    made: dict[tuple[str, str], float] = field(default_factory=dict)
    taken: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    is_counting: bool = False

    def hear(self, event: SimEvent) -> None:
        """The switch made an event."""
        kind = KINDS.get(event.name)
        if kind is None or not self.is_counting:
            return
        leg = str(event.headers.get("Unique-ID", ""))
        if kind == "call.connected":
            other = str(event.headers.get("Bridge-B-Unique-ID", ""))
            leg = other if leg == str(event.headers.get("Bridge-A-Unique-ID", "")) else leg
        self.made[(kind, leg)] = asyncio.get_running_loop().time()

    async def see(self, url: str, is_open: asyncio.Event) -> None:
        """One agent's desktop."""
        async with websockets.connect(url, close_timeout=0.1) as socket:
            is_open.set()
            while True:
                try:
                    text = await socket.recv()
                except websockets.ConnectionClosed:
                    return
                now = asyncio.get_running_loop().time()
                message = orjson.loads(text)
                key = (message["type"], message.get("data", {}).get("leg_id", ""))
                made = self.made.pop(key, None)
                if made is not None:
                    self.taken[message["type"]].append(1000 * (now - made))


async def run(load: Load, seconds: float, folder: Path, kafka: str) -> tuple[Watch, Rig]:
    """Calls for so long, every desktop watched."""
    async with AsyncExitStack() as stack:
        floor = await stack.enter_async_context(rig(folder, kafka, load))
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
        watch.is_counting = True
        await floor.run(seconds)
        await floor.until_empty()
        await floor.clock.sleep(1)
        await floor.tasks.stop()
        return watch, floor


def percentile(values: list[float], share: float) -> float:
    """The value that ``share`` of them do not exceed; NaN of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def report(load: Load, watch: Watch, floor: Rig) -> None:
    """The table."""
    print(f"{load.calls_per_s:g} calls/s, {len(load.agents)} desktops, load of the machine {os.getloadavg()[0]:.1f}")
    print("| event | number | p50 ms | p99 ms | max ms |\n|---|--:|--:|--:|--:|")
    everything = [value for values in watch.taken.values() for value in values]
    for kind, values in [*sorted(watch.taken.items()), ("all", everything)]:
        figures = " | ".join(f"{percentile(values, share):.1f}" for share in (0.5, 0.99, 1.0))
        print(f"| {kind} | {len(values):,} | {figures} |")
    print(
        f"{len(floor.calls)} calls; events that no desktop got: {len(watch.made)}; no agent free: {floor.short_of_agents}"
    )


async def main(calls_per_s: float, seconds: float) -> int:
    load = Load(calls_per_s, TALK_S)
    with tempfile.TemporaryDirectory() as name:
        broker = KafkaBroker(Path(name) / "kafka")
        broker.start()
        try:
            watch, floor = await run(load, seconds, Path(name), broker.address)
        finally:
            broker.stop()
    report(load, watch, floor)
    return 0


if __name__ == "__main__":
    given = [float(word) for word in sys.argv[1:]]
    sys.exit(asyncio.run(main(*(given + [50.0, 60.0][len(given) :]))))
