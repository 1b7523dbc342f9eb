"""People's voices for tests: a text spoken by one of Debian's programs, as a telephone carries it."""

from __future__ import annotations

import shutil
import subprocess
import wave
from pathlib import Path

from tests.live.telephone import sound

# by name: how a program says a text into a file
VOICES = {
    "awb": ("flite", "-voice", "awb", "-o", "{file}", "-t", "{text}"),
    "slt": ("flite", "-voice", "slt", "-o", "{file}", "-t", "{text}"),
    "rms": ("flite", "-voice", "rms", "-o", "{file}", "-t", "{text}"),
    "espeak": ("espeak-ng", "-v", "en-us", "-s", "150", "-w", "{file}", "{text}"),
}


def voices_here() -> list[str]:
    """Those this machine has."""
    return [name for name, command in VOICES.items() if shutil.which(command[0])]


def spoken(text: str, voice: str, folder: Path) -> bytes:
    """``text`` as samples of 16 bits at 8 kHz, through A-law as on a telephone line."""
    through = (sound.decode(sound.encode(one)) for one in samples_of(text, voice, folder))
    return b"".join(one.to_bytes(2, "little", signed=True) for one in through)


def samples_of(text: str, voice: str, folder: Path) -> list[int]:
    """The same before it goes over the line."""
    path = folder / f"{voice}.wav"
    words = [word.format(file=path, text=text) for word in VOICES[voice]]
    subprocess.run(words, check=True, timeout=60, stdout=subprocess.DEVNULL)
    with wave.open(str(path)) as file:
        data = memoryview(file.readframes(file.getnframes())).cast("h").tolist()
        rate = file.getframerate()
    return _resampled(data, rate)


def _resampled(samples: list[int], rate: int) -> list[int]:
    """At 8 kHz: each the mean of what falls into its place, which is filter enough for a voice."""
    step = rate / sound.RATE
    found = []
    for n in range(int(len(samples) / step)):
        part = samples[int(n * step) : max(int((n + 1) * step), int(n * step) + 1)]
        found.append(sum(part) // len(part))
    return found
