"""What callers say on its way to the recogniser: written into the spool by the switch, read, and removed, whatever became of it."""

from __future__ import annotations

import array
import asyncio
import sys
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from ipcc.clock import Clock
from ipcc.ids import new_id
from services.ivr.core.actions import Heard
from services.ivr.ports import Recogniser, Sound

log = structlog.get_logger(__name__)

FOLDER = "utterances"
# nobody speaks longer than a node lets him (60 s), and no recogniser takes half a minute
OLD_S = 180.0
SWEEP_EVERY_S = 60.0
# what the switch may call speech: its own measure, see SILENCE_LEVEL in switch.py
QUIET, FRAME_S = 200, 0.02
LONGEST_S, HIGHEST_RATE = 70, 48_000
UNAVAILABLE = Heard("unavailable")


@dataclass(frozen=True)
class UtteranceDesk:
    """The port Utterances. ``spool`` is the switch's spool."""

    recogniser: Recogniser | None
    spool: Path
    clock: Clock

    def is_ready(self) -> bool:
        """See the port."""
        return self.recogniser is not None and self.recogniser.is_ready()

    @contextmanager
    def file(self) -> Iterator[Path]:
        """See the port. Of one who hangs up the switch may still have the file open: it is gone when that closes it."""
        path = (self.spool / FOLDER / f"{new_id()}.wav").absolute()
        try:
            # the record application makes no folders (freeswitch/README.md), whatever record_session does
            path.parent.mkdir(mode=0o770, parents=True, exist_ok=True)
        except OSError as error:
            log.error("utterances_have_no_folder", reason=error.strerror)
        try:
            yield path
        finally:
            _remove(path)

    async def recognise(self, path: Path, language: str, hints: Sequence[str]) -> Heard:
        """See the port."""
        if self.recogniser is None:
            return UNAVAILABLE
        try:
            sound = await asyncio.to_thread(read_sound, path)
        except (OSError, EOFError, wave.Error) as error:
            log.error("utterance_unreadable", reason=type(error).__name__)
            return UNAVAILABLE
        if await asyncio.to_thread(is_quiet, sound):
            # an engine that is given nothing but noise finds words in it
            return Heard("nothing")
        return await self.recogniser.recognise(sound, language, hints)

    async def sweep(self) -> None:
        """For ever: remove what a replica that died has left, once nobody can still need it."""
        while True:
            await asyncio.to_thread(self._remove_old)
            await self.clock.sleep(SWEEP_EVERY_S)

    def _remove_old(self) -> None:
        oldest = self.clock.now().timestamp() - OLD_S
        for path in (self.spool / FOLDER).glob("*"):
            try:
                is_old = path.stat().st_mtime < oldest
            except FileNotFoundError:
                continue
            if is_old:
                log.warning("utterance_left_behind", file=path.name)
                _remove(path)


def read_sound(path: Path) -> Sound:
    """The samples of a WAV file of one channel and 16 bits. Raises wave.Error for any other, OSError, EOFError."""
    with wave.open(str(path), "rb") as file:
        rate = file.getframerate()
        if (file.getnchannels(), file.getsampwidth()) != (1, 2) or not 0 < rate <= HIGHEST_RATE:
            raise wave.Error("not of one channel and 16 bits")
        return Sound(file.readframes(LONGEST_S * rate), rate)


def is_quiet(sound: Sound) -> bool:
    """Whether nobody speaks in it: no fiftieth of a second is louder than what the switch takes for silence."""
    samples = array.array("h", sound.samples[: len(sound.samples) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    width = max(1, int(sound.rate * FRAME_S))
    frames = (samples[at : at + width] for at in range(0, len(samples), width))
    return all(sum(map(abs, frame)) <= QUIET * len(frame) for frame in frames)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        # the sweep tries again
        log.error("utterance_not_removed", file=path.name, reason=error.strerror)
