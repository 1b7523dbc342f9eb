"""Any one process is killed while ten calls are in all stages: no call drops, no place is lost, everything is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
import pytest_asyncio

from ipcc.cli.verdict import compare_totals
from ipcc.sim.people import PhoneScript
from tests.support.kafka_broker import KafkaBroker
from tests.support.until import until
from tests.system.callers import caller, wants_agent, wants_agent_after, wants_balance
from tests.system.proofs import inversions, recording_faults, stays, wrong_waits
from tests.system.town import AGENTS, Town, plan_for, town

pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

EVERYONE = ("acd", "ivr", "ctiserver", "record", "report", "monitor", "outbound", "admin", "bankcore")
TALK_S = 6.0
QUICK, SLOW, SILENT = 0.4, 4.0, None
PHONES = (
    PhoneScript("1001", answer_after_s=QUICK),
    PhoneScript("1002", answer_after_s=QUICK),
    PhoneScript("1003", answer_after_s=SLOW),
    PhoneScript("1004", answer_after_s=SILENT),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory, own_kafka: KafkaBroker) -> AsyncIterator[Town]:
    async with town(plan_for(tmp_path_factory.mktemp("killed"), own_kafka.address)) as made:
        await made.stage.prepare(AGENTS)
        yield made


@pytest.fixture(scope="module")
def serials() -> Iterator[int]:
    return count(1)


@dataclass
class Calls:
    """The calls of one round, by what they were doing when the process was killed."""

    talking: list[str] = field(default_factory=list)
    ringing: list[str] = field(default_factory=list)
    queued: list[str] = field(default_factory=list)
    leaving: str = ""
    in_menu: list[str] = field(default_factory=list)
    self_served: str = ""

    @property
    def for_agents(self) -> list[str]:
        return [*self.talking, *self.ringing, *self.queued, *self.in_menu]

    @property
    def all(self) -> list[str]:
        return [*self.for_agents, self.leaving, self.self_served]


@pytest.mark.parametrize("victim", EVERYONE)
async def test_killing_one_process_during_ten_calls_loses_nothing(
    victim: str, place: Town, serials: Iterator[int], record_property: Any
) -> None:
    await place.agents_ready(*PHONES)
    calls = await _place_calls(place, serials)
    queued_before = await place.entries()
    killed_at = asyncio.get_running_loop().time()
    await place.family.kill(victim)
    asyncio.get_running_loop().call_later(1.5, place.hang_up, calls.leaving)
    await place.until_green(victim)
    green_s = asyncio.get_running_loop().time() - killed_at
    if victim != "bankcore":
        await place.leave_at(calls.self_served, "after-balance")
    await place.until_over(calls.all)
    over_s = asyncio.get_running_loop().time() - killed_at
    await place.until_empty()
    journeys = await place.journeys(calls.all)
    record_property("green_s", round(green_s, 1))
    print(f"\n{victim}: green {green_s:.1f} s after the kill, calls over after {over_s:.1f} s")
    _check_ends(calls, journeys, bank_was_killed=victim == "bankcore")
    await _check_queue(place, calls, queued_before)
    assert [fault for journey in journeys.values() for fault in recording_faults(journey)] == []
    await _check_totals(place)


async def _place_calls(place: Town, serials: Iterator[int]) -> Calls:
    """Two talk, two ring, three wait, one waits who will give up, one is in the menu, one at his card."""
    calls = Calls()
    calls.self_served = place.call(caller(next(serials), *wants_balance(), talk_s=2))
    first = [place.call(caller(next(serials), *wants_agent(), talk_s=TALK_S)) for _ in range(4)]
    await until(lambda: _offered(place, first), 15, "four phones ring")
    calls.in_menu = [place.call(caller(next(serials), *wants_agent_after(4), talk_s=2))]
    calls.queued = [place.call(caller(next(serials), *wants_agent(), talk_s=2)) for _ in range(3)]
    calls.leaving = place.call(caller(next(serials), *wants_agent()))
    waiting = [*calls.queued, calls.leaving]
    await until(lambda: _all_wait(place, waiting), 15, "four callers wait")
    await until(lambda: _two_talk(place), 15, "two callers talk")
    calls.talking = [call for call in first if place.partner(call)]
    calls.ringing = [call for call in first if call not in calls.talking]
    return calls


async def _offered(place: Town, calls: list[str]) -> bool:
    entries = await place.entries()
    return all(place.partner(call) or entries.get(call, {}).get("offered_to") for call in calls)


async def _two_talk(place: Town) -> bool:
    states = [str(agent["state"]) for agent in await place.get("acd", "/v1/agents")]
    return states.count("talking") >= 2


async def _all_wait(place: Town, calls: list[str]) -> bool:
    return set(calls) <= (await place.entries()).keys()


def _check_ends(calls: Calls, journeys: dict[str, dict[str, Any]], *, bank_was_killed: bool) -> None:
    for call in calls.for_agents:
        journey = journeys[call]
        assert [stay["outcome"] for stay in journey["stays"]] == ["answered"], journey
        assert [s["outcome"] for s in journey["sessions"]] == ["answered_by_agent"], journey
        assert journey["offers"][-1]["outcome"] == "answered", journey
        wanted_ms = 1000 * (TALK_S if call in (*calls.talking, *calls.ringing) else 2)
        # nothing was cut short; how much later a busy machine hangs up is not what is tested here
        assert journey["stays"][0]["talk_ms"] > wanted_ms - 1500, journey
    left = journeys[calls.leaving]
    assert [stay["outcome"] for stay in left["stays"]] == ["abandoned"], left
    served = journeys[calls.self_served]
    if not bank_was_killed:
        assert served["sessions"][0]["outcome"] == "hung_up", served
        assert {"operation": "balance", "outcome": "ok"}.items() <= served["sessions"][0]["bank"][-1].items(), served
    else:
        # what the bank did not answer is said, and an agent offered
        assert served["sessions"][0]["outcome"] in ("completed", "answered_by_agent"), served


async def _check_queue(place: Town, calls: Calls, before: dict[str, dict[str, Any]]) -> None:
    log = await place.acd_log()
    found, faults = stays(log, calls.all)
    assert faults + inversions(log, found) + wrong_waits(found) == []
    by_call = {stay.call_id: stay for stay in found.values()}
    kept = {call: (by_call[call].entry_id, by_call[call].entered_at.isoformat()) for call in before}
    assert kept == {call: (e["id"], e["entered_at"].replace("Z", "+00:00")) for call, e in before.items()}


async def _check_totals(place: Town) -> None:
    async def problems() -> list[str]:
        return compare_totals(await place.totals())

    async def agree() -> bool:
        return not await problems()

    try:
        await until(agree, 15)
    except AssertionError:
        raise AssertionError(f"I6: {await problems()}") from None
