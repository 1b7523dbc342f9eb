"""A caller says what he wants: written down by the switch, sent to a recogniser over a real WebSocket, and nothing of it is left."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ipcc.contracts.ivr import NodeLeft
from ipcc.esl.commands import UuidSetVar
from tests.component.ivr.engine_at_hand import Engine, engine, tone, write_wav
from tests.component.ivr.world import SOUNDS, World
from tests.support.until import until

VOICE = tone(0.9) + tone(2, level=0)
GOODBYE = {"kind": "play", "prompts": ["goodbye"], "next": "end"}
CHOICES = {
    "balance": {"phrases": {"zh": ["余额"]}, "key": "1", "next": "balance"},
    "transfer": {"phrases": {"zh": ["转账"]}, "next": "transfer"},
}
FLOW = {
    "id": "bank-main",
    "version": 1,
    "name": {"en": "Spoken"},
    "languages": ["zh"],
    "start": "wish",
    "resume": "wish",
    "keys": {"#": "failed"},
    "nodes": {
        "wish": {
            "kind": "recognise",
            "prompts": ["main-menu"],
            "choices": CHOICES,
            "variable": "wish",
            "attempts": 2,
            "on_unavailable": "keys",
            "on_failure": "failed",
        },
        "keys": {
            "kind": "menu",
            "prompts": ["main-menu"],
            "choices": {"1": {"next": "balance"}},
            "on_failure": "failed",
        },
        **dict.fromkeys(("balance", "transfer", "failed"), GOODBYE),
        "end": {"kind": "hang_up"},
    },
}


@pytest.fixture
async def at_hand() -> AsyncIterator[Engine]:
    async with engine() as found:
        yield found


@pytest.fixture
async def world(tmp_path: Path, at_hand: Engine) -> AsyncIterator[World]:
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "bank-main.json").write_text(json.dumps(FLOW), encoding="utf-8")
    given = {"flows_dir": flows, "prompts_file": tmp_path / "none", "recogniser_url": at_hand.url}
    found = World(tmp_path, given={**given, "recogniser_timeout_s": 2.0})
    found.node.finish_at_once("playback", "FILE PLAYED")
    await found.open()
    yield found
    await found.close()


async def listening(world: World, call: str) -> Path:
    """Wait until the switch writes down what he says; where to."""
    found = await until(lambda: world._running(call, "record"), what="listened to")
    path, longest, level, silence = str(found[0].argument).split(" ")
    assert (longest, level, silence) == ("10", "200", "2")
    return Path(path)


async def speak(world: World, call: str, samples: bytes = VOICE, ended_by: str = "") -> Path:
    path = await listening(world, call)
    write_wav(path, samples)
    world.node.finish(call, variables={"playback_terminator_used": ended_by} if ended_by else {})
    return path


def left_behind(world: World) -> list[Path]:
    return [path for path in (world.folder / "spool").rglob("*") if path.is_file()]


async def outcome(world: World, call: str) -> NodeLeft:
    return next(f for f in await world.facts(call) if isinstance(f, NodeLeft) and f.flow_node == "wish")


async def test_exactly_what_was_recorded_reaches_the_engine_and_its_text_leads_on(
    world: World, at_hand: Engine
) -> None:
    at_hand.texts = ["天气 怎么样", "我 要 转账 我的 密码 是 剑鱼"]
    with capture_logs() as logs:
        async with world.replica():
            call = await world.arrive()
            await speak(world, call)
            second = tone(0.5)
            path = await speak(world, call, second, ended_by="#")
            assert await world.ended(call) == "completed"
    assert await world.path(call) == ["wish", "transfer", "end"]
    assert [given.samples for given in at_hand.given] == [VOICE, second]
    assert at_hand.given[0].config == {"sample_rate": 8000, "words": True, "language": "zh"}
    assert f"file_string://{SOUNDS}/zh/wrong-input.wav!{SOUNDS}/zh/main-menu.wav" in world.heard(call)
    assert path.parent == world.folder / "spool" / "utterances"
    assert left_behind(world) == []
    told = await outcome(world, call)
    assert (told.outcome, told.input_kind) == ("said transfer", "speech")
    # any key is heard while he is listened to, and none afterwards
    keys = [c.value for c in world.node.told(UuidSetVar) if c.variable == "playback_terminators"]
    assert keys == ["0123456789*#", "none"] * 2
    everything = (await world.everything()).decode() + repr(logs) + repr(world.node.commands)
    assert "剑鱼" not in everything
    assert "\\u5251" not in everything


async def test_a_key_goes_where_its_choice_goes_and_the_engine_hears_nothing(world: World, at_hand: Engine) -> None:
    async with world.replica():
        call = await world.arrive()
        await speak(world, call, ended_by="1")
        assert await world.ended(call) == "completed"
    assert await world.path(call) == ["wish", "balance", "end"]
    told = await outcome(world, call)
    assert (told.outcome, told.input_kind, told.keyed) == ("key 1", "digits", 1)
    assert at_hand.given == []
    assert left_behind(world) == []


async def test_a_key_during_the_prompt_spares_him_the_rest(world: World) -> None:
    world.node.finish_at_once("playback", "FILE PLAYED", {"playback_terminator_used": "1"})
    async with world.replica():
        call = await world.arrive()
        assert await world.ended(call) == "completed"
    assert await world.path(call) == ["wish", "balance", "end"]
    assert all(one.application != "record" for one in world.node.executed)


@pytest.mark.parametrize("when", ["the prompt", "he has said nothing", "he has said something"])
async def test_the_end_key_is_a_key_like_others_until_he_has_said_something(
    world: World, at_hand: Engine, when: str
) -> None:
    if when == "the prompt":
        world.node.finish_at_once("playback", "FILE PLAYED", {"playback_terminator_used": "#"})
    async with world.replica():
        call = await world.arrive()
        if when != "the prompt":
            # the switch writes a file without a sample where the key was there before the first
            await speak(world, call, VOICE if when.endswith("something") else b"", ended_by="#")
        assert await world.ended(call) == "completed"
    told = await outcome(world, call)
    expected = ("said balance", "speech") if when.endswith("something") else ("key #", "digits")
    assert (told.outcome, told.input_kind) == expected
    assert len(at_hand.given) == (when == "he has said something")
    assert left_behind(world) == []


async def test_who_says_nothing_is_asked_again_and_goes_his_own_way(world: World, at_hand: Engine) -> None:
    async with world.replica():
        call = await world.arrive()
        for _ in range(2):
            await speak(world, call, tone(2, level=20))
        await world.ended(call)
    assert await world.path(call) == ["wish", "failed", "end"]
    told = await outcome(world, call)
    assert (told.outcome, told.input_kind, told.timeouts) == ("no input", "timeout", 2)
    assert at_hand.given == []
    assert left_behind(world) == []


@pytest.mark.parametrize("wrong", ["slow", "silent", "cut_off", "no json"])
async def test_an_engine_that_goes_wrong_leads_to_keys(world: World, at_hand: Engine, wrong: str) -> None:
    at_hand.wrong = wrong
    async with world.replica():
        call = await world.arrive()
        await speak(world, call)
        await world.key(call, "1")
        assert await world.ended(call) == "completed"
    assert await world.path(call) == ["wish", "keys", "balance", "end"]
    # who waits for a slow one hears music meanwhile
    assert ("local_stream://ipcc" in world.heard(call)) is (wrong == "slow")
    assert left_behind(world) == []


@pytest.mark.parametrize("url", ["", "ws://127.0.0.1:1"], ids=["none", "refused"])
async def test_without_an_engine_nobody_is_made_to_speak_for_nothing(world: World, url: str) -> None:
    world.given["recogniser_url"] = url
    async with world.replica():
        for _ in range(3 if url else 0):
            # it is found out by asking
            call = await world.arrive()
            await speak(world, call)
            await world.at(call, "keys")
            await world.hang_up(call)
        call = await world.arrive()
        await world.key(call, "1")
        assert await world.ended(call) == "completed"
    assert await world.path(call) == ["wish", "keys", "balance", "end"]
    assert not [one for one in world.node.executed if one.leg_id == call and one.application == "record"]
    assert left_behind(world) == []


async def test_a_switch_that_wrote_nothing_leads_to_keys(world: World) -> None:
    async with world.replica():
        call = await world.arrive()
        await listening(world, call)
        world.node.finish(call)
        await world.at(call, "keys")
        await world.hang_up(call)


@pytest.mark.parametrize("when", ["he speaks", "the engine is asked"])
async def test_who_hangs_up_meanwhile_leaves_no_file_and_no_connection(
    world: World, at_hand: Engine, when: str
) -> None:
    at_hand.wrong = "slow"
    async with world.replica() as ivr:
        call = await world.arrive()
        if when == "he speaks":
            write_wav(await listening(world, call), VOICE)
        else:
            await speak(world, call)
            await until(lambda: at_hand.given and at_hand.given[0].is_whole, what="the engine is asked")
        await world.hang_up(call)
        assert await world.ended(call) == "hung_up"
        await until(lambda: left_behind(world) == [], what="the file is gone")
        await until(lambda: at_hand.closed == len(at_hand.given), what="no connection is left")
        assert ivr.sessions.running == {}
    assert (await outcome(world, call)).outcome == "hung_up"


async def test_a_link_lost_while_he_speaks_has_him_asked_again(world: World, at_hand: Engine) -> None:
    async with world.replica():
        call = await world.arrive()
        write_wav(await listening(world, call), VOICE)
        world.node.go_down()
        await until(lambda: left_behind(world) == [], what="the file is gone")
        world.node.go_up()
        # the application of before is still among those of the fake: it ends first
        await until(lambda: len(world._running(call, "record")) == 2, what="listened to again")
        world.node.finish(call)
        await speak(world, call)
        assert await world.ended(call) == "completed"
    assert await world.path(call) == ["wish", "balance", "end"]
    assert left_behind(world) == []


async def test_the_next_replica_asks_him_again(world: World, at_hand: Engine) -> None:
    async with world.replica("ivr-0") as first:
        call = await world.arrive()
        write_wav(await listening(world, call), VOICE)
        await first.die()
        async with world.replica("ivr-1"):
            await until(lambda: len(world._running(call, "record")) == 2, what="listened to again")
            assert any("interrupted.wav" in sound for sound in world.heard(call))
            world.node.finish(call)
            await speak(world, call)
            assert await world.ended(call) == "completed"
    assert await world.path(call) == ["wish", "wish", "balance", "end"]
