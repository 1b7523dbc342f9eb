"""Notifications from the order to their outcome: written before dialled, never dialled again blindly, told once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from ipcc.auth.principal import Role
from ipcc.bus import BEGINNING, MemoryBroker, MemoryBus, Publisher, Requester
from ipcc.bus.events import received_from
from ipcc.clock import Clock
from ipcc.contracts.outbound import (
    AttemptEnded,
    AttemptOutcome,
    AttemptStarted,
    NotificationDone,
    NotificationOrdered,
    OrderNotification,
)
from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import OUTBOUND
from ipcc.db.database import Database
from ipcc.errors import Invalid
from ipcc.esl.commands import Originate, UuidKill
from ipcc.ids import LegId
from ipcc.tasks import Tasks
from services.outbound.app import build
from services.outbound.settings import OutboundSettings
from services.outbound.tables import AttemptRow
from tests.support.fake_parts import FakeParts, FastClock, StartedSwitches, fake_node
from tests.support.service import client_of, make_settings
from tests.support.until import until

NUMBER = "13800000001"


@dataclass
class World:
    """The bench."""

    folder: Path
    database_url: str
    clock: Clock = field(default_factory=lambda: FastClock(150))

    def __post_init__(self) -> None:
        self.broker = MemoryBroker(self.clock)
        self.bus = MemoryBus(self.broker, send_timeout_s=0.2)
        self.publisher = Publisher(self.bus, "test/test", self.clock)
        self.node = fake_node()
        self.node.finish_at_once("playback", "FILE PLAYED")
        self.database = Database(self.database_url, "outbound")
        self.database.mark_ready()

    async def close(self) -> None:
        await self.database.close()
        await self.broker.stop()

    @asynccontextmanager
    async def running(
        self, roles: Iterable[Role] = (Role.SYSTEM,), instance: str = "outbound-0", **given: Any
    ) -> AsyncIterator[httpx.AsyncClient]:
        """One outbound, ready; retries come after a minute."""
        settings = make_settings(
            OutboundSettings,
            self.folder,
            **{
                "database_url": self.database_url,
                "instance_id": instance,
                "retry_after_s": 60,
                "sounds_dir": "/sounds",
                **given,
            },
        )
        service = build(settings, FakeParts(self.clock, self.broker, fakes=StartedSwitches(self.node)))
        async with client_of(service, roles, self.clock) as http:

            async def is_ready() -> bool:
                return (await http.get("/health/ready")).status_code == 200

            await until(is_ready, what="outbound is ready")
            yield http

    async def facts(self) -> list[Payload]:
        async with self.bus.replay(OUTBOUND.name, BEGINNING) as reader:
            return [received_from(record).event.data async for record in reader]

    async def done(self, notification: str = "n1") -> NotificationDone:
        """Wait until it is over."""

        async def find() -> Any:
            facts = await self.facts()
            return next(
                (f for f in facts if isinstance(f, NotificationDone) and f.notification_id == notification), None
            )

        found: NotificationDone = await until(find, what="the notification is done")
        return found

    async def outcomes(self) -> list[str]:
        return [f.outcome.value for f in await self.facts() if isinstance(f, AttemptEnded)]

    async def attempts(self) -> list[AttemptRow]:
        async with self.database.transaction(read_only=True) as session:
            return list(await session.scalars(select(AttemptRow).order_by(AttemptRow.started_at)))


@pytest.fixture
async def world(tmp_path: Path, database_url: str) -> AsyncIterator[World]:
    found = World(tmp_path, database_url)
    yield found
    await found.close()


def body(**given: Any) -> dict[str, Any]:
    return {"notification_id": "n1", "phone_number": NUMBER, "prompts": ["hello", "goodbye"], **given}


async def order(http: httpx.AsyncClient, **given: Any) -> httpx.Response:
    return await http.post("/v1/notifications", json=body(**given))


async def test_a_customer_is_dialled_told_and_hung_up(world: World) -> None:
    async with world.running() as http:
        ordered = await order(http, reference="loan 7")
        assert (ordered.status_code, ordered.json()["state"]) == (202, "waiting")
        assert NUMBER not in ordered.text
        assert (await world.done()).outcome is AttemptOutcome.DELIVERED
        (dialled,) = world.node.told(Originate)
        assert dialled.render().count(f"sofia/gateway/demo/{NUMBER}") == 1
        assert [r.argument for r in world.node.executed] == [
            "file_string:///sounds/zh/hello.wav!/sounds/zh/goodbye.wav"
        ]
        assert [c.leg_id for c in world.node.told(UuidKill)] == [dialled.leg_id]
        assert world.node.watched == set()
        shown = (await http.get("/v1/notifications/n1")).json()
        assert (shown["state"], shown["outcome"], shown["attempts"]) == ("done", "delivered", 1)
    facts = await world.facts()
    assert [type(f) for f in facts] == [NotificationOrdered, AttemptStarted, AttemptEnded, NotificationDone]
    assert {getattr(f, "call_id", dialled.leg_id) for f in facts} == {dialled.leg_id}
    assert NUMBER not in repr(facts)


async def test_the_attempt_is_written_before_it_is_dialled(world: World) -> None:
    world.node.answer("originate", None)
    async with world.running() as http:
        await order(http)
        await until(lambda: world.node.told(Originate), what="dialled")
        assert [row.attempt_id for row in await world.attempts()] == [world.node.told(Originate)[0].leg_id]


@pytest.mark.parametrize(
    ("cause", "outcome", "attempts"),
    [
        ("USER_BUSY", "busy", 3),
        ("NO_ANSWER", "no_answer", 3),
        ("CALL_REJECTED", "rejected", 1),
        ("UNALLOCATED_NUMBER", "unreachable", 3),
    ],
)
async def test_failures_are_tried_again_as_the_rule_says(world: World, cause: str, outcome: str, attempts: int) -> None:
    world.node.answer("originate", f"-ERR {cause}\n")
    async with world.running() as http:
        await order(http)
        done = await world.done()
        assert (done.outcome.value, done.attempts) == (outcome, attempts)
        assert await world.outcomes() == [outcome] * attempts
        rows = await world.attempts()
        assert len({row.attempt_id for row in rows}) == attempts
        waits = [(b.started_at - a.started_at).total_seconds() for a, b in pairwise(rows)]
        assert all(wait >= 60 for wait in waits)
        assert world.node.watched == set()


def played(world: World, times: int) -> bool:
    return len(world.node.executed) == times


async def test_who_hangs_up_while_it_is_played_is_tried_again(world: World) -> None:
    world.node.results.pop("playback")
    async with world.running(attempts=2) as http:
        await order(http)
        for number in (1, 2):
            await until(partial(played, world, number), what="played")
            world.node.hang_up(world.node.executed[-1].leg_id)
        assert (await world.done()).outcome is AttemptOutcome.ANSWERED_NOT_DELIVERED


async def test_an_attempt_lost_sight_of_is_looked_up_ended_and_never_dialled_again(world: World) -> None:
    world.node.results.pop("playback")
    async with world.running() as http:
        await order(http)
        await until(lambda: world.node.executed, what="played")
        leg = LegId(world.node.executed[0].leg_id)
        world.node.go_down()
        await world.clock.sleep(20)
        world.node.go_up()
        done = await world.done()
        assert (done.outcome, done.attempts) == (AttemptOutcome.UNKNOWN, 1)
        assert leg not in world.node.legs
        await world.clock.sleep(200)
        assert len(world.node.told(Originate)) == 1


async def test_what_never_reached_the_switch_may_be_dialled_again(world: World) -> None:
    failing = world.node.watch
    calls: list[LegId] = []

    async def watch(leg: LegId) -> None:
        calls.append(leg)
        if len(calls) == 1:
            raise world.node._down()
        await failing(leg)

    world.node.watch = watch  # type: ignore[method-assign]
    async with world.running() as http:
        await order(http)
        done = await world.done()
        assert (done.outcome, done.attempts) == (AttemptOutcome.DELIVERED, 2)
        assert await world.outcomes() == ["unreachable", "delivered"]


@pytest.mark.parametrize("next_instance", ["outbound-0", "outbound-1"])
async def test_after_a_crash_an_attempt_is_settled_and_not_repeated(world: World, next_instance: str) -> None:
    world.node.results.pop("playback")
    async with world.running() as http:
        await order(http)
        await until(lambda: world.node.executed, what="played")
    leg = LegId(world.node.executed[0].leg_id)
    assert leg in world.node.legs
    async with world.running(instance=next_instance):
        assert (await world.done()).outcome is AttemptOutcome.UNKNOWN
        assert leg not in world.node.legs
        assert len(world.node.told(Originate)) == 1


async def test_another_replica_leaves_a_living_attempt_alone(world: World) -> None:
    world.node.results.pop("playback")
    async with world.running() as http, world.running(instance="outbound-1"):
        await order(http)
        await until(lambda: world.node.executed, what="played")
        await world.clock.sleep(60)
        leg = world.node.executed[0].leg_id
        assert LegId(leg) in world.node.legs
        world.node.finish(leg, "FILE PLAYED")
        assert (await world.done()).outcome is AttemptOutcome.DELIVERED
        assert len(world.node.told(Originate)) == 1


async def test_two_replicas_dial_each_customer_once(world: World) -> None:
    async with world.running() as first, world.running(instance="outbound-1") as second:
        for number in range(20):
            await order(
                (first, second)[number % 2], notification_id=f"n{number}", phone_number=f"138000000{number:02d}"
            )
        for number in range(20):
            assert (await world.done(f"n{number}")).outcome is AttemptOutcome.DELIVERED
        assert len(world.node.told(Originate)) == 20


async def test_an_order_repeated_changes_nothing_and_one_that_differs_is_refused(world: World) -> None:
    async with world.running() as http, world.running(instance="outbound-1") as other:
        answers = await asyncio.gather(*(order(h) for h in (http, other) for _ in range(3)))
        assert {a.status_code for a in answers} == {202}
        await world.done()
        again = await order(http)
        assert (again.status_code, again.json()["state"]) == (202, "done")
        differing = await order(http, phone_number="13800000002")
        assert (differing.status_code, differing.json()["code"]) == (409, "notification.differs")
        assert len([f for f in await world.facts() if isinstance(f, NotificationOrdered)]) == 1
        assert len(world.node.told(Originate)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"phone_number": "1380000 rm -rf"},
        {"phone_number": "13800000001\n"},
        {"phone_number": "12"},
        {"prompts": []},
        {"prompts": ["../secret"]},
        {"notification_id": "a b"},
        {"language": "fr"},
        {"not_after": "2020-01-01T00:00:00Z"},
        {"colour": "blue"},
    ],
)
async def test_bad_orders_are_refused(world: World, wrong: dict[str, Any]) -> None:
    async with world.running() as http:
        answer = await order(http, **wrong)
        assert answer.status_code == 422
        assert str(wrong.get("phone_number", "\0")) not in answer.text
        assert await world.facts() == []


async def test_what_could_not_be_dialled_in_time_is_not_dialled_late(world: World) -> None:
    world.node.go_down()
    async with without_switch(world) as http:
        late = (world.clock.now() + timedelta(seconds=30)).isoformat()
        assert (await order(http, not_after=late)).status_code == 202
        await world.clock.sleep(40)
        world.node.go_up()
        done = await world.done()
        assert (done.outcome, done.attempts) == (AttemptOutcome.UNREACHABLE, 0)
        assert world.node.told(Originate) == []


@asynccontextmanager
async def without_switch(world: World) -> AsyncIterator[httpx.AsyncClient]:
    settings = make_settings(OutboundSettings, world.folder, database_url=world.database_url)
    service = build(settings, FakeParts(world.clock, world.broker, fakes=StartedSwitches(world.node)))
    async with client_of(service, [Role.SYSTEM], world.clock) as http:

        async def is_open() -> bool:
            reasons = (await http.get("/health/ready")).json()
            return "switches" in str(reasons) and "database is" not in str(reasons)

        await until(is_open, what="only the switch is away")
        await until(lambda: _takes(http), what="orders are taken")
        yield http


async def _takes(http: httpx.AsyncClient) -> bool:
    return (await http.get("/v1/notifications/none")).status_code == 404


async def test_orders_come_over_the_bus_as_well(world: World) -> None:
    tasks = Tasks()
    requester = Requester(world.bus, world.publisher, "tester")
    tasks.spawn("hear replies", requester.run)
    async with world.running():
        wanted = OrderNotification.model_validate(body())
        assert (await requester.ask(wanted, 5))["state"] == "waiting"
        await world.done()
        assert (await requester.ask(wanted, 5))["outcome"] == "delivered"
        with pytest.raises(Invalid, match="prompts"):
            await requester.ask(wanted.model_copy(update={"notification_id": "n2", "prompts": ["../x"]}), 5)
    await tasks.stop()


async def test_only_systems_and_those_in_charge_may_order(world: World) -> None:
    async with world.running([Role.AGENT, Role.AUDITOR]) as http:
        assert (await order(http)).status_code == 403
        assert (await http.get("/v1/notifications/n1")).status_code == 403


async def test_the_broker_being_away_delays_only_what_is_told(world: World) -> None:
    async with world.running() as http:
        world.broker.go_down()
        await order(http)
        await until(lambda: world.node.told(UuidKill), what="played and hung up")
        world.broker.come_back()
        assert (await world.done()).outcome is AttemptOutcome.DELIVERED
