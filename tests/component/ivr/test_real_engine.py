"""From a caller's voice to his choice with an engine that really listens: a text spoken, sent to it by ivr, and what the bank's own
main flow makes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.server import serve

from tests.component.ivr.engine_at_hand import tone, write_wav
from tests.component.ivr.world import World
from tests.support.until import until
from tests.support.voices import spoken, voices_here
from tools.recogniser import PhraseEngine, Server

VOICE = "awb"
SILENCE = tone(1, level=0)
pytestmark = pytest.mark.skipif(VOICE not in voices_here(), reason="flite is not installed")


@pytest.fixture(scope="module")
def listener() -> PhraseEngine:
    return PhraseEngine()


@pytest.fixture
async def world(tmp_path: Path, listener: PhraseEngine) -> AsyncIterator[World]:
    async with serve(Server(listener).answer, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        given = {"flows_dir": Path("flows"), "recogniser_url": url, "recogniser_takes_phrases": True}
        found = World(tmp_path, given={**given, "recogniser_timeout_s": 20.0})
        found.node.finish_at_once("playback", "FILE PLAYED")
        await found.open()
        yield found
        await found.close()


async def say(world: World, call: str, text: str) -> None:
    found = await until(lambda: world._running(call, "record"), 20, what="listened to")
    write_wav(Path(str(found[0].argument).split(" ")[0]), spoken(text, VOICE, world.folder) + SILENCE)
    world.node.finish(call)


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("balance", "anew"),
        ("send money", "who-transfers"),
        ("lost card", "who-loss"),
        ("exchange rates", "rates"),
        ("securities", "who-securities"),
        ("operator", "to-agent"),
    ],
)
async def test_a_caller_who_says_what_he_wants_comes_where_it_is_done(world: World, text: str, way: str) -> None:
    async with world.replica():
        call = await world.arrive()
        await world.key(call, "2")
        await say(world, call, text)
        await until(lambda: _went(world, call, way), 20, what=f"went to {way}")
        await world.hang_up(call)


async def _went(world: World, call: str, way: str) -> bool:
    path = await world.path(call)
    return path[:3] == ["language", "wish", way]


async def test_who_says_something_else_is_led_nowhere_and_comes_to_the_keys(world: World) -> None:
    async with world.replica():
        call = await world.arrive()
        await world.key(call, "2")
        for text in ("what time is it", "good morning madam"):
            await say(world, call, text)
        await world.at(call, "menu")
        await world.hang_up(call)
