"""The recogniser's client against a real WebSocket: well, slow, away, broken off, talking nonsense; and nothing said is in a log."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ipcc.clock import Clock, FakeClock, SystemClock
from ipcc.metrics import IVR_RECOGNITION_DURATION, Metrics
from services.ivr.core.actions import Heard
from services.ivr.listening import FOLDER, OLD_S, UtteranceDesk, is_quiet, read_sound
from services.ivr.ports import Sound
from services.ivr.recogniser import FAILURES, LONGEST_TEXT, PAUSE, WebsocketRecogniser
from tests.component.ivr.engine_at_hand import Engine, deaf, engine, tone, write_wav
from tests.support.until import until

SOUND = Sound(tone(1.3), 8000)
UNAVAILABLE = Heard("unavailable")
SPOKEN = "my password is swordfish"


@pytest.fixture
async def at_hand() -> AsyncIterator[Engine]:
    async with engine() as found:
        yield found


def client(url: str, clock: Clock | None = None, timeout_s: float = 5.0, **given: Any) -> WebsocketRecogniser:
    return WebsocketRecogniser(url, timeout_s, clock or SystemClock(), Metrics("ivr"), **given)


async def test_exactly_the_samples_arrive_in_pieces_and_the_text_comes_back_with_its_confidence(
    at_hand: Engine,
) -> None:
    at_hand.texts = ["我 要 余额"]
    heard = await client(f"{at_hand.url}/{{language}}").recognise(SOUND, "zh", ("余额", "转账"))
    assert heard.outcome == "heard"
    assert heard.text == "我 要 余额"
    assert heard.confidence == pytest.approx(0.9)
    [given] = at_hand.given
    assert given.samples == SOUND.samples
    assert given.messages == 6
    assert given.path == "/zh"
    assert given.config == {"sample_rate": 8000, "words": True, "language": "zh"}


async def test_phrases_are_sent_only_where_the_engine_is_said_to_take_them(at_hand: Engine) -> None:
    await client(at_hand.url, takes_phrases=True).recognise(Sound(tone(0.1, rate=16000), 16000), "zh", ("余额", "转账"))
    assert at_hand.given[0].config["phrase_list"] == ["余额", "转账"]
    assert at_hand.given[0].config["sample_rate"] == 16000


async def test_silence_is_an_answer(at_hand: Engine) -> None:
    at_hand.texts = [""]
    assert await client(at_hand.url).recognise(SOUND, "zh", ()) == Heard("nothing")


async def test_a_confidence_for_the_whole_counts_and_a_long_text_is_cut(at_hand: Engine) -> None:
    at_hand.wrong = json.dumps({"text": "a\n" * 1000, "confidence": 0.25})
    heard = await client(at_hand.url).recognise(SOUND, "en", ())
    assert (heard.confidence, len(heard.text)) == (0.25, LONGEST_TEXT)
    assert heard.text.isprintable()


@pytest.mark.parametrize(
    "wrong",
    [
        "slow",
        "silent",
        "cut_off",
        "no json",
        b"\xff\xfe",
        "[" * 20_000,
        "[]",
        '{"other": 1}',
        '{"text": 7}',
        '{"text": "balance"}',
        '{"text": "balance", "confidence": 7}',
        '{"text": "balance", "confidence": NaN}',
        '{"text": "balance", "confidence": "0.9"}',
        '{"text": "balance", "result": [{"word": "balance"}]}',
        '{"text": "balance", "result": [3]}',
        '{"text": "' + "a" * 100_000 + '", "confidence": 1}',
    ],
    ids=str,
)
async def test_an_engine_that_goes_wrong_is_unavailable(at_hand: Engine, wrong: str | bytes) -> None:
    at_hand.wrong = wrong
    asked = client(at_hand.url, timeout_s=0.3 if wrong == "slow" else 5.0)
    assert await asked.recognise(SOUND, "zh", ()) == UNAVAILABLE
    # no connection is left behind
    await until(lambda: at_hand.closed == 1, what="the connection is closed")
    # and the next caller finds it well again
    at_hand.wrong = ""
    assert (await asked.recognise(SOUND, "zh", ())).text == "余额"


async def test_an_engine_that_is_away_deaf_or_no_websocket_is_unavailable(at_hand: Engine) -> None:
    async with deaf() as url:
        assert await client(url, timeout_s=0.2).recognise(SOUND, "zh", ()) == UNAVAILABLE
    assert await client("ws://127.0.0.1:1").recognise(SOUND, "zh", ()) == UNAVAILABLE
    assert await client("ws://no such host:1").recognise(SOUND, "zh", ()) == UNAVAILABLE


async def test_after_some_failures_it_is_left_alone_for_a_while_then_tried_by_one(at_hand: Engine) -> None:
    clock = FakeClock()
    asked = client(at_hand.url, clock)
    at_hand.wrong = "silent"
    for _ in range(FAILURES):
        assert asked.is_ready()
        assert await asked.recognise(SOUND, "zh", ()) == UNAVAILABLE
    assert not asked.is_ready()
    at_hand.wrong = ""
    assert await asked.recognise(SOUND, "zh", ()) == UNAVAILABLE
    assert len(at_hand.given) == FAILURES
    await clock.advance(PAUSE.total_seconds())
    assert asked.is_ready()
    assert (await asked.recognise(SOUND, "zh", ())).outcome == "heard"
    assert len(at_hand.given) == FAILURES + 1


async def test_who_hangs_up_meanwhile_ends_the_question_and_the_next_may_ask(at_hand: Engine) -> None:
    at_hand.wrong = "slow"
    asked = client(at_hand.url)
    asking = asyncio.get_running_loop().create_task(asked.recognise(SOUND, "zh", ()))
    await until(lambda: at_hand.given and at_hand.given[0].is_whole, what="the engine has it all")
    asking.cancel()
    await asyncio.wait({asking})
    assert asking.cancelled()
    await until(lambda: at_hand.closed == 1, what="the connection is closed")
    at_hand.wrong = ""
    assert (await asked.recognise(SOUND, "zh", ())).outcome == "heard"


async def test_what_was_said_is_in_no_log_and_no_metric(at_hand: Engine, caplog: pytest.LogCaptureFixture) -> None:
    at_hand.texts = [SPOKEN]
    asked = client(at_hand.url)
    # the server of this test logs what it sends by a logger of its own
    logging.getLogger("websockets.server").setLevel(logging.ERROR)
    with capture_logs() as logs, caplog.at_level(logging.DEBUG):
        heard = await asked.recognise(SOUND, "en", ())
    assert heard.text == SPOKEN
    assert SPOKEN not in caplog.text
    told = [*logs, *asked.metrics.registry.collect()]
    assert "swordfish" not in repr(told) + repr(heard)
    [count] = [
        sample
        for metric in asked.metrics.registry.collect()
        for sample in metric.samples
        if sample.name == f"{IVR_RECOGNITION_DURATION.name}_count"
    ]
    assert {**count.labels} | {"outcome": "heard", "confidence": "high"} == {**count.labels}


def desk(folder: Path, url: str = "", clock: Clock | None = None) -> UtteranceDesk:
    return UtteranceDesk(client(url) if url else None, folder, clock or SystemClock())


async def test_without_an_address_nobody_is_listened_to(tmp_path: Path) -> None:
    assert not desk(tmp_path).is_ready()
    assert await desk(tmp_path).recognise(tmp_path / "x.wav", "zh", ()) == UNAVAILABLE


async def test_a_file_that_is_none_is_unavailable_and_one_without_a_voice_is_silence(
    tmp_path: Path, at_hand: Engine
) -> None:
    listening = desk(tmp_path, at_hand.url)
    path = tmp_path / "x.wav"
    assert await listening.recognise(path, "zh", ()) == UNAVAILABLE
    for content in (b"", b"RIFF", b"no sound at all" * 9):
        path.write_bytes(content)
        assert await listening.recognise(path, "zh", ()) == UNAVAILABLE
    write_wav(path, tone(0.2), channels=2)
    assert await listening.recognise(path, "zh", ()) == UNAVAILABLE
    write_wav(path, tone(2, level=150))
    assert await listening.recognise(path, "zh", ()) == Heard("nothing")
    write_wav(path, b"")
    assert await listening.recognise(path, "zh", ()) == Heard("nothing")
    assert at_hand.given == []
    write_wav(path, tone(1, level=0) + tone(0.1) + tone(1, level=0), rate=16000)
    assert (await listening.recognise(path, "zh", ())).outcome == "heard"
    assert at_hand.given[0].config["sample_rate"] == 16000


def test_one_short_loud_moment_is_a_voice(tmp_path: Path) -> None:
    write_wav(tmp_path / "x.wav", tone(1, level=0) + tone(0.02))
    assert not is_quiet(read_sound(tmp_path / "x.wav"))
    assert is_quiet(Sound(b"\x01", 8000))


async def test_the_file_is_gone_whatever_happens_and_one_that_cannot_be_removed_stops_nobody(tmp_path: Path) -> None:
    listening = desk(tmp_path)
    with listening.file() as missing:
        assert missing.is_absolute()
        # the switch makes no folder for it
        assert missing.parent.is_dir()
        assert not missing.exists()
    written: list[Path] = []

    def fail() -> None:
        with listening.file() as path:
            write_wav(path, tone(0.1))
            written.append(path)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not written[0].exists()
    with listening.file() as folder:
        # a folder in its place: unlink is refused
        folder.mkdir(parents=True)
    assert folder.exists()


async def test_what_a_replica_that_died_has_left_is_swept_and_what_is_being_said_is_not(tmp_path: Path) -> None:
    old, new = tmp_path / FOLDER / "old.wav", tmp_path / FOLDER / "new.wav"
    for path in (old, new):
        write_wav(path, tone(0.1))
    long_ago = SystemClock().now().timestamp() - OLD_S - 1
    os.utime(old, (long_ago, long_ago))
    sweeping = asyncio.get_running_loop().create_task(desk(tmp_path).sweep())
    await until(lambda: not old.exists(), what="the old one is gone")
    assert new.exists()
    sweeping.cancel()
