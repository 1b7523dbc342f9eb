"""What may become a prompt's sound, and which prompts a flow would miss. Pure."""

from __future__ import annotations

import hashlib
import io
import wave
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ipcc.errors import Invalid
from services.ivr.core.flow import Flow

RATE = 8000
LONGEST_S = 60.0
SHORTEST_S = 0.05
# PCM of 16 bits: 60 s and a header; the service takes no larger body anyway
LARGEST_BYTES = 1_000_000


@dataclass(frozen=True)
class Sound:
    """A WAV file that the switch plays as it is: 8 kHz, one channel, 16 bits."""

    seconds: float
    digest: str


def read_sound(data: bytes) -> Sound:
    """What ``data`` is. Raises Invalid (``voice.…``) naming what is wrong with it, in words a studio understands."""
    if len(data) > LARGEST_BYTES:
        raise Invalid("voice.too_large", f"the file has more than {LARGEST_BYTES} bytes")
    try:
        with wave.open(io.BytesIO(data)) as file:
            form = (file.getframerate(), file.getnchannels(), file.getsampwidth())
            frames = file.readframes(file.getnframes())
            told = file.getnframes() * file.getnchannels() * file.getsampwidth()
    except (wave.Error, EOFError, ValueError) as error:
        raise Invalid("voice.not_wav", "the file is no WAV file with PCM samples") from error
    if form != (RATE, 1, 2):
        found = f"{form[0]} Hz, {form[1]} channels, {8 * form[2]} bits"
        raise Invalid("voice.wrong_form", f"the file must be 8000 Hz, 1 channel, 16 bits; it is {found}")
    if len(frames) != told:
        raise Invalid("voice.cut_off", "the file is shorter than it says")
    seconds = len(frames) / 2 / RATE
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise Invalid(
            "voice.length", f"the sound must last {SHORTEST_S} to {LONGEST_S:.0f} s; it lasts {seconds:.2f} s"
        )
    if not any(frames):
        raise Invalid("voice.silent", "there is nothing but silence in the file")
    return Sound(seconds, hashlib.sha256(data).hexdigest())


@dataclass(frozen=True)
class Missing:
    """A prompt that a caller of this flow would not hear: ``why`` is no_text (nobody has it in that language) or no_file."""

    flow_id: str
    version: int
    node: str
    language: str
    prompt: str
    why: str
    place: str = ""


def find_missing(
    flows: Iterable[Flow],
    known: Mapping[str, Collection[str]] | None,
    places: Mapping[str, Mapping[str, Collection[str]]],
) -> Iterator[Missing]:
    """Every gap of ``flows``: ``known`` the prompts there are by language, ``places`` the files there are by place and language.

    What a flow says by a variable (digits, amounts, ``rate/…``) is known only when it is said, and not looked at.
    """
    for flow in flows:
        said = {name: node.prompt_ids() for name, node in flow.nodes.items()} | {"apology": flow.apology}
        for node, prompts in said.items():
            for language in flow.languages:
                for prompt in dict.fromkeys(prompts):
                    gap = (flow.id, flow.version, node, language, prompt)
                    if known is not None and prompt not in known.get(language, ()):
                        yield Missing(*gap, "no_text")
                    for place, files in places.items():
                        if prompt not in files.get(language, ()):
                            yield Missing(*gap, "no_file", place)
