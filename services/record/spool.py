"""The switch's spool and the store of checked recordings: files, read and moved in a thread."""

from __future__ import annotations

import array
import asyncio
import contextlib
import hashlib
import os
import shutil
import wave
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from ipcc.contracts.tags import recording_name
from ipcc.ids import new_id
from services.record.core.policy import Audio

CHUNK = 1 << 20
PATTERNS = (recording_name("*", "*"), "messages/*.wav")
# RIFF, fmt and data headers of the shortest WAV
HEADER_BYTES = 44
# the energy below which the switch hears silence (services/ivr/switch.py asks it to), and the stretch it is measured over
SILENCE_LEVEL = 200
STRETCH_S = 0.02
# of the samples of a stretch every so manieth tells enough
SAMPLED = 4


class Unreadable(Exception):
    """The file is there but is no WAV."""


@dataclass(frozen=True)
class Found:
    """A file in the spool that can be read."""

    path: Path
    audio: Audio


@dataclass(frozen=True)
class Left:
    """A file in the spool and when it was last written to."""

    name: str
    written_at: datetime


@dataclass(frozen=True)
class Spool:
    """``spool_dir`` is where the switch writes, ``store_dir`` where recordings are kept."""

    spool_dir: Path
    store_dir: Path

    async def look(self, name: str, *, listen: bool = False) -> Found | None:
        """The file ``name``, or None while it is not there; with ``listen`` how much of it is voice. Raises Unreadable, OSError."""
        return await asyncio.to_thread(self._look, name, listen)

    async def left_alone(self, since: datetime) -> list[Left]:
        """The recordings and messages that were not written to ``since`` then. Raises OSError."""
        return await asyncio.to_thread(self._left_alone, since)

    async def keep(self, found: Found, location: str) -> str:
        """Copy it into the store, whole or not at all, and drop it from the spool; its SHA-256. Raises OSError."""
        return await asyncio.to_thread(self._keep, found, location)

    async def discard(self, found: Found) -> None:
        """Drop the spool's file once its copy is on record. Raises OSError."""
        await asyncio.to_thread(found.path.unlink, missing_ok=True)

    def path_of(self, location: str) -> Path:
        """The stored file; never outside the store."""
        path = (self.store_dir / location).resolve()
        if not path.is_relative_to(self.store_dir.resolve()):
            raise ValueError(f"{location} leads out of the store")
        return path

    def _left_alone(self, since: datetime) -> list[Left]:
        found = []
        for path in chain.from_iterable(self.spool_dir.glob(pattern) for pattern in PATTERNS):
            with contextlib.suppress(FileNotFoundError):
                written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                if written_at < since:
                    found.append(Left(path.relative_to(self.spool_dir).as_posix(), written_at))
        return found

    def _look(self, name: str, listen: bool) -> Found | None:
        path = (self.spool_dir / name).resolve()
        if not path.is_relative_to(self.spool_dir.resolve()):
            # the name holds ids that came over the bus
            raise Unreadable(f"{name} leads out of the spool")
        try:
            audio = _measure(path)
            return Found(path, replace(audio, voiced_ms=_voiced_ms(path)) if listen else audio)
        except FileNotFoundError:
            # a spool that is not mounted is no missing recording
            self.spool_dir.stat()
            return None
        except (wave.Error, EOFError, ZeroDivisionError) as error:
            raise Unreadable(str(error) or "cut short") from error

    def _keep(self, found: Found, location: str) -> str:
        target = self.path_of(location)
        target.parent.mkdir(parents=True, exist_ok=True)
        # two replicas must never write into one draft
        draft = target.with_name(f"{target.name}.{new_id()}.part")
        try:
            digest = _copy(found.path, draft)
            shutil.copystat(found.path, draft)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        return digest


def _measure(path: Path) -> Audio:
    size = path.stat().st_size
    with wave.open(str(path), "rb") as audio:
        frame = audio.getnchannels() * audio.getsampwidth()
        # a switch that died in the middle leaves a header that promises more, or less, than is there
        frames = min(audio.getnframes(), max(0, size - HEADER_BYTES) // frame)
        return Audio(
            duration_ms=frames * 1000 // audio.getframerate(),
            channels=audio.getnchannels(),
            rate_hz=audio.getframerate(),
            size_bytes=size,
        )


def _voiced_ms(path: Path) -> int | None:
    """How much is louder than silence; None for what is not of 16 bits."""
    with wave.open(str(path), "rb") as audio:
        if audio.getsampwidth() != 2:
            return None
        stretch, voiced = int(audio.getframerate() * STRETCH_S), 0
        while sound := audio.readframes(stretch):
            samples = array.array("h", sound[: len(sound) // 2 * 2])[::SAMPLED]
            if samples and sum(map(abs, samples)) > SILENCE_LEVEL * len(samples):
                voiced += 1
        return round(voiced * STRETCH_S * 1000)


def _copy(source: Path, draft: Path) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as spooled, draft.open("wb") as copy:
        while chunk := spooled.read(CHUNK):
            digest.update(chunk)
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    return digest.hexdigest()
