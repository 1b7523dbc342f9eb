"""A caller who says what he wants, on the switch: what it has recorded of him reaches the recogniser, his keys count, nothing is left.

With words only on a real switch: people at the simulated one have tones for voices.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import serve

from ipcc.esl.wire import SwitchEvent
from tests.component.ivr.engine_at_hand import Engine, engine
from tests.live.bench import Arrival, Bench
from tests.live.by_sip import SipLine
from tests.live.conftest import SWITCHES, stand
from tests.live.kinds import SPOKEN, Middle, failing, number_of, plan_of
from tests.live.telephone.stream import RtpStream
from tests.support.until import until
from tests.support.voices import samples_of, voices_here
from tools.recogniser import PhraseEngine, Server

CHOICES = {name: {**choice, "next": "after"} for name, choice in SPOKEN.items()}
NODE = {"prompts": ["main-menu"], "choices": CHOICES} | failing("end", "on_unavailable", "on_failure")

REAL = [pytest.param("real", marks=pytest.mark.live)]


@pytest.fixture
async def at_hand() -> AsyncIterator[Engine]:
    async with engine() as found:
        yield found


@pytest.fixture(params=SWITCHES)
async def bench(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_hand: Engine
) -> AsyncIterator[Bench]:
    monkeypatch.setenv("IPCC_IVR__RECOGNISER_URL", at_hand.url)
    async with stand(request.param, tmp_path) as made:
        made.plan = plan_of(made.plan, tmp_path, (Middle("recognise", NODE),))
        async with made.served():
            yield made


async def asked(bench: Bench, *, is_quiet: bool = False) -> Arrival:
    """A caller who has been told that he may speak."""
    call = await bench.call(dialled=number_of(0))
    if is_quiet:
        await call.line.speak(speaks=False)
    await bench.prompted(call, "main-menu")
    await until(lambda: bench.ear.heard("CHANNEL_EXECUTE", call.id, Application="record"), 30, "he is listened to")
    return call


def voice_of(call: Arrival) -> RtpStream:
    """What he sends, by SIP."""
    assert isinstance(call.line, SipLine)
    return call.line.call.stream


def ended_by_silence(bench: Bench, call: Arrival) -> list[bool]:
    """Of every time he was listened to."""
    over = bench.ear.heard("CHANNEL_EXECUTE_COMPLETE", call.id, Application="record")
    return [one.get("variable_silence_hits_exhausted") == "true" for one in over]


async def until_over(bench: Bench, call: Arrival) -> None:
    async def over() -> list[dict[str, Any]]:
        return [session for session in (await bench.journey(call))["sessions"] if session["ended_at"]]

    await until(over, 30, "the session is over")


def left_behind(bench: Bench) -> list[str]:
    return [path.name for path in bench.plan.spool_dir.rglob("utterances/*")]


async def test_what_the_switch_recorded_reaches_the_recogniser_and_leads_on(bench: Bench, at_hand: Engine) -> None:
    call = await asked(bench)
    # he speaks for a second: whoever listens takes half of one
    for _ in range(2):
        await call.line.hear()
    await call.line.press("#")
    await bench.prompted(call, "welcome")
    await until_over(bench, call)
    [given] = at_hand.given
    [ended] = bench.ear.heard("CHANNEL_EXECUTE_COMPLETE", call.id, Application="record")
    assert given.is_whole
    assert given.config["sample_rate"] == 8000
    # the switch counts in milliseconds
    assert abs(len(given.samples) // 2 - int(ended.get("variable_record_samples"))) <= 8
    assert left_behind(bench) == []


async def test_a_key_while_he_is_listened_to_chooses_and_nothing_is_sent(bench: Bench, at_hand: Engine) -> None:
    call = await asked(bench)
    await call.line.press("5")
    await bench.prompted(call, "welcome")
    await until_over(bench, call)
    assert at_hand.given == []
    assert left_behind(bench) == []


async def press_at_the_end_of_the_prompt(bench: Bench, key: str, *, is_quiet: bool = False) -> Arrival:
    """In the moment in which he begins to be listened to."""
    call = await bench.call(dialled=number_of(0))
    if is_quiet:
        await call.line.speak(speaks=False)
    await bench.prompted(call, "main-menu")

    def is_said() -> list[SwitchEvent]:
        return bench.ear.heard("CHANNEL_EXECUTE_COMPLETE", call.id, Application="playback")

    await until(is_said, 30, "the prompt is over")
    await call.line.press(key, by_info=True)
    return call


async def test_a_key_counts_as_the_key_before_a_sample_is_written(bench: Bench, at_hand: Engine) -> None:
    call = await press_at_the_end_of_the_prompt(bench, "5")
    await bench.prompted(call, "welcome")
    await until_over(bench, call)
    assert at_hand.given == []
    assert left_behind(bench) == []


async def test_the_end_key_of_one_who_has_said_nothing_is_a_key_and_not_his_silence(
    bench: Bench, at_hand: Engine
) -> None:
    """The flow has no use for it: a wrong key."""
    call = await press_at_the_end_of_the_prompt(bench, "#", is_quiet=True)
    await bench.prompted(call, "wrong-input")
    await call.line.hang_up()
    await until_over(bench, call)
    assert at_hand.given == []
    assert left_behind(bench) == []


WISHES = {
    "loss": {"phrases": {"en": ["lost card", "report a loss"], "zh": ["挂失"]}, "next": "after"},
    "transfer": {"phrases": {"en": ["send money", "transfer"], "zh": ["转账"]}, "next": "end"},
}
SPEAKING = {**NODE, "choices": WISHES, "silence_s": 1, "confidence": 0.4}
ENGLISH = {"kind": "language", "language": "en", "next": "mid"}


@pytest.fixture
async def engine_url() -> AsyncIterator[str]:
    async with serve(Server(PhraseEngine()).answer, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


@pytest.fixture(params=REAL)
async def listening(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine_url: str
) -> AsyncIterator[Bench]:
    monkeypatch.setenv("IPCC_IVR__RECOGNISER_URL", engine_url)
    monkeypatch.setenv("IPCC_IVR__RECOGNISER_TAKES_PHRASES", "true")
    async with stand(request.param, tmp_path) as made:
        made.plan = plan_of(made.plan, tmp_path, (Middle("recognise", SPEAKING, before=ENGLISH),))
        async with made.served():
            yield made


@pytest.mark.skipif("awb" not in voices_here(), reason="flite is not installed")
async def test_words_spoken_into_a_telephone_are_understood_and_his_silence_ends_them(
    listening: Bench, tmp_path: Path
) -> None:
    call = await asked(listening, is_quiet=True)
    await voice_of(call).say(samples_of("lost card", "awb", tmp_path))
    await listening.prompted(call, "welcome")
    assert ended_by_silence(listening, call) == [True]
    await until_over(listening, call)
    assert left_behind(listening) == []


async def test_who_says_nothing_is_asked_again_after_the_silence(bench: Bench, at_hand: Engine) -> None:
    call = await asked(bench, is_quiet=True)
    await bench.prompted(call, "no-input")
    assert ended_by_silence(bench, call) == [True]
    await call.line.hang_up()
    await until_over(bench, call)
    assert at_hand.given == []
