"""What it costs an ivr replica to know the sessions of all: ``python -m tests.load.ivr_mirror [sessions open] [sessions ended]``.

(5,000 and 20,000 unless told otherwise.) A Kafka is started and the facts of that many sessions written to it, as a flow tells them;
then one mirror reads them back. Prints how long that took and what an open session costs in memory; then the memory once all have ended.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import tracemalloc
from pathlib import Path
from time import perf_counter, process_time

from ipcc.bus import Publisher
from ipcc.bus.kafka import KafkaBus
from ipcc.clock import SystemClock
from ipcc.contracts.ivr import IvrPayload, NodeEntered, NodeLeft, SessionEnded, SessionStarted
from ipcc.contracts.topics import IVR
from ipcc.ids import new_id
from services.ivr.core.place import Place, write_place
from services.ivr.mirror import Mirror
from tests.load.stage import on_kafka, own_bus

NODES = ("language", "menu", "card", "identify", "pin", "verify", "balance", "after-balance")
VARIABLES = {"customer_id": "C0001001", "segment": "gold", "verified": "yes", "branch": "0571", "product": "debit-card"}
AT_ONCE = 200


def told(number: int, *, is_over: bool) -> list[IvrPayload]:
    """A session that walks through eight nodes."""
    call, session = new_id(), new_id()
    ids = {"call_id": call, "session_id": session}
    caller = {"dialled_number": "95500", "caller_number": f"138{number:08}", "node_id": "fs1", "leg_id": call}
    found: list[IvrPayload] = [
        SessionStarted(**ids, **caller, flow_id="bank-main", flow_version=1, entry_point="main", language="zh")
    ]
    for visit, node in enumerate(NODES, 1):
        place = write_place(Place(VARIABLES, "zh", NODES[:visit], visit, SystemClock().now()))
        found.append(NodeEntered(**ids, flow_node=node, kind="menu", place=place, visit=visit))
        if node != NODES[-1] or is_over:
            found.append(NodeLeft(**ids, flow_node=node, kind="menu", outcome="key 1", visit=visit))
    if is_over:
        found.append(over(call, session))
    return found


def over(call: str, session: str) -> SessionEnded:
    """It ends."""
    return SessionEnded(call_id=call, session_id=session, outcome="hung_up", last_flow_node=NODES[-1])


async def tell(publisher: Publisher, sessions: list[list[IvrPayload]]) -> None:
    """Send all; the facts of one session in their order."""

    async def one(facts: list[IvrPayload]) -> None:
        for fact in facts:
            await publisher.publish(fact)

    for first in range(0, len(sessions), AT_ONCE):
        await asyncio.gather(*(one(facts) for facts in sessions[first : first + AT_ONCE]))


async def read(mirror: Mirror) -> tuple[float, float]:
    """All partitions, as at a start: seconds, and of the processor."""
    began, spent = perf_counter(), process_time()
    for partition in range(IVR.partitions):
        await mirror.past(partition)
    return perf_counter() - began, process_time() - spent


async def measure(bus: KafkaBus, open_sessions: int, ended: int) -> None:
    """Write, read, print."""
    publisher = Publisher(bus, "ivr/ivr-0", SystemClock())
    sessions = [told(number, is_over=number >= open_sessions) for number in range(open_sessions + ended)]
    await tell(publisher, sessions)
    facts = sum(map(len, sessions))
    going_on = [(facts[0].call_id, facts[0].session_id) for facts in sessions[:open_sessions]]
    sessions.clear()
    timed = Mirror(bus, SystemClock())
    wall, cpu = await read(timed)
    again, _ = await read(timed)
    del timed
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    mirror = Mirror(bus, SystemClock())
    await read(mirror)
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert mirror.count == open_sessions
    await tell(publisher, [[over(*ids)] for ids in going_on])
    await read(mirror)
    assert mirror.count == 0
    print(f"load of the machine {os.getloadavg()[0]:.1f}")
    print(
        "| facts on the topic | read back in | facts a second | of the processor | read again | memory | an open session |"
    )
    print("|--:|--:|--:|--:|--:|--:|--:|")
    print(
        f"| {facts:,} | {wall:.1f} s | {facts / wall:,.0f} | {cpu:.1f} s | {again * 1000:.0f} ms | {kept / 1e6:.1f} MB "
        f"| {kept / open_sessions / 1000:.1f} kB with its share of what is remembered of {open_sessions + ended:,} |"
    )


async def main(open_sessions: int, ended: int) -> None:
    async def work(_folder: Path, kafka: str) -> None:
        async with own_bus(kafka) as bus:
            await bus.reached(60)
            await measure(bus, open_sessions, ended)

    await on_kafka(work)


if __name__ == "__main__":
    asyncio.run(main(*map(int, (sys.argv[1:] + ["5000", "20000"][len(sys.argv) - 1 :])[:2])))
