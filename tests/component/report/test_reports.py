"""The report server as a whole: it hears everything, and what it answers adds up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ipcc.auth.principal import Role
from ipcc.bus import MemoryBroker, MemoryBus, Message, message_of
from ipcc.bus.events import TYPE_HEADER
from ipcc.clock import SystemClock
from ipcc.contracts.acd import EntryOutcome
from ipcc.contracts.config import ConfigChanged, Queue
from ipcc.contracts.envelope import Event
from ipcc.contracts.topics import ACD, CALL, DEAD_LETTER
from services.report.app import build
from services.report.settings import ReportSettings
from tests.component.report.stories import START, a_served_call, a_stay, a_walk, at
from tests.support.fake_parts import FakeParts
from tests.support.service import client_of, make_settings
from tests.support.until import until

ENDS = [None, *EntryOutcome]
DAY = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)  # midnight in Berlin before its clock goes back


@dataclass
class World:
    """The bench."""

    folder: Path
    database_url: str

    def __post_init__(self) -> None:
        self.broker = MemoryBroker(SystemClock())
        self.bus = MemoryBus(self.broker, send_timeout_s=0.2)

    @asynccontextmanager
    async def running(
        self, roles: Iterable[Role] = (Role.SUPERVISOR,), **given: Any
    ) -> AsyncIterator[httpx.AsyncClient]:
        made = make_settings(ReportSettings, self.folder, database_url=self.database_url, **given)
        service = build(made, FakeParts(SystemClock(), self.broker))
        async with client_of(service, roles) as http:

            async def is_ready() -> bool:
                return (await http.get("/health/ready")).status_code == 200

            await until(is_ready, what="report is ready")
            yield http

    async def tell(self, events: Iterable[Event]) -> None:
        for event in events:
            await self.bus.send(message_of(event))

    async def written(self, http: httpx.AsyncClient, call: str) -> None:
        """Wait until the history knows ``call``: what was told before it on its topic is there too."""

        async def is_known() -> bool:
            return (await http.get(f"/v1/calls/{call}")).status_code == 200

        await until(is_known, what=f"{call} is written")


@pytest.fixture
async def world(tmp_path: Path, database_url: str) -> AsyncIterator[World]:
    found = World(tmp_path, database_url)
    yield found
    await found.broker.stop()


async def report(http: httpx.AsyncClient, since: datetime, until_: datetime, minutes: int = 30) -> dict[str, Any]:
    params: dict[str, Any] = {"since": since.isoformat(), "until": until_.isoformat(), "minutes": minutes}
    answer = await http.get("/v1/reports/queue-intervals", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def total(found: dict[str, Any], name: str) -> int:
    return sum(queue[name] for queue in found["totals"])


async def test_a_call_is_found_with_its_whole_journey(world: World) -> None:
    async with world.running() as http:
        await world.tell(chain.from_iterable(a_served_call("one")))

        async def is_whole() -> bool:
            answer = (await http.get("/v1/calls/call-one")).json()
            is_served = answer.get("recordings") and answer["stays"] and answer["stays"][0]["talk_ms"]
            # each topic is read at its own pace: the flow's facts may come after acd's
            is_walked = answer.get("sessions") and "to-agent" in answer["sessions"][0]["path"]
            return bool(is_served and is_walked and len(answer["offers"]) == 2)

        await until(is_whole, what="the journey is whole")
        listed = (await http.get("/v1/calls", params={"since": START.isoformat()})).json()
        assert [call["call_id"] for call in listed] == ["call-one"]
        journey = (await http.get("/v1/calls/call-one")).json()
        assert journey["sessions"][0]["path"] == ["language", "balance", "to-agent"]
        assert [o["outcome"] for o in journey["offers"]] == ["no_answer", "answered"]
        assert (await http.get("/v1/calls/none")).json()["code"] == "call.unknown"


async def test_calls_and_chats_are_told_apart_and_each_can_be_asked_for_alone(world: World) -> None:
    async with world.running() as http:
        web = Queue(id="web", name="Web chat", medium="chat")
        stays = [a_stay(f"m{n}", DAY, EntryOutcome.ANSWERED, 1000, ("retail", "web")[n % 2]) for n in range(6)]
        await world.tell([at("web", ConfigChanged(kind="queue", object_id="web", version=1, object=web), 0)])
        await world.tell(chain.from_iterable(stays))

        async def media(**asked: str) -> dict[str, tuple[str, int]]:
            times = {"since": DAY.isoformat(), "until": (DAY + timedelta(hours=1)).isoformat()}
            answer = await http.get("/v1/reports/queue-intervals", params={**times, **asked})
            return {one["queue_id"]: (one["medium"], one["offered"]) for one in answer.json()["totals"]}

        async def is_whole() -> bool:
            return await media() == {"retail": ("voice", 3), "web": ("chat", 3)}

        await until(is_whole, what="all is written")
        assert await media(medium="chat") == {"web": ("chat", 3)}
        assert await media(medium="voice") == {"retail": ("voice", 3)}
        assert await media(medium="mail") == {}


async def test_the_interval_report_adds_up_on_the_day_the_clock_goes_back(world: World) -> None:
    async with world.running(timezone="Europe/Berlin") as http:
        queue = Queue(id="retail", name="零售 Retail", service_level_s=10)
        stays = [
            a_stay(f"s{n}", DAY + timedelta(minutes=20 * n), ENDS[n % 5], 1000 * n, ("retail", "vip")[n % 2])
            for n in range(75)
        ]
        await world.tell([at("q", ConfigChanged(kind="queue", object_id="retail", version=1, object=queue), 0)])
        await world.tell(chain.from_iterable(stays))

        async def count() -> bool:
            found = await report(http, DAY, DAY + timedelta(hours=25))
            return (
                total(found, "offered") == 75
                and total(found, "answered") == 15
                and bool(found["totals"][0]["queue_name"])
            )

        await until(count, what="all is written")
        found = await report(http, DAY, DAY + timedelta(hours=25))
    assert len(found["intervals"]) == 50
    assert found["timezone"] == "Europe/Berlin"
    for name in ("offered", "answered", "abandoned", "overflowed", "transferred", "still_waiting"):
        by_interval = sum(queue[name] for interval in found["intervals"] for queue in interval["queues"])
        assert by_interval == total(found, name)
    assert total(found, "offered") == sum(
        total(found, n) for n in ("answered", "abandoned", "overflowed", "transferred", "still_waiting")
    )
    assert all(q["adds_up"] for interval in found["intervals"] for q in interval["queues"])
    assert [(q["queue_id"], q["queue_name"]) for q in found["totals"]] == [("retail", "零售 Retail"), ("vip", "")]


# the reckoning itself is held to both databases in test_figures.py
@pytest.mark.parametrize("database_url", ["sqlite+aiosqlite:///"])
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 86_399), st.sampled_from(ENDS), st.integers(0, 100_000)), max_size=30))
async def test_whatever_happened_any_cut_of_the_day_adds_up(
    world: World, happened: list[tuple[int, EntryOutcome | None, int]]
) -> None:
    world = World(world.folder, f"sqlite+aiosqlite:///{world.folder}/{id(happened)}.db")
    async with world.running() as http:
        for n, (second, outcome, wait) in enumerate(happened):
            await world.tell(a_stay(f"x{n}", DAY + timedelta(seconds=second), outcome, wait))
        ended = sum(outcome is not None for _, outcome, _ in happened)

        async def is_written() -> bool:
            found = await report(http, DAY, DAY + timedelta(days=1), 60)
            return total(found, "offered") - total(found, "still_waiting") == ended and total(found, "offered") == len(
                happened
            )

        await until(is_written, what="all is written")
        for minutes in (5, 15, 30, 60):
            found = await report(http, DAY, DAY + timedelta(days=1), minutes)
            assert sum(q["offered"] for i in found["intervals"] for q in i["queues"]) == len(happened)
            assert all(q["adds_up"] for i in found["intervals"] for q in i["queues"])
    await world.broker.stop()


async def test_what_it_does_not_know_is_passed_over_and_what_it_cannot_read_is_put_aside(world: World) -> None:
    async with world.running() as http:
        newer = orjson.dumps(
            {
                **{"specversion": "1.0", "id": "u1", "type": "ipcc.call.dreamt", "source": "s", "subject": "c"},
                **{"time": "2026-03-02T00:00:00Z", "dataschema": "x", "data": {"call_id": "c", "colour": "blue"}},
            }
        )
        await world.bus.send(Message(CALL.name, "call-two", newer, {TYPE_HEADER: "ipcc.call.dreamt"}))
        await world.bus.send(Message(CALL.name, "call-two", b"no json"))
        await world.bus.send(Message(ACD.name, "default", newer))
        await world.tell(a_served_call("two")[0])
        await world.written(http, "call-two")
        assert world.broker.logs(DEAD_LETTER.name)[0].end == 1
        assert (await http.get("/health/ready")).status_code == 200


async def test_a_restart_goes_on_where_it_stopped_and_an_event_told_again_changes_nothing(world: World) -> None:
    topics = a_served_call("again")
    async with world.running() as http:
        await world.tell(topics[1][:3])
        await world.tell(topics[0])
        await world.written(http, "call-again")
    async with world.running() as http:
        await world.tell(topics[1])

        async def path() -> list[str]:
            sessions = (await http.get("/v1/calls/call-again")).json()["sessions"]
            return list(sessions[0]["path"]) if sessions and sessions[0]["outcome"] else []

        assert await until(path, what="the session ended") == ["language", "balance", "to-agent"]


@pytest.mark.parametrize(
    "params",
    [
        {"since": "2026-03-02T00:00:00"},
        {"since": "yesterday"},
        {"since": "2026-03-02T00:00:00Z", "minutes": "7"},
        {"since": "2026-03-02T00:00:00Z", "until": "2026-03-01T00:00:00Z"},
        {"since": "2020-01-01T00:00:00Z", "until": "2026-03-01T00:00:00Z", "minutes": "5"},
    ],
)
async def test_a_report_that_makes_no_sense_is_refused_with_the_reason(world: World, params: dict[str, str]) -> None:
    async with world.running() as http:
        answer = await http.get("/v1/reports/queue-intervals", params=params)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_agents_see_no_reports(world: World) -> None:
    async with world.running([Role.AGENT]) as http:
        for path in (
            "/v1/calls?since=2026-03-02T00:00:00Z",
            "/v1/calls/x",
            "/v1/reports/queue-intervals",
            "/v1/reports/flows?since=2026-03-02T00:00:00Z",
        ):
            assert (await http.get(path)).status_code == 403


def test_a_time_zone_that_is_none_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="Middle/Earth"):
        ReportSettings(timezone="Middle/Earth")


async def test_flows_are_reported_by_version_over_rest(world: World) -> None:
    async with world.running() as http:
        await world.tell(a_walk("one", 3, [("language", "key 1", 1, 0), ("menu", "hung_up", 0, 1)], "hung_up"))

        async def counted() -> list[dict[str, Any]]:
            answer = await http.get("/v1/reports/flows", params={"since": START.isoformat(), "flow": "bank-main"})
            assert answer.status_code == 200, answer.text
            found: list[dict[str, Any]] = answer.json()
            return found if found and found[0]["outcomes"] == {"hung_up": 1} else []

        (version,) = await until(counted, what="counted")
        assert (version["version"], version["sessions"], version["abandonment"]) == (3, 1, 1.0)
        assert [(node["flow_node"], node["exits"], node["abandonment"]) for node in version["nodes"]] == [
            ("language", {"key 1": 1}, 0.0),
            ("menu", {"hung_up": 1}, 1.0),
        ]
