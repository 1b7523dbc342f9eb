"""monitor as a whole: what is told is shown, over REST, over the WebSocket and as metrics; what is broken is told as an alert."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from ipcc.auth.principal import Role
from ipcc.auth.tokens import issue_development_token
from ipcc.bus import BEGINNING, MemoryBroker, MemoryBus, Message, message_of
from ipcc.bus.events import TYPE_HEADER, received_from
from ipcc.clock import Clock, SystemClock
from ipcc.contracts.acd import AgentState, EntryOutcome
from ipcc.contracts.alert import AlertCleared, AlertRaised
from ipcc.contracts.envelope import Event
from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import ACD, ALERT
from ipcc.http.server import serving
from ipcc.http.service import Service
from ipcc.metrics import MONITOR_AGENTS, MONITOR_ALERTS, MONITOR_WAITING
from services.monitor.app import build
from services.monitor.settings import MonitorSettings
from tests.support.fake_parts import FakeParts, FastClock, StartedSwitches, fake_node
from tests.support.service import client_of, make_settings
from tests.support.until import until
from tests.unit.monitor import stories as s
from tests.unit.monitor.stories import Told


@dataclass
class World:
    """The bench. Events happen now."""

    folder: Path
    clock: Clock = field(default_factory=SystemClock)

    def __post_init__(self) -> None:
        self.broker = MemoryBroker(self.clock)
        self.bus = MemoryBus(self.broker, send_timeout_s=0.2)
        self.node = fake_node()
        self.told = Told(self.clock.now())

    def service(self, **given: Any) -> Service:
        settings = make_settings(MonitorSettings, self.folder, publish_every_s=0.01, **given)
        return build(settings, FakeParts(self.clock, self.broker, fakes=StartedSwitches(self.node)))

    @asynccontextmanager
    async def running(
        self, roles: Iterable[Role] = (Role.SUPERVISOR,)
    ) -> AsyncIterator[tuple[Service, httpx.AsyncClient]]:
        service = self.service()
        async with client_of(service, roles, self.clock) as http:

            async def is_ready() -> bool:
                return (await http.get("/health/ready")).status_code == 200

            await until(is_ready, what="monitor is ready")
            yield service, http

    async def tell(self, *payloads: Payload) -> None:
        for data in payloads:
            seconds = (self.clock.now() - self.told.start).total_seconds()
            await self.send(self.told.at(seconds, data))

    async def send(self, event: Event) -> None:
        await self.bus.send(message_of(event))

    async def alerts(self) -> list[Payload]:
        async with self.bus.replay(ALERT.name, BEGINNING) as reader:
            return [received_from(record).event.data async for record in reader]

    async def alert(self, kind: type[Payload], rule: str) -> Any:
        async def find() -> Any:
            return next(
                (a for a in await self.alerts() if isinstance(a, kind) and getattr(a, "rule", "") == rule), None
            )

        return await until(find, what=f"{kind.__name__} {rule}")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    found = World(tmp_path)
    yield found
    await found.broker.stop()


async def board(http: httpx.AsyncClient, **wanted: int) -> dict[str, Any]:
    """The board once its totals are as ``wanted``."""

    async def look() -> Any:
        found = (await http.get("/v1/board")).json()
        return found if {k: found["totals"][k] for k in wanted} == wanted else None

    found: dict[str, Any] = await until(look, what=f"totals {wanted}")
    return found


async def test_what_is_told_is_on_the_board(world: World) -> None:
    async with world.running() as (service, http):
        await world.tell(s.queue_config(20), s.user_config("a1"), s.agent("a1", AgentState.READY))
        await world.tell(s.arrived("c1"), s.session("c1"), s.arrived("c2"), s.queued("c2", world.clock.now()))
        shown = await board(http, calls_now=2, in_flow=1, waiting=1, offered=1)
        assert [(q["queue_id"], q["name"], q["waiting"]) for q in shown["queues"]] == [("retail", "Retail", 1)]
        assert shown["agents_by_state"] == {"ready": 1}
        assert shown["trunks"] == {"demo": 2}
        assert [(n["node_id"], n["is_up"]) for n in shown["nodes"]] == [("fs1", True)]
        await until(lambda: service.metrics.value(MONITOR_WAITING, queue="retail") == 1, what="the metric")
        await world.tell(s.left("c2", EntryOutcome.ANSWERED), s.agent("a1", AgentState.TALKING, call="c2"))
        shown = await board(http, waiting=0, answered=1)
        assert shown["totals"]["adds_up"]
        assert shown["queues"][0]["service_level"] == 1
        await until(lambda: service.metrics.value(MONITOR_AGENTS, state="talking") == 1, what="the metric")
        assert service.metrics.value(MONITOR_AGENTS, state="ready") == 0


async def test_a_monitor_that_starts_later_shows_the_same_and_raises_no_alarm_about_the_past(world: World) -> None:
    past = Told(world.clock.now() - timedelta(minutes=5))
    for event in (
        past.at(0, s.arrived("c1")),
        past.at(1, s.queued("c1")),
        past.at(2, s.left("c1", EntryOutcome.ANSWERED)),
        past.at(3, s.agent_leg_ended("c1", "l1")),
        past.at(4, s.offered("c2", "a1", "o1")),
        past.at(4, s.offered("c2", "a2", "o2")),
        past.at(5, s.recording_failed("l9")),
        past.at(6, s.stored("l1")),
    ):
        await world.send(event)
    async with world.running() as (_, http):
        await board(http, calls_today=1, answered=1)
        await world.tell(s.recording_failed("l2"))
        await world.alert(AlertRaised, "I10")
        assert [(type(a).__name__, getattr(a, "subject", "")) for a in await world.alerts()] == [("AlertRaised", "l2")]


async def test_the_same_event_twice_and_two_replicas_give_one_picture(world: World) -> None:
    async with world.running() as (_, first), world.running() as (_, second):
        event = world.told.at(0, s.queued("c1", world.clock.now()))
        end = world.told.at(1, s.left("c1", EntryOutcome.ABANDONED))
        for told in (event, event, end, event, end):
            await world.send(told)
        for http in (first, second):
            assert (await board(http, offered=1, abandoned=1, waiting=0))["totals"]["adds_up"]
        assert await world.alerts() == []


async def test_a_broken_promise_is_told_shown_counted_and_cleared(world: World) -> None:
    async with world.running() as (service, http):
        await world.tell(s.offered("c1", "a1", "o1"), s.offered("c1", "a2", "o2"))
        raised = await world.alert(AlertRaised, "I1")
        assert (raised.severity, raised.subject) == ("critical", "e-c1")
        assert [a["rule"] for a in (await http.get("/v1/alerts")).json()] == ["I1"]
        assert service.metrics.value(MONITOR_ALERTS, rule="I1") == 1
        await world.tell(s.offer_ended("c1", "a1", "o1"))
        cleared = await world.alert(AlertCleared, "I1")
        assert cleared.alert_id == raised.alert_id
        assert (await http.get("/v1/alerts")).json() == []


async def test_what_only_time_shows_is_seen_while_events_never_stop(tmp_path: Path) -> None:
    world = World(tmp_path, FastClock(200))
    async with world.running():
        await world.tell(s.agent_leg_ended("c1", "l1"))

        async def is_raised() -> bool:
            await world.tell(s.phone("p1", registered=True))
            return bool(await world.alerts())

        await until(is_raised, what="the missing recording")
        (alert,) = await world.alerts()
        assert isinstance(alert, AlertRaised)
        assert (alert.rule, alert.subject) == ("I10", "l1")
    await world.broker.stop()


async def test_alerts_wait_out_a_broker_that_is_away(world: World) -> None:
    async with world.running() as (service, http):
        live = service.provides[0]
        world.broker.go_down()
        live.apply(world.told.at(0, s.recording_failed("l1")))  # type: ignore[attr-defined]
        assert (await http.get("/health/ready")).status_code == 503
        await until(lambda: service.metrics.value(MONITOR_ALERTS, rule="I10") == 1, what="noticed")
        world.broker.come_back()
        await world.alert(AlertRaised, "I10")


async def test_a_board_says_itself_when_its_numbers_are_old(world: World) -> None:
    async with world.running() as (_, http):

        async def news(expected: str) -> bool:
            found = (await http.get("/v1/board")).json()
            return bool(found["news"] == expected and (found["news_until"] is not None) == (expected == "cut_off"))

        await until(lambda: news("live"), what="everything was read")
        world.broker.go_down()
        assert await news("cut_off")
        world.broker.come_back()
        assert await news("live")


async def test_nonsense_on_a_topic_is_passed_over(world: World) -> None:
    async with world.running() as (_, http):
        await world.bus.send(Message(ACD.name, "default", b"\xff\xfe", {TYPE_HEADER: "ipcc.acd.entry_queued"}))
        await world.bus.send(Message(ACD.name, "default", None))
        await world.tell(s.queued("c1", world.clock.now()))
        await board(http, offered=1)
        assert (await http.get("/health/ready")).status_code == 200


async def test_a_switch_that_is_down_is_red_and_shown(world: World) -> None:
    async with world.running() as (_, http):
        world.node.go_down()
        assert "fs1" in (await http.get("/health/ready")).text
        assert (await http.get("/v1/board")).json()["nodes"][0]["is_up"] is False


async def test_roles(world: World) -> None:
    async with world.running([Role.AUDITOR]) as (_, http):
        for path in ("/v1/board", "/v1/alerts"):
            assert (await http.get(path)).status_code == 403
            assert (await http.get(path, headers={"Authorization": ""})).status_code == 401


async def test_the_wallboard_page_is_served_with_a_policy_that_lets_nothing_foreign_run(world: World) -> None:
    async with world.running() as (_, http):
        page = await http.get("/wallboard", headers={"Authorization": ""})
        assert page.status_code == 200
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "<script>" not in page.text
        assert " style=" not in page.text
        # a browser that finds no icon asks for one that nobody serves
        for part in ("wallboard.js", "wallboard.css", "icon.svg"):
            assert f"/wallboard/{part}" in page.text
            assert (await http.get(f"/wallboard/{part}")).status_code == 200
        script = (await http.get("/wallboard/wallboard.js")).text
        assert "innerHTML" not in script
        for name in ("../app.py", "..%2fapp.py", "wallboard.html%00.js", "app.py"):
            assert (await http.get(f"/wallboard/{name}")).status_code == 404


async def test_the_websocket_sends_the_board_whenever_it_changes(world: World) -> None:
    service = world.service()
    token = issue_development_token(service.settings, world.clock, "tester", [Role.AGENT])
    async with serving([service]) as running:
        address = running[0].url.replace("http", "ws") + "/v1/board/events"
        with pytest.raises(InvalidStatus):
            await connect(address)
        async with connect(address, subprotocols=["ipcc", f"bearer.{token}"]) as socket:  # type: ignore[list-item]
            assert socket.subprotocol == "ipcc"
            await world.tell(s.queued("c1", world.clock.now()))
            async with asyncio.timeout(10):
                async for text in socket:
                    told = orjson.loads(text)
                    if told["type"] == "board" and told["data"]["totals"]["waiting"] == 1:
                        break
            assert told["data"]["totals"]["adds_up"]
