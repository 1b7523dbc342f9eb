"""A history on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ipcc.clock import SystemClock
from ipcc.db.database import Database
from ipcc.db.migrate import upgrade
from services.report.store import MIGRATIONS, ReportStore


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    found = Database(database_url, "report")
    await upgrade(found, MIGRATIONS)
    found.mark_ready()
    yield found
    await found.close()


@pytest.fixture
def store(database: Database) -> ReportStore:
    return ReportStore(database, SystemClock())
