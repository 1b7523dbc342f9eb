"""How long the interval report takes over many stays, and an agent's next state behind many.

``python -m tests.load.report_interval [stays] [--postgres]`` prints a table: stays of one day in 20 queues, each case the best and
the worst of five, the report by half-hours and by five minutes, and 200 changes of state written one after the other for agents
that have 2,000 states each. On SQLite in a file; with ``--postgres`` also on a PostgreSQL that is started for it.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from ipcc.clock import SystemClock
from ipcc.contracts.acd import AgentChanged, AgentState
from ipcc.contracts.envelope import wrap
from ipcc.db.database import Database
from ipcc.db.migrate import upgrade
from services.report.store import MIGRATIONS, ReportStore
from services.report.tables import AgentStateRow, QueueRow, StayRow
from services.report.usecases import Reports
from tests.support.postgres import own_server

DAY = datetime(2026, 3, 1, 16, 0, tzinfo=UTC)  # midnight in Shanghai
QUEUES = [f"queue-{n:02}" for n in range(20)]
OUTCOMES = ["answered"] * 85 + ["abandoned"] * 10 + ["overflowed"] * 3 + ["transferred", ""]
AGENTS, STATES_EACH, CHANGES = 100, 2_000, 200
ROUNDS = 5
BATCH = 5_000


async def fill(database: Database, stays: int) -> None:
    """A day of stays, and the states of agents."""
    seed = Random(7)
    async with database.transaction() as session:
        await session.execute(
            insert(QueueRow), [{"queue_id": queue, "name": queue, "service_level_s": 20} for queue in QUEUES]
        )
        for start in range(0, stays, BATCH):
            rows = [a_stay(seed, number) for number in range(start, min(start + BATCH, stays))]
            await session.execute(insert(StayRow), rows)
        for agent in range(AGENTS):
            await session.execute(insert(AgentStateRow), [a_state(agent, number) for number in range(STATES_EACH)])


def a_stay(seed: Random, number: int) -> dict[str, object]:
    return {
        "entry_id": f"entry-{number}",
        "call_id": f"call-{number}",
        "queue_id": seed.choice(QUEUES),
        "entered_at": DAY + timedelta(milliseconds=seed.randrange(86_400_000)),
        "outcome": seed.choice(OUTCOMES),
        "wait_ms": seed.randrange(120_000),
    }


def a_state(agent: int, number: int) -> dict[str, object]:
    since = DAY + timedelta(seconds=40 * number)
    return {
        "event_id": f"state-{agent}-{number}",
        "agent_id": f"agent-{agent}",
        "state": "ready",
        "reason": "",
        "since": since,
        "until": None if number == STATES_EACH - 1 else since + timedelta(seconds=40),
    }


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    begun = time.perf_counter()
    await work()
    return (time.perf_counter() - begun) * 1000


async def write_states(store: ReportStore, round_: int) -> None:
    for number in range(CHANGES):
        changed = AgentChanged(agent_id=f"agent-{number % AGENTS}", state=AgentState.READY)
        at = DAY + timedelta(days=1, seconds=round_ * CHANGES + number)
        await store.write(wrap(changed, event_id=f"new-{round_}-{number}", source="load/load-0", time=at))


async def measure(name: str, url: str, stays: int) -> None:
    database = Database(url, "report")
    await upgrade(database, MIGRATIONS)
    database.mark_ready()
    await fill(database, stays)
    store = ReportStore(database, SystemClock())
    reports = Reports(store, ZoneInfo("Asia/Shanghai"))
    for minutes in (30, 5):
        took = [
            await timed(lambda m=minutes: reports.queue_intervals(DAY, DAY + timedelta(days=1), m))  # type: ignore[misc]
            for _ in range(ROUNDS)
        ]
        show(f"{name}: report of {stays:,} stays, {minutes} minutes", took)
    took = [await timed(lambda r=round_: write_states(store, r)) for round_ in range(ROUNDS)]  # type: ignore[misc]
    show(f"{name}: {CHANGES} states behind {STATES_EACH:,} each", took)
    await database.close()


def show(what: str, took: list[float]) -> None:
    print(f"| {what} | {min(took):,.0f} ms | {max(took):,.0f} ms |", flush=True)


async def main(stays: int, *, with_postgres: bool) -> None:
    print("| what | best | worst |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        await measure("SQLite", f"sqlite+aiosqlite:///{Path(folder) / 'report.db'}", stays)
    if with_postgres:
        server = own_server()
        try:
            await measure("PostgreSQL", server.new_database(), stays)
        finally:
            server.destroy()


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:] if text.isdigit()]
    asyncio.run(main(numbers[0] if numbers else 200_000, with_postgres="--postgres" in sys.argv))
