"""Texts made into sound: a flow's own ahead and once, a customer's when it is said, and nothing of it is left."""

from __future__ import annotations

import shutil
import sys
import wave
from pathlib import Path
from typing import Any

import pytest

from ipcc.errors import Invalid
from ipcc.esl.fake import FakeNode, FakeSwitches
from ipcc.ids import LegId
from services.ivr.core.checks import texts_of
from services.ivr.core.speech import Live, Words, prompt_ids_of, prompts, variables_of
from services.ivr.switch import Telephony
from services.ivr.synthesis import Program, Speaker
from tests.unit.ivr.test_nodes import Walk, flow

# a program as any other: notes how it was called, and writes its input as samples
SCRIPT = """
import sys, wave
text = sys.stdin.buffer.read()
open(sys.argv[3], "ab").write(repr(sys.argv[1:3]).encode() + b"|" + text + b"\\n")
if b"fail" in text: sys.exit(3)
if b"hang" in text: sys.stdin.close(); __import__("time").sleep(60)
with wave.open(sys.argv[2], "wb") as file:
    file.setparams((1, 2, 8000, 0, "NONE", ""))
    file.writeframes(text * 2)
"""
VOICES = {"zh": "cmn", "en": "en-us"}
HELLO = {"zh": "您好", "en": "Hello"}


