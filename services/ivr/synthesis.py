"""Texts made into sound by an external program: those of flows ahead, kept by content; a customer's own when they are said, kept
nowhere."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import structlog

from ipcc.errors import Invalid
from ipcc.ids import new_id
from services.ivr.core.speech import Words
from services.ivr.spelling import COMMAND as SPELLING
from services.ivr.spelling import needs_spelling

log = structlog.get_logger(__name__)

KEPT, PASSING = "text", "speech"
LONGEST_TEXT = 500
TIMEOUT_S = 8.0
# a caller waits in silence for what is made while he listens, perhaps after the bank has thought (QUIET_S in runner.py): nobody shall
# hear more than 3 s of it
WAIT_S = 1.2
AT_ONCE = 4


class Synthesizer(Protocol):
    """The port of text to speech."""

    def fingerprint(self, text: str, language: str) -> str:
        """Names the sound of ``text``: another voice, program or text has another one."""

    async def make(self, text: str, language: str, path: Path) -> None:
        """Write the sound as a WAV file, readable for the group. Raises Invalid (``speech.…``)."""


@dataclass(frozen=True)
class Program:
    """Text to speech by a program: ``{voice}`` and ``{file}`` in ``command`` are filled in, the text comes on its standard input.

    No shell sees the text, and no process list shows it.
    """

    command: Sequence[str]
    voices: Mapping[str, str]
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def fingerprint(self, text: str, language: str) -> str:
        parts = "\0".join((*self.command, self.voices.get(language, ""), text))
        return hashlib.sha256(parts.encode()).hexdigest()[:40]

    async def make(self, text: str, language: str, path: Path) -> None:
        clean = "".join(letter if letter.isprintable() else " " for letter in text)
        if not clean.strip() or len(clean) > LONGEST_TEXT:
            raise Invalid("speech.text", f"a text to be said has 1 to {LONGEST_TEXT} letters")
        if not self.command or language not in self.voices:
            raise Invalid("speech.no_program", f"there is no text to speech for {language}")
        half = path.with_suffix(f".{os.getpid()}.half")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            voice, spoken = self.voices[language], clean.encode()
            async with self._free:
                if needs_spelling(voice):
                    spoken = await _piped(SPELLING, spoken)
                await _piped([word.format(voice=voice, file=half) for word in self.command], spoken)
            half.chmod(0o640)
            half.replace(path)
        except OSError as error:
            raise Invalid("speech.not_made", f"the text could not be made into sound: {error.strerror}") from error
        finally:
            with contextlib.suppress(OSError):
                half.unlink(missing_ok=True)


async def _piped(command: Sequence[str], text: bytes) -> bytes:
    """What a program writes of what it is given. Raises Invalid, OSError."""
    pipe, devnull = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    running = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=devnull)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            written, _ = await running.communicate(text)
    except TimeoutError as error:
        raise Invalid("speech.slow", "the text-to-speech program took too long") from error
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()
    if running.returncode:
        raise Invalid("speech.not_made", f"the text-to-speech program ended with {running.returncode}")
    return written


@dataclass
class Speaker:
    """Gives the switch a file for every text. ``folders``: the sounds folders of the switch nodes, ``spool``: the switch's spool."""

    synthesizer: Synthesizer
    folders: Sequence[Path]
    spool: Path
    _kept: set[str] = field(default_factory=set)
    _tried: set[str] = field(default_factory=set)

    async def prepare(self, texts: Iterable[tuple[str, str]]) -> None:
        """Make texts of flows (text, language) ahead, for every folder; what cannot be made is made when it is said, or not at all."""
        for text, language in texts:
            name = self._name(text, language)
            if name in self._tried:
                continue
            self._tried.add(name)
            try:
                for folder in self.folders:
                    place = folder / language / f"{name}.wav"
                    if not place.exists():
                        await self.synthesizer.make(text, language, place)
            except Invalid as error:
                log.warning("text_not_prepared", language=language, code=error.code)
            else:
                self._kept.add(name)

    @asynccontextmanager
    async def voiced(self, said: Sequence[str], language: str) -> AsyncIterator[tuple[str, ...]]:
        """What the switch shall play: prompt ids, and absolute paths of files that are gone after this.

        A text that cannot be made within WAIT_S, all of them together, is replaced by its ``otherwise``; one that has none raises
        Invalid.
        """
        passing: list[Path] = []
        until = asyncio.get_running_loop().time() + WAIT_S
        try:
            found: list[str] = []
            for one in said:
                found += await self._found(one, language, until, passing) if isinstance(one, Words) else (one,)
            yield tuple(found)
        finally:
            for path in passing:
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)

    async def _found(self, words: Words, language: str, until: float, passing: list[Path]) -> tuple[str, ...]:
        if words.is_kept and self._name(words, language) in self._kept:
            return (self._name(words, language),)
        path = (self.spool / PASSING / f"{new_id()}.wav").absolute()
        passing.append(path)
        try:
            async with asyncio.timeout_at(until):
                await self.synthesizer.make(words, language, path)
        except TimeoutError as error:
            if words.otherwise is None:
                raise Invalid("speech.slow", "the text-to-speech program took too long") from error
            log.warning("text_not_said", language=language, code="speech.slow")
            return words.otherwise
        except Invalid as error:
            if words.otherwise is None:
                raise
            log.warning("text_not_said", language=language, code=error.code)
            return words.otherwise
        return (str(path),)

    def _name(self, text: str, language: str) -> str:
        return f"{KEPT}/{self.synthesizer.fingerprint(text, language)}"
