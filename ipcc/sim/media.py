"""Recordings as real WAV files: 8 kHz, 16 bit, one tone per party, silence where masked. Files only; no event loop."""

from __future__ import annotations

import array
import contextlib
import math
import os
import struct
import wave
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageSequence
from PIL.TiffImagePlugin import STRIPBYTECOUNTS, TiffImageFile

from ipcc.sim.settings import FaxPage, Spool

METRES_PER_INCH = 0.0254
RATE = 8000
OWN_TONE_HZ = 400
"""What is heard from the phone of the recorded leg: the left channel of a stereo recording."""
PARTNER_TONE_HZ = 600
"""What that phone is sent: the right channel."""
_LEVEL = 8000


def _tone(hertz: int) -> list[int]:
    return [round(_LEVEL * math.sin(2 * math.pi * hertz * n / RATE)) for n in range(RATE)]


def _block(stereo: bool, alone: bool) -> bytes:
    own, partner = _tone(OWN_TONE_HZ), _tone(PARTNER_TONE_HZ)
    if alone:
        samples = array.array("h", own)
    elif stereo:
        samples = array.array("h", (value for pair in zip(own, partner, strict=True) for value in pair))
    else:
        samples = array.array("h", (a + b for a, b in zip(own, partner, strict=True)))
    return samples.tobytes()


class RecordingFile:
    """One recording being written: longer with every ``write_until``, readable at any time after ``close``.

    Of both parties, or of the phone ``alone``. Raises OSError where the disk does.
    """

    def __init__(self, path: Path, stereo: bool, alone: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._width = 4 if stereo else 2
        self._channels = 2 if stereo else 1
        self._block = _block(stereo, alone)
        self._written = 0
        self._file = path.open("wb")
        self._file.write(self._header(0))

    def write_until(self, seconds: float, masked: Sequence[tuple[float, float]]) -> None:
        """Append sound up to ``seconds`` after the start; spans of ``masked`` are silence."""
        wanted = max(round(seconds * RATE), self._written)
        sound = bytearray(self._sound(self._written, wanted))
        for start, end in masked:
            first = max(round(start * RATE), self._written) - self._written
            last = min(round(end * RATE), wanted) - self._written
            if last > first:
                sound[first * self._width : last * self._width] = bytes((last - first) * self._width)
        self._file.write(sound)
        self._written = wanted

    def close(self) -> None:
        """Write the length into the header and end the file."""
        self._file.seek(0)
        self._file.write(self._header(self._written * self._width))
        self._file.close()

    def discard(self) -> None:
        """The switch throws the file away (shorter than RECORD_MIN_SEC)."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _sound(self, first: int, last: int) -> bytes:
        offset = (first % RATE) * self._width
        length = (last - first) * self._width
        repeats = (offset + length) // len(self._block) + 1
        return (self._block * repeats)[offset : offset + length]

    def _header(self, size: int) -> bytes:
        return struct.pack(
            "<4sI4s4sIHHIIHH4sI",
            b"RIFF",
            36 + size,
            b"WAVE",
            b"fmt ",
            16,
            1,
            self._channels,
            RATE,
            RATE * self._width,
            self._width,
            16,
            b"data",
            size,
        )


def spool_on_disk(root: Path | None = None) -> Callable[[str], Spool]:
    """Whether a path can be recorded to. Nothing is made: who makes missing folders and who does not is for the applications."""

    def answer(path: str) -> Spool:
        folder = place_of(path, root).parent
        there = next((place for place in (folder, *folder.parents) if place.exists()), folder)
        if not there.is_dir() or not os.access(there, os.W_OK):
            return Spool.IMPOSSIBLE
        return Spool.WRITABLE if there == folder else Spool.NO_FOLDER

    return answer


def place_of(path: str, root: Path | None) -> Path:
    """Where the switch's ``path`` lies on this machine; below ``root`` if one is given."""
    return Path(path) if root is None else root / path.lstrip("/")


def sounds_on_disk(assumed_s: float | None = None) -> Callable[[str], float | None]:
    """How long sound files play, from their headers; a file that is not there plays ``assumed_s``, or is missing if None."""
    known: dict[str, float | None] = {}

    def length(path: str) -> float | None:
        if path not in known:
            known[path] = _length(path)
        found = known[path]
        return assumed_s if found is None else found

    return length


def faxes_on_disk(root: Path | None = None) -> Callable[[str], tuple[FaxPage, ...]]:
    """The pages of a TIFF file; none for what is not there or is no TIFF."""

    def pages(path: str) -> tuple[FaxPage, ...]:
        with contextlib.suppress(OSError), Image.open(place_of(path, root), formats=["TIFF"]) as image:
            return tuple(_page(frame) for frame in ImageSequence.Iterator(image) if isinstance(frame, TiffImageFile))
        return ()

    return pages


def _page(image: TiffImageFile) -> FaxPage:
    rows_per_m = round(float(image.info["dpi"][1]) / METRES_PER_INCH)
    return FaxPage(image.width, image.height, rows_per_m, sum(image.tag_v2[STRIPBYTECOUNTS]))


def _length(path: str) -> float | None:
    with contextlib.suppress(OSError, wave.Error, EOFError), wave.open(path, "rb") as sound:
        return sound.getnframes() / sound.getframerate()
    return None
