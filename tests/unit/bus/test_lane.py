"""One partition's records on their way through a worker."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from ipcc.bus.lane import HIGH, LOW, Lane
from ipcc.bus.port import Partition, Record


def record(offset: int) -> Record:
    """A record at that offset."""
    return Record("t", 0, offset, "k", b"x", {}, datetime(2026, 1, 5, tzinfo=UTC))


async def test_it_finishes_the_record_in_hand_and_leaves_the_rest() -> None:
    done: list[int] = []
    gate, begun = asyncio.Event(), asyncio.Event()

    async def process(found: Record) -> None:
        begun.set()
        await gate.wait()
        done.append(found.offset)

    lane = Lane(Partition("t", 0), process)
    lane.add([record(7), record(8)])
    running = asyncio.gather(lane.run())
    await begun.wait()
    lane.finish()
    gate.set()
    await running
    assert (done, lane.next_offset) == ([7], 8)


async def test_what_was_cut_short_does_not_count_as_done() -> None:
    async def process(found: Record) -> None:
        await asyncio.Event().wait()

    lane = Lane(Partition("t", 0), process)
    lane.add([record(7)])
    running = asyncio.gather(lane.run())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    assert lane.next_offset is None


def test_a_full_lane_stays_full_until_it_is_nearly_empty() -> None:
    async def process(found: Record) -> None:
        raise AssertionError

    lane = Lane(Partition("t", 0), process)
    lane.add(record(n) for n in range(HIGH))
    assert not lane.is_full
    lane.add([record(HIGH)])
    assert lane.is_full
    lane.is_paused = True
    lane._waiting.clear()
    lane.add(record(n) for n in range(LOW + 1))
    assert lane.is_full
    lane._waiting.pop()
    assert not lane.is_full
