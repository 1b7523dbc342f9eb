"""``show channels`` and ``show tasks``: what they find, and that they come late, as on the switch (18i, 18l, 17k)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ipcc.sim.channels import Message
from ipcc.sim.sip import InboundCall
from tests.unit.sim.bench import Bench

SOON_S, LATE_S = 0.1, 0.2


def listed(bench: Bench, what: str = "channels") -> list[dict[str, Any]]:
    return list(json.loads(bench.api("show", f"{what} as json")).get("rows", []))


def groups(bench: Bench) -> list[str]:
    return [row["task_group"] for row in listed(bench, "tasks")]


def settled() -> tuple[Bench, str]:
    """A caller whose leg is listed."""
    bench = Bench()
    uuid = bench.call()
    bench.run(1)
    return bench, uuid


def test_a_new_leg_is_there_before_it_is_listed_and_one_that_is_gone_is_listed_still() -> None:
    bench = Bench()
    bench.run(1)
    uuid = bench.engine.phones.invite(InboundCall("13800000001", "9001", context="test"))
    assert uuid
    bench.run(SOON_S)
    assert (bench.api("uuid_exists", uuid), listed(bench)) == ("true", [])
    bench.run(LATE_S)
    assert [row["uuid"] for row in listed(bench)] == [uuid]
    bench.engine.phones.hang_up(uuid)
    bench.run(SOON_S)
    assert bench.api("uuid_exists", uuid) == "false"
    assert [(row["uuid"], row["callstate"]) for row in listed(bench)] == [(uuid, "ACTIVE")]
    bench.run(LATE_S)
    assert listed(bench) == []


def test_what_a_leg_does_is_listed_late_as_well() -> None:
    bench, uuid = settled()
    bench.engine.execute(uuid, Message("execute", "playback", "/s/ten.wav"))
    bench.run(SOON_S)
    assert bench.events(uuid, "PLAYBACK_START")
    assert [row["application"] for row in listed(bench)] == ["park"]
    bench.run(LATE_S)
    assert [row["application"] for row in listed(bench)] == ["playback"]


@pytest.mark.parametrize(
    "wanted", ["{uuid}", "{head}", "13800000001", "1380%", "%0001", "138_0000001", "SOFIA/%/138%", "%"]
)
def test_like_finds_a_leg_by_its_uuid_name_and_caller(wanted: str) -> None:
    bench, uuid = settled()
    assert [row["uuid"] for row in listed(bench, f"channels like {wanted.format(uuid=uuid, head=uuid[:13])}")] == [uuid]


@pytest.mark.parametrize("wanted", ["9001", "CS_EXECUTE", "park", "nobody", "0001%"])
def test_like_looks_nowhere_else(wanted: str) -> None:
    bench, _ = settled()
    assert bench.api("show", f"channels like {wanted} as json") == '{"row_count": 0}\n'


def test_the_words_of_show_have_their_places() -> None:
    bench, uuid = settled()
    assert bench.api("show", "channels like as json") == "\n0 total.\n"
    assert uuid in bench.api("show", "channels like 1380 count")
    assert uuid in bench.api("show", "channels like")
    assert bench.api("show", "channels count as xml") == '<result row_count="1"></result>\n'
    assert bench.api("show", "channels as nonsense") == "-ERR Cannot find format nonsense\n"


def test_a_task_is_listed_late_and_when_taken_back_until_the_scheduler_has_looked() -> None:
    bench, uuid = settled()
    assert bench.api("sched_hangup", f"+60 {uuid} NORMAL_CLEARING") == "+OK\n"
    bench.run(SOON_S)
    assert groups(bench) == ["mod_hash"]
    bench.run(LATE_S)
    assert groups(bench) == ["mod_hash", uuid]
    assert listed(bench, "tasks")[1]["task_desc"] == "switch_ivr_schedule_hangup"
    assert bench.api("sched_del", uuid) == "+OK Deleted: 1\n"
    assert bench.api("sched_del", uuid) == "+OK Deleted: 0\n"
    bench.run(SOON_S)
    assert groups(bench) == ["mod_hash", uuid]
    bench.run(0.7)
    assert groups(bench) == ["mod_hash"]


def test_the_tasks_of_a_leg_go_with_it() -> None:
    bench, uuid = settled()
    bench.api("sched_hangup", f"+60 {uuid} NORMAL_CLEARING")
    bench.api("sched_api", "+60 none status")
    bench.engine.phones.hang_up(uuid)
    bench.run(1)
    assert groups(bench) == ["mod_hash", "none"]


def test_what_is_due_is_done_at_the_next_look_up_to_half_a_second_after_the_whole_second() -> None:
    bench, uuid = settled()
    bench.run(0.3)
    ordered = bench.now
    bench.api("sched_hangup", f"+2 {uuid} ALLOTTED_TIMEOUT")
    whole = int(ordered) + 2
    bench.run(whole - bench.now)
    assert not bench.events(uuid, "CHANNEL_HANGUP")
    while not bench.events(uuid, "CHANNEL_HANGUP"):
        assert bench.now < whole + 0.5
        bench.run(0.02)
    assert (bench.now - ordered) % 0.5 == pytest.approx(0, abs=0.03)


def test_the_switch_cleans_its_limits_every_quarter_of_an_hour_and_says_when_next() -> None:
    bench = Bench()
    bench.run(1)
    (before,) = listed(bench, "tasks")
    bench.run(900)
    (after,) = listed(bench, "tasks")
    told = [event for event in bench.events(name="RE_SCHEDULE") if event.headers["Task-Desc"] == "limit_hash_cleanup"]
    assert [event.headers["Task-ID"] for event in told] == [before["task_id"]] == ["3"]
    assert 899 <= int(after["task_runtime"]) - int(before["task_runtime"]) <= 901
