"""The library of prompts' sounds: uploaded, heard, published, taken back, and brought to the folders the switches play from."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from ipcc.clock import Clock
from ipcc.errors import NotFound, Unavailable
from services.ivr.catalogue import FlowStore
from services.ivr.core.checks import Catalogue, texts_of
from services.ivr.core.flow import Flow
from services.ivr.core.voice import Missing, find_missing, read_sound
from services.ivr.store import VoiceStore
from services.ivr.synthesis import Speaker
from services.ivr.versions import Key, Voice, VoiceAct

log = structlog.get_logger(__name__)

LANGUAGES = ("zh", "en")
# what the switch's own sounds had in a place before the library put something there
MADE = ".made"


@dataclass
class VoiceLibrary:
    """``folders`` are the sounds folders of the switch nodes as ivr sees them; below each ``<language>/<prompt>.wav``.

    Every replica brings the same files to the same places: whoever comes second finds nothing to do.
    """

    store: VoiceStore
    flows: FlowStore
    clock: Clock
    folders: Sequence[Path]
    look_s: float
    speaker: Speaker
    _placed: dict[Path, dict[Key, str]] = field(default_factory=dict)
    _listed: Catalogue | None = None
    """The prompts that come with the switch's sounds."""
    _texts: dict[tuple[str, int], frozenset[tuple[str, str]]] = field(default_factory=dict)
    """By flow and version."""

    def __post_init__(self) -> None:
        self._listed = self.flows.catalogue

    async def upload(self, key: Key, audio: bytes, note: str, actor: str) -> Voice:
        """A new version that nobody hears yet. Raises Invalid naming what is wrong with the file."""
        sound = read_sound(audio)
        now = self.clock.now()
        async with self.store.changing() as voices:
            known = await voices.versions(key)
            version = known[0].version + 1 if known else 1
            found = Voice(key, version, sound.digest, sound.seconds, note, now, actor)
            await voices.add(found, audio)
            await voices.note(VoiceAct(now, actor, "uploaded", key, version))
        return found

    async def publish(self, key: Key, version: int, actor: str) -> None:
        """Callers hear that version from now on, an earlier one again, or with 0 what was made with the switch. Raises NotFound."""
        async with self.store.changing() as voices:
            if version and all(found.version != version for found in await voices.versions(key)):
                raise NotFound(
                    "voice.version_unknown", f"prompt {key.prompt_id} has no version {version} in {key.language}"
                )
            await voices.put_in_force(key, version)
            await voices.note(VoiceAct(self.clock.now(), actor, "published", key, version))

    async def versions(self, key: Key) -> tuple[list[Voice], int]:
        """Every version, the newest first, and which one callers hear (0: none of these)."""
        async with self.store.reading() as voices:
            found = (await voices.in_force()).get(key)
            return await voices.versions(key), found.version if found else 0

    async def audio(self, key: Key, version: int) -> bytes:
        """The sound as it was uploaded. Raises NotFound."""
        async with self.store.reading() as voices:
            return await voices.audio(key, version)

    async def acts(self, limit: int) -> list[VoiceAct]:
        """Who did what, the newest first."""
        async with self.store.reading() as voices:
            return await voices.acts(limit)

    async def missing(self) -> list[Missing]:
        """Prompts that callers of the published flows would not hear, in any language and at any place."""
        places = await asyncio.to_thread(self._files)
        return list(find_missing(self.flows.all(), self.flows.catalogue, places))

    async def follow(self) -> None:
        """For ever: bring what is in force to every folder. A folder or a database that is away is tried again."""
        while True:
            try:
                await self.speaker.prepare({one for flow in self.flows.all() for one in self._texts_of(flow)})
                await self.distribute()
            except Unavailable as error:
                log.warning("voices_not_learnt", reason=str(error))
            await self.clock.sleep(self.look_s)

    def _texts_of(self, flow: Flow) -> frozenset[tuple[str, str]]:
        # a version never changes, and walking all nodes of all flows every second costs as much as the calls of a quiet hour
        key = flow.id, flow.version
        if key not in self._texts:
            self._texts[key] = frozenset(texts_of(flow))
        return self._texts[key]

    async def distribute(self) -> None:
        """Bring what is in force to every folder, once, and let flows use it. Raises StoreDown."""
        async with self.store.reading() as voices:
            wanted = await voices.in_force()
        self._let_use(wanted)
        for folder in self.folders:
            try:
                await self._bring(folder, wanted)
            except OSError as error:
                log.error("voices_not_placed", folder=str(folder), reason=error.strerror)

    def _let_use(self, wanted: Mapping[Key, Voice]) -> None:
        listed = self._listed
        if listed is not None:
            more = {
                language: frozenset(k.prompt_id for k in wanted if k.language == language) for language in LANGUAGES
            }
            self.flows.catalogue = {
                language: listed.get(language, frozenset()) | more[language] for language in LANGUAGES
            }

    async def _bring(self, folder: Path, wanted: Mapping[Key, Voice]) -> None:
        placed = self._placed.setdefault(folder, {})
        for key, voice in wanted.items():
            if placed.get(key) != voice.digest:
                if not await asyncio.to_thread(_is_there, _place(folder, key), voice.digest):
                    await asyncio.to_thread(_put, folder, key, await self.audio(key, voice.version))
                    log.info("voice_placed", folder=str(folder), prompt=key.prompt_id, language=key.language)
                placed[key] = voice.digest
        for key in await asyncio.to_thread(_lent, folder):
            if key not in wanted:
                await asyncio.to_thread(_give_back, folder, key)
                placed.pop(key, None)

    def _files(self) -> dict[str, dict[str, frozenset[str]]]:
        return {str(folder): {language: _names(folder / language) for language in LANGUAGES} for folder in self.folders}


def _names(folder: Path) -> frozenset[str]:
    return frozenset(str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.wav"))


def _place(folder: Path, key: Key) -> Path:
    return folder / key.language / f"{key.prompt_id}.wav"


def _is_there(path: Path, digest: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == digest
    except FileNotFoundError:
        return False


def _put(folder: Path, key: Key, audio: bytes) -> None:
    """In one step: a caller hears the old sound or the new one, whole."""
    target, made = _place(folder, key), _place(folder / MADE, key)
    target.parent.mkdir(parents=True, exist_ok=True)
    made.parent.mkdir(parents=True, exist_ok=True)
    if not made.exists():
        if target.exists():
            shutil.copyfile(target, made)
        else:
            # an empty one: there was nothing before
            made.touch()
    half = target.with_suffix(f".{os.getpid()}.half")
    half.write_bytes(audio)
    half.replace(target)


def _lent(folder: Path) -> list[Key]:
    """Where the library has put something."""
    root = folder / MADE
    return [
        Key(str(path.relative_to(root / language).with_suffix("")), language)
        for language in LANGUAGES
        for path in (root / language).rglob("*.wav")
    ]


def _give_back(folder: Path, key: Key) -> None:
    target, made = _place(folder, key), _place(folder / MADE, key)
    if made.stat().st_size:
        made.replace(target)
    else:
        target.unlink(missing_ok=True)
        made.unlink()
