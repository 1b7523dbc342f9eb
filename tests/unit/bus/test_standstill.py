"""Whether a process stood still is known by whoever looks first, and only then."""

from __future__ import annotations

import asyncio

import pytest

from ipcc.bus.standstill import BEAT_S, Standstill
from ipcc.tasks import Tasks

pytestmark = pytest.mark.looptime


async def test_a_silence_longer_than_the_limit_counts_once_whoever_asks_first() -> None:
    standstill = Standstill(1.0)
    assert standstill.count == 0
    await asyncio.sleep(1.5)
    assert [standstill.count, standstill.count] == [1, 1]


async def test_while_somebody_looks_all_the_time_no_pause_between_questions_counts() -> None:
    standstill, tasks = Standstill(1.0), Tasks()
    tasks.spawn("look", standstill.run)
    await asyncio.sleep(60)
    assert standstill.count == 0
    await tasks.stop()


async def test_a_limit_is_longer_than_the_time_between_two_looks() -> None:
    standstill = Standstill(2 * BEAT_S)
    assert standstill.count == 0
    await asyncio.sleep(BEAT_S)
    assert standstill.count == 0
