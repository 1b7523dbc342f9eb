"""What may become a prompt's sound, and which prompts a flow would miss."""

from __future__ import annotations

import io
import math
import struct
import wave

import pytest

from ipcc.errors import Invalid
from services.ivr.core.voice import LARGEST_BYTES, find_missing, read_sound
from tests.unit.ivr.test_nodes import flow


def wav(seconds: float = 0.5, rate: int = 8000, channels: int = 1, width: int = 2, level: int = 3000) -> bytes:
    """A tone."""
    count = int(seconds * rate) * channels
    tone = [int(level * math.sin(n / 3)) for n in range(count)]
    kept = io.BytesIO()
    with wave.open(kept, "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(struct.pack(f"<{count}h", *tone) if width == 2 else bytes(128 + n % 9 for n in range(count)))
    return kept.getvalue()


def test_a_sound_the_switch_plays_as_it_is_is_taken() -> None:
    found = read_sound(wav(1.25))
    assert found.seconds == 1.25
    assert found.digest != read_sound(wav(1.25, level=2000)).digest


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "voice.not_wav"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt ", "voice.not_wav"),
        (b"ID3 an mp3", "voice.not_wav"),
        (wav(rate=16000), "voice.wrong_form"),
        (wav(channels=2), "voice.wrong_form"),
        (wav(width=1), "voice.wrong_form"),
        (wav()[:-200], "voice.cut_off"),
        (wav(0.01), "voice.length"),
        (wav(60.5), "voice.length"),
        (wav(level=0), "voice.silent"),
        (bytes(LARGEST_BYTES + 1), "voice.too_large"),
    ],
)
def test_any_other_file_is_refused_with_its_reason(data: bytes, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_sound(data)
    assert refused.value.code == code


def test_every_gap_is_named_with_flow_node_language_and_place() -> None:
    served = flow({"a": {"kind": "play", "prompts": ["hello", "bye"], "next": "end"}}, apology=["sorry"])
    known = {"zh": {"hello", "bye", "sorry"}, "en": {"hello", "sorry"}}
    places = {"/fs1": known, "/fs2": {"zh": {"hello", "sorry"}, "en": {"hello", "bye", "sorry"}}}
    found = [(one.node, one.language, one.prompt, one.why, one.place) for one in find_missing([served], known, places)]
    assert found == [
        ("a", "zh", "bye", "no_file", "/fs2"),
        ("a", "en", "bye", "no_text", ""),
        ("a", "en", "bye", "no_file", "/fs1"),
    ]
