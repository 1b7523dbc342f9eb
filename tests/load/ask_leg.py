"""What it costs to ask a switch what one leg does: the whole list read for it, or its row alone.

``python -m tests.load.ask_leg [legs …]`` (300 and 3,000 unless told otherwise): the time of question, answer and reading together, with
a simulated switch in the same process, which makes every row for either question; a real one looks the row up.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from ipcc.ids import LegId
from ipcc.sim.people import Caller
from tests.component.ctiserver.floor import Floor, floor_at

ASKED = 20


async def took_ms(ask: Callable[[], Awaitable[object]]) -> float:
    """The median of some askings."""
    taken = []
    for _ in range(ASKED):
        began = perf_counter()
        await ask()
        taken.append(1000 * (perf_counter() - began))
    return median(taken)


async def measured(floor: Floor, legs: int) -> tuple[float, float]:
    """Milliseconds for the whole list and for one leg, with so many legs there."""
    channels = floor.switch.engine.kernel.channels
    while len(channels) < legs:
        floor.switch.place_call(Caller(f"138{len(channels):08}", "95500", patience_s=600))
    one = LegId(next(iter(channels)))
    return await took_ms(floor.hand.channels), await took_ms(lambda: floor.hand.channels(one))


async def main(sizes: list[int]) -> int:
    print("| legs on the switch | whole list, ms | one leg, ms |\n|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as name:
        async with floor_at(Path(name)) as floor:
            for legs in sorted(sizes):
                whole, one = await measured(floor, legs)
                print(f"| {legs:,} | {whole:.1f} | {one:.1f} |")
    print(f"load of the machine {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main([int(word) for word in sys.argv[1:]] or [300, 3_000])))
