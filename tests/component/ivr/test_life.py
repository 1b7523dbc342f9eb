"""The life of a flow over REST: drafted, validated, tested, published, shared, rolled back; and what callers of each replica meet."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ipcc.contracts.ivr import SessionStarted
from ipcc.ids import new_id
from tests.component.ivr.world import Replica, World
from tests.support.until import until

DRAFTS = "/v1/flows/bank-main/versions"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    found = World(tmp_path, given={"flows_from_files": False, "flows_look_s": 0.1})
    found.node.finish_at_once("playback", "FILE PLAYED")
    await found.open()
    yield found
    await found.close()


def bank_main() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("flows/bank-main.json").read_text(encoding="utf-8"))
    return found


CASES = {
    "flow": "bank-main",
    "cases": [
        {
            "name": "to an agent",
            "keys": ["1", "0"],
            "path": ["language", "wish", "menu", "..."],
            "result": "answered_by_agent",
        }
    ],
}


async def ready(replica: Replica) -> None:
    """The flow files are seeded, and known."""

    async def is_seeded() -> bool:
        answer = await replica.http.get(DRAFTS)
        return answer.status_code == 200 and bool(answer.json())

    await until(is_seeded, timeout=20, what="the flows are seeded")


async def bring(http: httpx.AsyncClient, document: dict[str, Any]) -> int:
    """A new version, as far as tested; its number."""
    drafted = await http.post(DRAFTS, json={"document": document, "cases": CASES})
    assert drafted.status_code == 201, drafted.text
    version = int(drafted.json()["version"])
    assert (await http.post(f"{DRAFTS}/{version}/validate")).json()["state"] == "validated"
    tested = (await http.post(f"{DRAFTS}/{version}/test")).json()
    assert (tested["state"], tested["cases"], tested["failed"]) == ("tested", 1, [])
    return version


async def version_met(world: World, call: str = "") -> int:
    """The version that a caller meets."""
    call = await world.arrive(leg=call)
    await world.asked(call)
    found = next(f for f in await world.facts(call) if isinstance(f, SessionStarted))
    return found.flow_version


async def test_from_a_draft_to_the_callers_of_every_replica_and_back(world: World) -> None:
    async with world.replica("ivr-0") as ivr, world.replica("ivr-1") as other:
        await ready(ivr)
        await ready(other)
        early = await world.arrive()
        await world.asked(early)
        version = await bring(ivr.http, bank_main())
        assert version == 2
        assert await version_met(world) == 1
        published = await ivr.http.post(f"{DRAFTS}/2/publish", json={})
        assert published.json()["state"] == "published"
        for one in (ivr, other):
            store = one.sessions.outside.flows
            await until(lambda flows=store: flows.published("bank-main").version == 2, what="learnt")  # type: ignore[misc]
        assert {await version_met(world) for _ in range(6)} == {2}
        # a call in progress goes on where it was
        await world.key(early, "2")
        await world.at(early, "menu")
        back = await ivr.http.post("/v1/flows/bank-main/rollback", json={"version": 1})
        assert back.json() == {"shares": {"1": 100}}
        await until(lambda: other.sessions.outside.flows.published("bank-main").version == 1, what="learnt")
        assert {await version_met(world) for _ in range(6)} == {1}
        deeds = (await ivr.http.get("/v1/flows/bank-main/acts")).json()
        told = [(deed["action"], deed["version"], deed["note"]) for deed in reversed(deeds)]
        assert told == [
            ("published", 1, ""),
            ("shared", 1, "version 1: 100 %"),
            ("drafted", 2, ""),
            ("validated", 2, ""),
            ("tested", 2, ""),
            ("published", 2, ""),
            ("shared", 2, "version 2: 100 %"),
            ("rolled back", 1, "version 1: 100 %"),
        ]
        assert deeds[0]["actor"]
        for call in list(world.node.legs):
            world.node.hang_up(call)


async def test_a_share_of_the_calls_meets_the_new_version_and_a_call_always_the_same_one(world: World) -> None:
    async with world.replica() as ivr:
        await ready(ivr)
        await bring(ivr.http, bank_main())
        await ivr.http.post(f"{DRAFTS}/2/publish", json={"percent": 20})
        flows = ivr.sessions.outside.flows
        met = [flows.published("bank-main", call).version for call in (new_id() for _ in range(2000))]
        assert 0.15 < met.count(2) / len(met) < 0.25
        shared = await ivr.http.put("/v1/flows/bank-main/shares", json={"shares": {"1": 50, "2": 50}})
        assert shared.json() == {"shares": {"1": 50, "2": 50}}
        call = new_id()
        assert len({flows.published("bank-main", call).version for _ in range(5)}) == 1
        for wrong in ({"1": 50}, {"1": 50, "7": 50}):
            refused = await ivr.http.put("/v1/flows/bank-main/shares", json={"shares": wrong})
            assert (refused.status_code, refused.json()["code"]) == (422, "flow.shares")


async def test_a_wrong_flow_is_refused_naming_node_and_reason_in_both_languages(world: World) -> None:
    async with world.replica() as ivr:
        await ready(ivr)
        document = bank_main()
        document["nodes"]["lonely"] = {"kind": "play", "prompts": ["no-such-prompt"], "next": "lonely"}
        drafted = await ivr.http.post(DRAFTS, json={"document": document, "cases": CASES})
        assert drafted.status_code == 201
        refused = await ivr.http.post(f"{DRAFTS}/2/validate")
        assert refused.status_code == 422
        problems = refused.json()["details"]["problems"]
        assert {"node": "lonely", "en": "no way leads to it", "zh": "没有任何路径可以到达"} in problems
        assert any(
            one["node"] == "lonely" and "no-such-prompt" in one["en"] and "语音" in one["zh"] for one in problems
        )
        for step in ("test", "publish"):
            too_soon = await ivr.http.post(f"{DRAFTS}/2/{step}", json={})
            assert (too_soon.status_code, too_soon.json()["code"]) == (409, "flow.state")
        # mended, but its own case does not come out
        cases = {**CASES, "cases": [{**CASES["cases"][0], "result": "completed"}]}  # type: ignore[dict-item]
        changed = await ivr.http.put(f"{DRAFTS}/2", json={"document": bank_main(), "cases": cases})
        assert changed.json()["state"] == "draft"
        await ivr.http.post(f"{DRAFTS}/2/validate")
        tested = (await ivr.http.post(f"{DRAFTS}/2/test")).json()
        assert tested["state"] == "validated"
        assert tested["failed"][0]["problems"] == ["result is answered_by_agent, not completed"]
        assert (await ivr.http.post(f"{DRAFTS}/2/publish", json={})).status_code == 409


async def test_what_is_published_never_changes(world: World) -> None:
    async with world.replica() as ivr:
        await ready(ivr)
        refused = await ivr.http.put(f"{DRAFTS}/1", json={"document": bank_main()})
        assert (refused.status_code, refused.json()["code"]) == (409, "flow.state")
        assert (await ivr.http.get(f"{DRAFTS}/9")).status_code == 404
        assert (await ivr.http.post(DRAFTS, json={"document": {"nodes": {}}})).status_code == 422


async def test_what_was_published_is_met_after_a_start_anew_and_the_files_do_not_undo_it(world: World) -> None:
    async with world.replica() as ivr:
        await ready(ivr)
        await bring(ivr.http, bank_main())
        await ivr.http.post(f"{DRAFTS}/2/publish", json={})
    async with world.replica() as ivr:
        await until(lambda: ivr.sessions.outside.flows.published("bank-main").version == 2, timeout=20, what="learnt")
        assert len((await ivr.http.get(DRAFTS)).json()) == 2


async def test_without_its_database_callers_are_served_from_the_files(world: World) -> None:
    world.given["database_url"] = "postgresql+asyncpg://nobody@127.0.0.1:1/none"
    async with world.replica() as ivr:
        assert await version_met(world) == 1
        assert (await ivr.http.get(DRAFTS)).status_code == 503


async def test_a_draft_does_not_keep_the_next_release_of_its_flow_from_callers_and_is_not_lost(
    world: World, tmp_path: Path
) -> None:
    async with world.replica() as ivr:
        await ready(ivr)
        draft = bank_main() | {"name": {"en": "Somebody's work", "zh": "草稿"}}
        drafted = await ivr.http.post(DRAFTS, json={"document": draft, "cases": CASES})
        assert drafted.json()["version"] == 2
    newer = tmp_path / "newer"
    shutil.copytree("flows", newer)
    (newer / "bank-main.json").write_text(json.dumps(bank_main() | {"version": 2}), encoding="utf-8")
    world.given["flows_dir"] = newer
    async with world.replica() as ivr:
        await until(lambda: ivr.sessions.outside.flows.published("bank-main").version == 2, timeout=20, what="learnt")
        assert await version_met(world) == 2
        versions = {one["version"]: one["state"] for one in (await ivr.http.get(DRAFTS)).json()}
        assert versions == {1: "published", 2: "published", 3: "draft"}
        kept = (await ivr.http.get(f"{DRAFTS}/3")).json()
        assert kept["document"]["name"]["en"] == "Somebody's work"
        assert (kept["document"]["version"], kept["cases"]) == (3, CASES)
        deeds = (await ivr.http.get("/v1/flows/bank-main/acts")).json()
        assert ("renumbered", 3) in [(deed["action"], deed["version"]) for deed in deeds]
