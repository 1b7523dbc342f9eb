"""The switch, Kafka, PostgreSQL and the bank core absent at the start, then dying later.

Each time: red with a reason that says what and where, calls served as far as can be, recovery without anybody's help.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ipcc.cli.plan import SERVICES
from ipcc.cli.suite import SIMULATED_NODE, simulated_switch
from ipcc.cli.verdict import compare_totals
from ipcc.settings import SwitchAddress
from ipcc.sim.people import PhoneScript
from tests.support.kafka_broker import KafkaBroker, free_port
from tests.support.postgres import PostgresServer, own_server
from tests.support.until import until
from tests.system.callers import caller, wants_agent, wants_balance
from tests.system.proofs import recording_faults
from tests.system.secrecy import planted, planted_in_files
from tests.system.town import AGENTS, Town, plan_for, town
from tools.kafka_artifacts import missing_programs

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(150),
]

PASSWORD = "test-event-socket"
ON_THE_CALL_PATH = ("ctiserver", "acd", "ivr")
WITH_DATABASE = ("admin", "record", "report", "outbound")
ON_SWITCHES = ("ctiserver", "acd", "ivr", "outbound", "monitor")
PHONES = (PhoneScript("1001", answer_after_s=0.3), PhoneScript("1002", answer_after_s=0.3))


@dataclass
class Outside:
    """The four parts, each of which can be there or not."""

    folder: Path
    broker: KafkaBroker
    database: PostgresServer
    url: str
    port: int = field(default_factory=free_port)
    place: Town | None = None
    _switch: AsyncExitStack | None = None

    @property
    def town(self) -> Town:
        assert self.place is not None
        return self.place

    async def start_switch(self) -> None:
        """A new switch at the known address, with the phones registered."""
        self._switch = AsyncExitStack()
        plan = self.town.suite.plan
        made = await self._switch.enter_async_context(simulated_switch(plan, port=self.port, password=PASSWORD))
        self.town.suite.sim = made[0]
        for agent in AGENTS:
            self.town.sim.register(agent)

    async def stop_switch(self) -> None:
        """The switch and its calls are gone."""
        if self._switch is not None:
            await self._switch.aclose()
            self._switch = None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outside(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outside]:
    """Nine processes started with nothing there that they need."""
    if problem := missing_programs():
        pytest.skip(problem)
    folder = tmp_path_factory.mktemp("absent")
    database = own_server()
    url = database.new_database()
    database.stop()
    made = Outside(folder, KafkaBroker(folder / "kafka"), database, url)
    address = SwitchAddress(node_id=SIMULATED_NODE, host="127.0.0.1", port=made.port)
    plan = plan_for(
        folder, made.broker.address, database=url, switches=(address,), esl_password=PASSWORD, log_level="DEBUG"
    )
    try:
        async with town(plan, hold_back=("bankcore",)) as made.place:
            yield made
            await made.stop_switch()
    finally:
        made.broker.remove()
        database.destroy()


@pytest.fixture(scope="module")
def serials() -> Iterator[int]:
    return count(1)


async def _until_all_green(place: Town, timeout_s: float = 40) -> None:
    for name in SERVICES:
        await place.until_green(name, timeout_s)


async def _serve_one(place: Town, serial: int) -> str:
    """A call that an agent answers and the report knows of; its id."""
    await place.agents_ready(*PHONES, without=AGENTS[2:])
    call = place.call(caller(serial, *wants_agent(), talk_s=1))
    await place.until_over([call], 30)
    journey = (await place.journeys([call]))[call]
    assert [stay["outcome"] for stay in journey["stays"]] == ["answered"], journey
    assert recording_faults(journey) == []
    return call


async def _self_served(place: Town, serial: int, operation: str, outcome: str) -> dict[str, Any]:
    """Somebody who asks for his balance; the last thing the bank said."""
    await place.agents_ready(*PHONES, without=AGENTS[2:])
    call = place.call(caller(serial, *wants_balance(), talk_s=1))
    if outcome == "ok":
        await place.leave_at(call, "after-balance")
    await place.until_over([call], 60)
    journey = (await place.journeys([call]))[call]
    last = journey["sessions"][0]["bank"][-1]
    assert (last["operation"], last["outcome"]) == (operation, outcome), journey
    return journey


async def test_with_nothing_there_each_service_comes_up_and_says_what_is_missing_and_where(outside: Outside) -> None:
    place = outside.town
    for name in SERVICES:
        assert outside.broker.address in await place.until_red(name, "bus"), name
    for name in WITH_DATABASE:
        assert str(outside.database.port) in await place.until_red(name, "database"), name
    for name in ON_SWITCHES:
        reason = await place.until_red(name, "switches")
        assert SIMULATED_NODE in reason, reason
        assert f"127.0.0.1:{outside.port}" in reason, reason
    assert place.suite.urls["bankcore"] in await place.until_red("ivr", "bank core")


async def test_each_part_that_comes_turns_its_check_green_and_a_call_is_served(
    outside: Outside, serials: Iterator[int]
) -> None:
    place = outside.town
    await asyncio.to_thread(outside.broker.start)
    await asyncio.to_thread(outside.database.start)
    await outside.start_switch()
    place.family.let_go("bankcore")
    await _until_all_green(place)
    await place.stage.prepare(AGENTS)
    await _serve_one(place, next(serials))
    assert {child.name: child.starts for child in place.family.children} == dict.fromkeys((*SERVICES, "bankcore"), 1), (
        "nobody was started anew"
    )


async def test_without_kafka_talks_and_music_go_on_and_new_calls_wait(outside: Outside, serials: Iterator[int]) -> None:
    place = outside.town
    await place.agents_ready(*PHONES, without=AGENTS[1:])
    talking = place.call(caller(next(serials), *wants_agent()))
    await until(lambda: place.partner(talking), 15, "one talks")
    waiting = place.call(caller(next(serials), *wants_agent(), talk_s=1))
    await until(lambda: _waits(place, waiting), 15, "one waits")
    await asyncio.to_thread(outside.broker.kill)
    for name in SERVICES:
        assert outside.broker.address in await place.until_red(name, "bus"), name
    new = place.call(caller(next(serials), *wants_agent(), talk_s=1))
    assert place.partner(talking), "the talk goes on"
    channel = place.sim.engine.kernel.channels[waiting]
    assert channel.application[0] == "playback", "the music goes on"
    place.hang_up(talking)
    await place.until_over([talking], 5)
    assert place.is_up(new), "new work waits"
    await asyncio.to_thread(outside.broker.start)
    await place.until_over([waiting, new])
    journeys = await place.journeys([talking, waiting, new])
    assert {j["stays"][0]["outcome"] for j in journeys.values()} == {"answered"}
    assert [fault for journey in journeys.values() for fault in recording_faults(journey)] == []
    await _until_all_green(place)
    await _check_totals(place)


async def _waits(place: Town, call: str) -> bool:
    return call in await place.entries()


async def _check_totals(place: Town) -> None:
    problems: list[str] = []

    async def agree() -> bool:
        problems[:] = compare_totals(await place.totals())
        return not problems

    try:
        await until(agree, 15)
    except AssertionError:
        raise AssertionError(f"I6: {problems}") from None


async def test_without_postgresql_calls_are_served_and_history_catches_up(
    outside: Outside, serials: Iterator[int]
) -> None:
    place = outside.town
    await place.agents_ready(*PHONES, without=AGENTS[2:])
    await asyncio.to_thread(outside.database.stop)
    for name in WITH_DATABASE:
        assert str(outside.database.port) in await place.until_red(name, "database"), name
    call = place.call(caller(next(serials), *wants_agent(), talk_s=1))
    await until(lambda: place.partner(call), 10, "an agent answers without the database")
    await place.until_over([call], 10)
    assert {name: await place.reasons(name) for name in ON_THE_CALL_PATH} == {name: {} for name in ON_THE_CALL_PATH}
    await asyncio.to_thread(outside.database.start)
    await _until_all_green(place)
    journey = (await place.journeys([call]))[call]
    assert [stay["outcome"] for stay in journey["stays"]] == ["answered"]
    assert recording_faults(journey) == []
    await _check_totals(place)


async def test_without_the_bank_core_callers_are_told_and_given_an_agent(
    outside: Outside, serials: Iterator[int]
) -> None:
    place = outside.town
    place.family.hold_back("bankcore")
    await place.family.kill("bankcore")
    journey = await _self_served(place, next(serials), "identify", "unavailable")
    assert "bank-down" in journey["sessions"][0]["path"]
    assert [stay["outcome"] for stay in journey["stays"]] == ["answered"]
    assert place.suite.urls["bankcore"] in await place.until_red("ivr", "bank core")
    place.family.let_go("bankcore")
    await _until_all_green(place)
    await _self_served(place, next(serials), "balance", "ok")


async def test_without_the_switch_its_calls_end_with_a_reason_and_the_next_ones_are_served(
    outside: Outside, serials: Iterator[int]
) -> None:
    place = outside.town
    await place.agents_ready(*PHONES, without=AGENTS[1:])
    talking = place.call(caller(next(serials), *wants_agent()))
    await until(lambda: place.partner(talking), 15, "one talks")
    waiting = place.call(caller(next(serials), *wants_agent()))
    await until(lambda: _waits(place, waiting), 15, "one waits")
    await outside.stop_switch()
    for name in ON_SWITCHES:
        assert f"127.0.0.1:{outside.port}" in await place.until_red(name, "switches"), name
    await outside.start_switch()
    await _until_all_green(place)
    journeys = await place.journeys([talking, waiting])
    assert all(journey["cause"] for journey in journeys.values())
    assert [journeys[waiting]["stays"][0]["outcome"], journeys[talking]["stays"][0]["outcome"]] == [
        "abandoned",
        "answered",
    ]
    await _serve_one(place, next(serials))
    await _check_totals(place)


async def test_nothing_keyed_is_found_in_kafka_postgresql_logs_or_files(outside: Outside) -> None:
    place = outside.town
    for child in place.family.children:
        metrics = (await place.client.get(place.suite.urls[child.name] + "/metrics")).content
        assert planted(metrics) == [], child.name
    dump = await asyncio.to_thread(outside.database.dump, outside.url)
    assert b"flow_session" in dump
    assert planted(dump) == []
    # its logs, and the records of every topic as Kafka keeps them
    assert (outside.folder / "kafka" / "data" / "ipcc.ivr.v1-0").is_dir()
    assert planted_in_files(outside.folder) == []
