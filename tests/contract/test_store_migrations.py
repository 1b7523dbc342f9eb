"""Every service's migrations make exactly the tables its models describe, on SQLite and on PostgreSQL."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from ipcc.db.database import Database
from ipcc.db.migrate import differences, script_directory, upgrade

SERVICES = Path(__file__).parents[2] / "services"
WITH_DATABASE = sorted(folder.parent.name for folder in SERVICES.glob("*/migrations"))


@pytest.mark.parametrize("service", WITH_DATABASE)
async def test_migrations_and_models_agree(service: str, database_url: str) -> None:
    metadata = import_module(f"services.{service}.tables").Base.metadata
    database = Database(database_url, service)
    await upgrade(database, SERVICES / service / "migrations")
    assert await differences(database, metadata) == []
    await database.close()


@pytest.mark.parametrize("service", WITH_DATABASE)
def test_versions_form_one_line(service: str) -> None:
    assert len(script_directory(SERVICES / service / "migrations").get_heads()) == 1
