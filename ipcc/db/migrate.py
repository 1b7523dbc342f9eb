"""Brings a service's tables to what this release needs, from the versions in the service's ``migrations`` folder (Alembic)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import structlog
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.exc import DBAPIError

from ipcc.clock import Clock
from ipcc.db.database import Database, translate
from ipcc.errors import StoreDown

log = structlog.get_logger(__name__)

VERSION_TABLE = "schema_version"
RETRY_S = 2.0


def script_directory(folder: Path) -> ScriptDirectory:
    """The versions in ``folder``/versions; there is no env.py, this module is it."""
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


async def upgrade(database: Database, folder: Path, revision: str = "head") -> None:
    """Run the versions not yet run, in one transaction; replicas that start together wait for one another. Raises StoreDown."""
    script = script_directory(folder)
    try:
        async with _one_at_a_time(), database.engine.begin() as connection:
            if database.is_postgres:
                lock = text("SELECT pg_advisory_xact_lock(hashtext(:name))")
                await connection.execute(lock, {"name": f"ipcc-migrate-{database.service}"})
                await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {database.service}"))
            await connection.run_sync(_run, script, revision)
    except (OSError, DBAPIError) as error:
        translated = translate(error)
        if isinstance(translated, StoreDown):
            raise translated from error
        raise


# Alembic's ``op`` is one per process: migrations of two services in one event loop would run into each other's.
_LOCKS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


def _one_at_a_time() -> asyncio.Lock:
    return _LOCKS.setdefault(asyncio.get_running_loop(), asyncio.Lock())


def _run(connection: Connection, script: ScriptDirectory, revision: str) -> None:
    def steps(current: Any, _context: MigrationContext) -> Any:
        return script._upgrade_revs(revision, current)

    with EnvironmentContext(Config(), script, fn=steps, destination_rev=revision) as environment:
        environment.configure(
            connection=connection, version_table=VERSION_TABLE, render_as_batch=True, transactional_ddl=False
        )
        environment.run_migrations()


async def prepare(database: Database, folder: Path, clock: Clock) -> None:
    """Migrate and mark the database ready; while it does not answer, say why and try again until it does."""
    while True:
        try:
            await upgrade(database, folder)
        except StoreDown as error:
            database.mark_waiting(error.message)
            log.warning("database_waits", service=database.service, reason=error.message)
            await clock.sleep(RETRY_S)
        else:
            database.mark_ready()
            log.info("database_ready", service=database.service)
            return


async def differences(database: Database, metadata: MetaData) -> list[Any]:
    """What the tables lack compared with the models; empty when a migration exists for every change."""

    def compare(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        return list(compare_metadata(context, metadata))

    async with database.engine.connect() as connection:
        return await connection.run_sync(compare)
