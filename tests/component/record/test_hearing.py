"""Who may hear which recording, and that every hearing is written down."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from ipcc.auth.principal import Role
from ipcc.contracts.recording import RecordingStored
from services.record.spool import Spool
from tests.component.record.world import World, write_wav


async def store_one(world: World, agent: str) -> str:
    leg = await world.answered(agent=agent)
    write_wav(world.file(leg), 2)
    await world.ended(leg, agent=agent)
    await world.fact(RecordingStored, leg)
    return leg


async def test_an_agent_finds_and_hears_his_own_only(world: World) -> None:
    async with world.running([Role.AGENT]) as agent:
        mine, other = await store_one(world, "tester"), await store_one(world, "a2")
        found = (await agent.get("/v1/recordings", params={"agent_id": "a2"})).json()
        assert [r["recording_id"] for r in found] == [mine]
        assert (await agent.get(f"/v1/recordings/{mine}/audio")).status_code == 200
        for path in (f"/v1/recordings/{other}", f"/v1/recordings/{other}/audio"):
            assert (await agent.get(path)).json()["code"] == "recording.not_yours"
        assert (await agent.get(f"/v1/recordings/{mine}/hearings")).status_code == 403


async def test_every_hearing_is_written_down_a_refused_one_is_not(world: World) -> None:
    async with AsyncExitStack() as stack:
        auditor = await stack.enter_async_context(world.running([Role.AUDITOR]))
        agent = await stack.enter_async_context(world.running([Role.AGENT]))
        leg = await store_one(world, "a2")
        assert (await agent.get(f"/v1/recordings/{leg}/audio")).status_code == 403
        for _ in range(2):
            assert (await auditor.get(f"/v1/recordings/{leg}/audio")).content[:4] == b"RIFF"
        heard = (await auditor.get(f"/v1/recordings/{leg}/hearings")).json()
        assert [h["subject"] for h in heard] == ["tester", "tester"]


async def test_what_has_no_audio_says_why(world: World) -> None:
    async with world.running() as http:
        leg = await world.answered()
        assert (await http.get("/v1/recordings/none/audio")).json()["code"] == "recording.unknown"
        gone = await store_one(world, "a1")
        for path in world.store.rglob("*.wav"):
            path.unlink()
        assert (await http.get(f"/v1/recordings/{leg}/audio")).json()["code"] == "recording.not_stored"
        assert (await http.get(f"/v1/recordings/{gone}/audio")).json()["code"] == "recording.file_gone"
        assert (await http.get(f"/v1/recordings/{gone}/hearings")).json() == []


async def test_recordings_of_one_call_are_found_the_newest_first(world: World) -> None:
    async with world.running() as http:
        legs = [await store_one(world, agent) for agent in ("a1", "a2", "a3")]
        found = (await http.get("/v1/recordings", params={"call_id": "c1"})).json()
        assert [r["recording_id"] for r in found] == legs[::-1]
        assert (await http.get("/v1/recordings", params={"call_id": "c2"})).json() == []
        assert len((await http.get("/v1/recordings", params={"limit": 2})).json()) == 2


async def test_nobody_without_a_token_gets_anything(world: World) -> None:
    async with world.running() as http:
        for path in ("/v1/recordings", "/v1/recordings/x/audio"):
            assert (await http.get(path, headers={"Authorization": ""})).status_code == 401


async def test_a_place_outside_the_store_is_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", tmp_path / "store")
    for location in ("../x.wav", "/etc/passwd", "a/../../x"):
        with pytest.raises(ValueError, match="leads out of the store"):
            spool.path_of(location)