@pytest.fixture(autouse=True)
def _has_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is an interpreter that has to start, on a machine that may be busy."""
    monkeypatch.setattr("services.ivr.synthesis.WAIT_S", 20)


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return tmp_path / "calls"


@pytest.fixture
def speaker(tmp_path: Path, calls: Path) -> Speaker:
    program = Program((sys.executable, "-c", SCRIPT, "{voice}", "{file}", str(calls)), VOICES)
    return Speaker(program, [tmp_path / "fs1", tmp_path / "fs2"], tmp_path / "spool")


def greeting() -> Any:
    return flow({"a": {"kind": "play", "prompts": ["welcome", {"text": HELLO}, {"live": "name"}], "next": "end"}})


def heard(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        frames: bytes = file.readframes(file.getnframes())
    return frames


def noted(calls: Path) -> list[bytes]:
    """How the program was called, one line a time."""
    return calls.read_bytes().splitlines()


def is_for_all(path: Path) -> bool:
    return path.stat().st_mode & 0o007 != 0


def is_there(path: Path) -> bool:
    return path.exists()


def passing(speaker: Speaker) -> list[Path]:
    return list((speaker.spool / "speech").glob("*"))


async def test_a_flow_s_text_is_made_once_for_every_switch_and_named_by_its_content(
    speaker: Speaker, calls: Path
) -> None:
    texts = list(texts_of(greeting()))
    assert sorted(texts) == [("Hello", "en"), ("您好", "zh")]
    await speaker.prepare(texts)
    await speaker.prepare(texts)
    assert len(noted(calls)) == 4
    async with speaker.voiced(["welcome", Words("Hello", is_kept=True)], "en") as found:
        assert found[0] == "welcome"
        for folder in speaker.folders:
            assert heard(folder / "en" / f"{found[1]}.wav") == b"Hello" * 2
    assert speaker.synthesizer.fingerprint("Hello", "en") != speaker.synthesizer.fingerprint("Hello", "zh")
    assert passing(speaker) == []


async def test_another_replica_finds_what_was_made(speaker: Speaker, calls: Path) -> None:
    await speaker.prepare([("Hello", "en")])
    other = Speaker(speaker.synthesizer, speaker.folders, speaker.spool)
    await other.prepare([("Hello", "en")])
    assert len(noted(calls)) == 2


async def test_a_customer_s_name_is_made_when_it_is_said_and_nothing_of_it_is_left(speaker: Speaker) -> None:
    async with speaker.voiced([Words("Li Si", is_kept=False)], "en") as found:
        path = Path(found[0])
        assert heard(path) == b"Li Si" * 2
        assert not is_for_all(path)
    assert passing(speaker) == []
    assert not any(folder.exists() for folder in speaker.folders)


async def test_the_text_is_on_no_command_line_and_no_shell_reads_it(
    speaker: Speaker, calls: Path, tmp_path: Path
) -> None:
    hostile = f"$(touch {tmp_path}/x); `id` {{voice}} -w /etc/passwd\n\x00end"
    async with speaker.voiced([Words(hostile, is_kept=False)], "en"):
        words, _, text = noted(calls)[0].partition(b"|")
    assert b"touch" not in words
    assert text == hostile.replace("\n", " ").replace("\x00", " ").encode()
    assert not is_there(tmp_path / "x")


@pytest.mark.parametrize(
    ("text", "language", "code"),
    [
        ("fail", "en", "speech.not_made"),
        (" \n ", "en", "speech.text"),
        ("x" * 501, "en", "speech.text"),
        ("x", "fr", "speech.no_program"),
    ],
)
async def test_what_cannot_be_said_is_refused_and_leaves_nothing(
    speaker: Speaker, text: str, language: str, code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        async with speaker.voiced([Words("first", is_kept=False), Words(text, is_kept=False)], language):
            pass
    assert refused.value.code in (code, "speech.no_program")
    assert passing(speaker) == []


@pytest.mark.parametrize("kept", [True, False])
async def test_what_cannot_be_said_is_replaced_by_the_prompts_the_flow_names_for_that(
    speaker: Speaker, kept: bool
) -> None:
    said = [Words("fail", is_kept=kept, otherwise=("branches", "goodbye")), "confirm"]
    async with speaker.voiced(said, "en") as found:
        assert found == ("branches", "goodbye", "confirm")
    assert passing(speaker) == []


async def test_a_caller_waits_no_longer_for_all_his_texts_together_than_for_one(
    speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.ivr.synthesis.WAIT_S", 0.5)
    late = Words("hang", is_kept=False, otherwise=("branches",))
    async with speaker.voiced([late, late, "goodbye"], "en") as found:
        assert found == ("branches", "branches", "goodbye")
    with pytest.raises(Invalid, match="too long"):
        async with speaker.voiced([Words("hang", is_kept=False)], "en"):
            pass
    assert passing(speaker) == []


def test_a_variable_that_holds_nothing_is_replaced_too_and_the_prompts_are_those_of_the_flow() -> None:
    live = Live(live="branch", otherwise=("branches",))
    assert prompts((live,), {"branch": " "}, "zh") == ("branches",)
    assert prompts((Live(live="branch"),), {}, "zh") == ()
    [words] = prompts((live,), {"branch": "人民路 1 号"}, "zh")
    assert isinstance(words, Words)
    assert (str(words), words.otherwise) == ("人民路 1 号", ("branches",))
    assert prompt_ids_of(live) == ("branches",)
    assert variables_of(live) == ("branch",)


async def test_chinese_is_given_to_a_voice_that_knows_no_characters_as_sounds(tmp_path: Path, calls: Path) -> None:
    command = (sys.executable, "-c", SCRIPT, "{voice}", "{file}", str(calls))
    for voice, given in (("cmn-latn-pinyin", b"chong2 qing4 ATM"), ("zh-female", "重庆ATM".encode())):
        speaker = Speaker(Program(command, {"zh": voice}), [], tmp_path / "spool")
        async with speaker.voiced([Words("重庆ATM", is_kept=False)], "zh"):
            assert noted(calls)[-1].partition(b"|")[2] == given
    # its dictionary is half as large as the service
    assert "pypinyin" not in sys.modules


async def test_a_program_that_hangs_is_ended(speaker: Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.ivr.synthesis.TIMEOUT_S", 0.2)
    with pytest.raises(Invalid, match="too long"):
        async with speaker.voiced([Words("hang", is_kept=False)], "en"):
            pass
    assert passing(speaker) == []


async def test_a_program_that_is_not_there_and_a_full_disk_say_so(speaker: Speaker) -> None:
    absent = Speaker(Program(("no-such-program", "{file}"), VOICES), [], speaker.spool)
    with pytest.raises(Invalid, match="No such file"):
        async with absent.voiced([Words("x", is_kept=False)], "en"):
            pass
    # a text of a flow that cannot be made ahead stops nobody
    await absent.prepare([("x", "en")])


async def test_the_switch_plays_prompts_and_texts_as_one_sound(speaker: Speaker) -> None:
    node = FakeNode("fs1")
    node.legs[LegId("leg")] = {}
    node.finish_at_once("playback")
    telephony = Telephony(FakeSwitches(node), "/sounds", 180, speaker=speaker)
    await speaker.prepare([("Hello", "en")])
    said = prompts(("welcome", its_text(), its_name()), {"name": "Li Si"}, "en")
    await telephony.line("fs1", "leg").play(said, "en")
    played = node.executed[-1].argument.removeprefix("file_string://").split("!")
    assert played[0] == "/sounds/en/welcome.wav"
    assert played[1].startswith("/sounds/en/text/")
    assert played[2].startswith(str(speaker.spool))
    assert not is_there(Path(played[2]))


def its_text() -> Any:
    return greeting().nodes["a"].prompts[1]


def its_name() -> Any:
    return greeting().nodes["a"].prompts[2]


def test_an_empty_name_is_passed_over_and_a_secret_cannot_be_said() -> None:
    assert prompts((its_name(),), {"name": " "}, "en") == ()
    collect = {"kind": "collect", "prompts": ["x"], "variable": "pin", "secret": True, "min_digits": 4, "max_digits": 6}
    play = {"kind": "play", "prompts": [{"live": "pin"}], "next": "end"}
    with pytest.raises(Invalid, match="secret pin"):
        flow({"a": {**collect, "next": "b", "on_failure": "end"}, "b": play})


def test_a_flow_whose_text_lacks_a_language_of_its_callers_cannot_be_published() -> None:
    with pytest.raises(Invalid, match="a text is missing in zh"):
        flow({"a": {"kind": "play", "prompts": [{"text": {"en": "Hello"}}], "next": "end"}})


def test_a_walk_says_the_text_of_the_caller_s_language() -> None:
    action = Walk(greeting(), name="李四").action
    assert prompts(action.prompts, {"name": "李四"}, "zh") == ("welcome", "您好", "李四")


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs Debian's espeak-ng")
async def test_espeak_speaks_both_languages(tmp_path: Path) -> None:
    program = Program(("espeak-ng", "-v", "{voice}", "-w", "{file}", "--stdin"), VOICES)
    for language, text in HELLO.items():
        path = tmp_path / f"{language}.wav"
        await program.make(text, language, path)
        assert any(heard(path))
