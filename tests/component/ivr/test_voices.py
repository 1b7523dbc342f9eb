"""The library of prompts' sounds over REST: uploaded, heard, published, taken back, and brought to the switches' folders."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.component.ivr.world import Replica, World
from tests.support.until import until
from tests.unit.ivr.test_voice import wav

WELCOME = {"prompt": "welcome", "language": "en"}
FLOW = json.loads(Path("flows/bank-main.json").read_text(encoding="utf-8"))
MADE = b"made with the switch"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    folders = [str(tmp_path / node) for node in ("fs1", "fs2")]
    given = {"flows_from_files": False, "flows_look_s": 0.1, "voice_folders": folders}
    found = World(tmp_path, given=given)
    for folder in folders:
        (Path(folder) / "en").mkdir(parents=True)
        (Path(folder) / "en" / "welcome.wav").write_bytes(MADE)
    await found.open()
    yield found
    await found.close()


def files(world: World, name: str = "en/welcome.wav") -> list[bytes]:
    """What callers hear at each node."""
    paths = [world.folder / node / name for node in ("fs1", "fs2")]
    return [path.read_bytes() if path.is_file() else b"" for path in paths]


def are_heard(world: World, audio: bytes) -> bool:
    return files(world) == [audio, audio]


async def upload(http: httpx.AsyncClient, audio: bytes, **key: str) -> httpx.Response:
    head = {"Content-Type": "audio/wav"}
    return await http.post("/v1/voices/versions", params={**WELCOME, **key}, content=audio, headers=head)


async def publish(http: httpx.AsyncClient, version: int, **key: str) -> httpx.Response:
    return await http.put("/v1/voices/in-force", json={**WELCOME, **key, "version": version})


async def ready(replica: Replica) -> None:
    async def answers() -> bool:
        return (await replica.http.get("/v1/voices/acts")).status_code == 200

    await until(answers, timeout=20, what="the library is open")


async def test_a_sound_is_heard_at_every_node_once_it_is_published_and_the_one_before_when_it_is_taken_back(
    world: World,
) -> None:
    first, second = wav(0.5), wav(0.7)
    async with world.replica() as replica:
        await ready(replica)
        http = replica.http
        assert [(await upload(http, audio)).json()["version"] for audio in (first, second)] == [1, 2]
        assert files(world) == [MADE, MADE]
        for version, heard in ((2, second), (1, first), (0, MADE)):
            assert (await publish(http, version)).status_code == 204
            await until(partial(are_heard, world, heard), what=f"version {version} is heard")
        acts = (await http.get("/v1/voices/acts")).json()
        assert [(act["action"], act["version"]) for act in acts] == [
            ("published", 0),
            ("published", 1),
            ("published", 2),
            ("uploaded", 2),
            ("uploaded", 1),
        ]
        assert all(act["actor"] for act in acts)


async def test_a_prompt_of_the_library_alone_is_known_to_flows_and_its_file_goes_with_it(world: World) -> None:
    async with world.replica() as replica:
        await ready(replica)
        await upload(replica.http, wav(), prompt="greeting-of-spring")
        await publish(replica.http, 1, prompt="greeting-of-spring")
        await until(lambda: all(files(world, "en/greeting-of-spring.wav")), what="the file is there")
        assert "greeting-of-spring" in (replica.sessions.outside.flows.catalogue or {})["en"]
        await publish(replica.http, 0, prompt="greeting-of-spring")
        await until(lambda: not any(files(world, "en/greeting-of-spring.wav")), what="the file is gone")
        assert "greeting-of-spring" not in (replica.sessions.outside.flows.catalogue or {})["en"]


async def test_a_file_somebody_else_has_changed_is_put_right_by_the_next_replica(world: World) -> None:
    async with world.replica() as replica:
        await ready(replica)
        await upload(replica.http, wav())
        await publish(replica.http, 1)
        await until(lambda: files(world) == [wav(), wav()], what="heard")
    (world.folder / "fs2" / "en" / "welcome.wav").write_bytes(b"by hand")
    async with world.replica("ivr-1"):
        await until(lambda: files(world) == [wav(), wav()], timeout=20, what="heard again")


async def test_a_sound_can_be_heard_whole_and_in_part(world: World) -> None:
    audio = wav(0.5)
    async with world.replica() as replica:
        await ready(replica)
        await upload(replica.http, audio)
        wanted: dict[str, Any] = {**WELCOME, "version": 1}

        async def hear(part: str = "") -> httpx.Response:
            return await replica.http.get("/v1/voices/audio", params=wanted, headers={"Range": part} if part else {})

        assert ((await hear()).status_code, (await hear()).content) == (200, audio)
        part = await hear("bytes=44-143")
        assert (part.status_code, part.content) == (206, audio[44:144])
        assert part.headers["content-range"] == f"bytes 44-143/{len(audio)}"
        assert (await hear("bytes=-10")).content == audio[-10:]
        assert (await hear(f"bytes={len(audio)}-")).status_code == 416
        wanted["version"] = 2
        assert (await hear()).json()["code"] == "voice.version_unknown"


async def test_what_is_no_sound_is_refused_and_nothing_is_kept(world: World) -> None:
    async with world.replica() as replica:
        await ready(replica)
        wrong = await upload(replica.http, wav(rate=16000))
        assert (wrong.status_code, wrong.json()["code"]) == (422, "voice.wrong_form")
        assert (await upload(replica.http, bytes(4_000_000))).status_code == 413
        for prompt in ("../../etc/passwd", "a/b/c", "digits/../x", "Welcome", ""):
            assert (await upload(replica.http, wav(), prompt=prompt)).status_code == 422
        assert (await publish(replica.http, 7)).json()["code"] == "voice.version_unknown"
        assert (await replica.http.get("/v1/voices/acts")).json() == []
        assert files(world) == [MADE, MADE]


async def test_prompts_that_callers_would_not_hear_are_reported_with_flow_node_language_and_place(world: World) -> None:
    async with world.replica() as replica:
        await ready(replica)
        found = (await replica.http.get("/v1/voices/missing")).json()
        assert {one["why"] for one in found} == {"no_file"}
        places = {str(world.folder / node) for node in ("fs1", "fs2")}
        assert {one["place"] for one in found} == places
        of_main = [
            one
            for one in found
            if one["flow"] == "bank-main" and one["node"] == "language" and one["prompt"] == "welcome"
        ]
        assert {one["language"] for one in of_main} == {"zh"}
        said = set(FLOW["nodes"]["language"]["prompts"])
        assert said - {"welcome"} <= {one["prompt"] for one in found if one["language"] == "en"}
