"""Long-lived tasks: stopped in order, and whoever stops them can be stopped himself."""

from __future__ import annotations

import asyncio

import pytest

from ipcc.tasks import Tasks

pytestmark = pytest.mark.looptime


async def test_who_is_cancelled_while_he_stops_others_ends_when_they_have_ended() -> None:
    tasks, story = Tasks(), list[str]()

    async def linger(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(1)
            story.append(name)

    for name in ("first", "second"):
        tasks.spawn(name, lambda name=name: linger(name))  # type: ignore[misc]

    async def stop() -> None:
        await tasks.stop()
        story.append("went on")

    others = Tasks()
    stopping = others.once("stop", stop())
    await asyncio.sleep(0.5)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert story == ["second", "first"]
