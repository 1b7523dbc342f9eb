"""Faxes as the whole service sends them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.ivr.fonts import find_font
from tests.component.ivr.world import World
from tests.support.fake_parts import LoopClock

pytestmark = pytest.mark.looptime


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    found = World(tmp_path, clock=LoopClock())
    found.node.finish_at_once("playback", "FILE PLAYED")
    await found.open()
    yield found
    await found.close()


async def test_without_a_font_for_its_papers_it_serves_and_says_so_from_the_start(world: World) -> None:
    world.given = {"fax_font": "/nowhere/none.ttf"}
    async with world.replica() as replica:
        answer = await replica.http.get("/health/ready")
        assert "none.ttf: install a font" in answer.json()["warnings"]["fax font"]
        assert answer.json()["components"]["bus"]["status"] == "green"


@pytest.mark.skipif(find_font(None) is None, reason="needs Debian's fonts-wqy-microhei or fonts-noto-cjk")
async def test_a_font_in_its_known_place_is_enough(world: World) -> None:
    async with world.replica() as replica:
        assert "fax font" not in (await replica.http.get("/health/ready")).json().get("warnings", {})
