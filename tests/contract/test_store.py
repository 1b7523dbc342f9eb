"""What every service relies on of its database, the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import column, insert, select, table
from sqlalchemy.ext.asyncio import AsyncSession

from ipcc.bus.memory import MemoryBroker, MemoryBus
from ipcc.bus.outbox import Relay
from ipcc.clock import FakeClock, SystemClock
from ipcc.contracts.config import ConfigChanged, Skill
from ipcc.contracts.envelope import Event, decode, wrap
from ipcc.contracts.topics import CONFIG
from ipcc.db.database import Database
from ipcc.db.migrate import differences, prepare, upgrade
from ipcc.db.outbox import DatabaseInbox, DatabaseOutbox
from ipcc.db.types import Json, UtcDateTime
from ipcc.errors import NotNow, StoreDown
from ipcc.ids import new_id
from tests.support.postgres import own_server
from tests.support.until import until
from tests.unit.db.toy import INBOX, MIGRATIONS, OUTBOX, Base, Thing

NOW = datetime(2026, 1, 5, 9, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    one = Database(database_url, "toy")
    await prepare(one, MIGRATIONS, SystemClock())
    yield one
    await one.close()


def thing(number: int) -> Thing:
    return Thing(id=f"t{number}", made_at=NOW, content={"名": number})


def changed(name: str, number: int) -> Event:
    skill = Skill(id=name, name=f"{name} {number}")
    data = ConfigChanged(kind="skill", object_id=name, version=number, object=skill)
    return wrap(data, event_id=new_id(), source="test/1", time=NOW)


class TestMigrations:
    async def test_an_empty_database_becomes_what_the_models_say(self, database: Database) -> None:
        assert await differences(database, Base.metadata) == []

    async def test_a_filled_database_of_the_version_before_keeps_its_rows(self, database_url: str) -> None:
        database = Database(database_url, "toy")
        await upgrade(database, MIGRATIONS, "0001")
        old = table("thing", column("id"), column("made_at", UtcDateTime()), column("content", Json))
        async with database.engine.begin() as connection:
            await connection.execute(insert(old).values(id="old", made_at=NOW, content={"kept": True}))
        await upgrade(database, MIGRATIONS)
        database.mark_ready()
        assert await differences(database, Base.metadata) == []
        async with database.transaction(read_only=True) as session:
            found = await session.get_one(Thing, "old")
        assert (found.content, found.version) == ({"kept": True}, 1)
        await database.close()

    async def test_upgrading_twice_changes_nothing(self, database: Database) -> None:
        await upgrade(database, MIGRATIONS)
        assert await differences(database, Base.metadata) == []

    async def test_replicas_that_start_together_do_not_disturb_one_another(self, database_url: str) -> None:
        replicas = [Database(database_url, "toy") for _ in range(3)]
        await asyncio.gather(*(prepare(one, MIGRATIONS, SystemClock()) for one in replicas))
        assert [await one.check() for one in replicas] == [None, None, None]
        for one in replicas:
            await one.close()


class TestTransactions:
    async def test_what_was_committed_is_read_back_as_it_was(self, database: Database) -> None:
        async with database.transaction() as session:
            session.add(thing(1))
        async with database.transaction(read_only=True) as session:
            found = await session.get_one(Thing, "t1")
        assert (found.made_at, found.content) == (NOW, {"名": 1})

    async def test_a_moment_of_another_zone_comes_back_in_utc(self, database: Database) -> None:
        there = NOW.astimezone(timezone(timedelta(hours=8)))
        async with database.transaction() as session:
            session.add(Thing(id="z", made_at=there, content={}))
        async with database.transaction(read_only=True) as session:
            found = await session.get_one(Thing, "z")
        assert (found.made_at, found.made_at.utcoffset()) == (NOW, timedelta(0))

    async def test_a_failure_in_the_block_leaves_nothing(self, database: Database) -> None:
        async def fail_half_way() -> None:
            async with database.transaction() as session:
                session.add(thing(1))
                await session.flush()
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail_half_way()
        async with database.transaction(read_only=True) as session:
            assert await session.get(Thing, "t1") is None

    async def test_a_cancelled_request_leaves_nothing_and_no_lock(self, database: Database) -> None:
        inside = asyncio.Event()

        async def work() -> None:
            async with database.transaction() as session:
                session.add(thing(1))
                await session.flush()
                inside.set()
                await asyncio.Event().wait()

        async with asyncio.TaskGroup() as group:
            task = group.create_task(work())
            await inside.wait()
            task.cancel()
        async with database.transaction() as session:
            assert await session.get(Thing, "t1") is None
            session.add(thing(2))

    async def test_the_same_key_twice_is_refused(self, database: Database) -> None:
        async with database.transaction() as session:
            session.add(thing(1))
        with pytest.raises(NotNow, match="contradicts"):
            async with database.transaction() as session:
                session.add(thing(1))

    async def test_of_two_who_change_the_same_row_the_second_is_told(self, database: Database) -> None:
        async with database.transaction() as session:
            session.add(thing(1))
        async with database.transaction(read_only=True) as session:
            stale = await session.get_one(Thing, "t1")
        async with database.transaction() as session:
            (await session.get_one(Thing, "t1")).content = {"first": 1}

        async def change_what_was_read_before() -> None:
            async with database.transaction() as session:
                session.add(stale)
                stale.content = {"second": 2}

        with pytest.raises(NotNow, match="meanwhile"):
            await change_what_was_read_before()

    async def test_writers_at_the_same_time_all_get_through(self, database: Database) -> None:
        async with database.transaction() as session:
            session.add(Thing(id="sum", made_at=NOW, content={"sum": 0}))

        async def add() -> None:
            async def work(session: AsyncSession) -> None:
                found = await session.get_one(Thing, "sum", with_for_update=True)
                found.content = {"sum": found.content["sum"] + 1}

            await database.run(work, SystemClock())

        await asyncio.gather(*(add() for _ in range(8)))
        async with database.transaction(read_only=True) as session:
            assert (await session.get_one(Thing, "sum")).content == {"sum": 8}

    async def test_a_reader_does_not_wait_for_a_writer(self, database: Database) -> None:
        async with database.transaction() as writer:
            writer.add(thing(1))
            await writer.flush()
            async with asyncio.timeout(2), database.transaction(read_only=True) as reader:
                assert await reader.get(Thing, "t1") is None

    async def test_before_the_tables_are_there_it_says_so(self, database_url: str) -> None:
        database = Database(database_url, "toy")
        with pytest.raises(StoreDown, match="not ready"):
            async with database.transaction():
                pytest.fail("it must be refused")
        assert await database.check() == "it has not been opened yet"
        await database.close()


class TestOutbox:
    async def test_a_fact_is_written_with_the_change_or_not_at_all(self, database: Database) -> None:
        outbox = DatabaseOutbox(database, OUTBOX)

        async def fail_after_telling() -> None:
            async with database.transaction() as session:
                await outbox.add(session, changed("a", 1))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail_after_telling()
        assert await outbox.backlog() == 0

    async def test_the_relay_sends_in_order_and_empties_the_table(self, database: Database) -> None:
        clock = FakeClock()
        outbox = DatabaseOutbox(database, OUTBOX)
        bus = MemoryBus(MemoryBroker(clock))
        await bus.start()
        await bus.create_topics([CONFIG])
        for number in range(1, 6):
            async with database.transaction() as session:
                await outbox.add(session, changed("a" if number % 2 else "b", number))
        assert await Relay(outbox, bus, clock).relay_batch() == 5
        async with bus.replay(CONFIG.name, "beginning") as records:
            sent = [decode(record.value or b"").data async for record in records]
        assert [data.version for data in sent if isinstance(data, ConfigChanged) and data.object_id == "a"] == [1, 3, 5]
        assert await outbox.backlog() == 0
        await outbox.close()
        await bus.stop()

    async def test_only_one_relay_leads_and_another_takes_over(self, database_url: str) -> None:
        first, second = Database(database_url, "toy"), Database(database_url, "toy")
        for one in (first, second):
            await prepare(one, MIGRATIONS, SystemClock())
        ours, theirs = DatabaseOutbox(first, OUTBOX), DatabaseOutbox(second, OUTBOX)
        assert [await ours.lead(), await theirs.lead(), await ours.lead()] == [True, False, True]
        await ours.close()
        assert [await theirs.lead(), await ours.lead()] == [True, False]
        for box, one in ((ours, first), (theirs, second)):
            await box.close()
            await one.close()


class TestInbox:
    async def test_an_event_is_remembered_once_in_the_transaction_of_its_handler(self, database: Database) -> None:
        inbox = DatabaseInbox(database, INBOX, lambda: NOW)
        assert not await inbox.has("e1")
        async with database.transaction() as session:
            assert await inbox.add(session, "e1")
        async with database.transaction() as session:
            assert not await inbox.add(session, "e1")
        await inbox.remember("e1")
        await inbox.remember("e2")
        assert [await inbox.has("e1"), await inbox.has("e2")] == [True, True]

    async def test_ids_older_than_the_topic_are_forgotten(self, database: Database) -> None:
        await DatabaseInbox(database, INBOX, lambda: NOW).remember("old")
        inbox = DatabaseInbox(database, INBOX, lambda: NOW + timedelta(days=8))
        await inbox.remember("young")
        assert await inbox.forget(NOW + timedelta(days=1)) == 1
        async with database.transaction(read_only=True) as session:
            assert (await session.scalars(select(INBOX.c.event_id))).all() == ["young"]


@pytest.mark.postgres
class TestLoss:
    """The server goes away and comes back, as it does when a bank patches it."""

    async def test_a_server_that_dies_is_reported_and_used_again_when_it_is_back(self) -> None:
        server = own_server()
        database = Database(server.url("postgres").replace("postgresql:", "postgresql+asyncpg:"), "toy")
        try:
            await prepare(database, MIGRATIONS, SystemClock())
            async with database.transaction() as session:
                session.add(thing(1))
            await asyncio.to_thread(server.stop, signal.SIGQUIT)
            with pytest.raises(StoreDown):
                await database.check()
            await asyncio.to_thread(server.start)
            assert await database.check() is None
            async with database.transaction(read_only=True) as session:
                assert await session.get(Thing, "t1") is not None
        finally:
            await database.close()
            await asyncio.to_thread(server.destroy)

    async def test_a_service_that_starts_before_its_server_waits_and_says_why(self) -> None:
        server = own_server(started=False)
        clock = FakeClock()
        database = Database(server.url("postgres").replace("postgresql:", "postgresql+asyncpg:"), "toy")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(prepare(database, MIGRATIONS, clock))
                await until(lambda: database.why_not_ready.startswith("the database does not answer"))
                await asyncio.to_thread(server.start)
                await clock.advance(5)
            assert await database.check() is None
        finally:
            await database.close()
            await asyncio.to_thread(server.destroy)

    async def test_a_lost_connection_gives_the_lead_to_another_relay(self) -> None:
        server = own_server()
        database = Database(server.url("postgres").replace("postgresql:", "postgresql+asyncpg:"), "toy")
        outbox = DatabaseOutbox(database, OUTBOX)
        try:
            await prepare(database, MIGRATIONS, SystemClock())
            assert await outbox.lead()
            await asyncio.to_thread(server.stop, signal.SIGQUIT)
            with pytest.raises(StoreDown):
                await outbox.lead()
            await asyncio.to_thread(server.start)
            assert await outbox.lead()
        finally:
            await outbox.close()
            await database.close()
            await asyncio.to_thread(server.destroy)
