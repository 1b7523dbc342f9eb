"""The bench and the floor as fixtures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.component.ctiserver.bench import Bench
from tests.component.ctiserver.floor import Floor, floor_at


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    found = Bench(tmp_path)
    await found.open_bank()
    yield found
    await found.broker.stop()


@pytest.fixture
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    async with floor_at(tmp_path) as found:
        yield found
