"""REST: the library of prompts' sounds. Whoever may look at flows may hear them; only administrators change them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from ipcc.auth.guard import require
from ipcc.auth.principal import Principal, Role
from ipcc.http.service import provided
from services.ivr.core.voice import Missing
from services.ivr.versions import Key, Voice, VoiceAct
from services.ivr.voices import VoiceLibrary

Here = Annotated[VoiceLibrary, Depends(provided(VoiceLibrary))]
Writer = Annotated[Principal, Depends(require(Role.ADMINISTRATOR))]
MAY_HEAR = Depends(require(Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR, Role.QUALITY))
PromptId = Annotated[
    str, Query(pattern=r"^([a-z]+/)?[a-z0-9][a-z0-9-]{0,63}$", description="such as welcome or digits/7")
]
Language = Annotated[Literal["zh", "en"], Query()]
_RANGE = re.compile(r"bytes=(\d{0,12})-(\d{0,12})")

router = APIRouter(prefix="/v1/voices", tags=["voice library"])


class View(BaseModel):
    """What is shown."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class VoiceView(View):
    """One version of a prompt's sound; ``is_heard``: callers hear it now."""

    prompt: str
    language: str
    version: int
    seconds: float
    digest: str
    note: str
    made_at: datetime
    made_by: str
    is_heard: bool = False

    @classmethod
    def of(cls, voice: Voice, *, is_heard: bool = False) -> Self:
        return cls(
            prompt=voice.key.prompt_id,
            language=voice.key.language,
            version=voice.version,
            seconds=round(voice.seconds, 3),
            digest=voice.digest,
            note=voice.note,
            made_at=voice.made_at,
            made_by=voice.made_by,
            is_heard=is_heard,
        )


class VoiceChoice(View):
    """Which version callers shall hear; 0: the sound that was made with the switch."""

    prompt: str = Field(pattern=r"^([a-z]+/)?[a-z0-9][a-z0-9-]{0,63}$")
    language: Literal["zh", "en"]
    version: int = Field(ge=0)


class VoiceActView(View):
    """Who did what; version 0 of a ``published``: taken back."""

    at: datetime
    actor: str
    action: str
    prompt: str
    language: str
    version: int

    @classmethod
    def of(cls, act: VoiceAct) -> Self:
        key = act.key
        return cls(
            at=act.at,
            actor=act.actor,
            action=act.action,
            prompt=key.prompt_id,
            language=key.language,
            version=act.version,
        )


class MissingView(View):
    """A prompt that callers of a published flow would not hear: ``why`` is no_text or no_file (in the folder ``place``)."""

    flow: str = Field(validation_alias="flow_id")
    version: int
    node: str
    language: str
    prompt: str
    why: str
    place: str

    @classmethod
    def of(cls, one: Missing) -> Self:
        return cls.model_validate(one)


@router.post(
    "/versions",
    status_code=201,
    summary="Upload a WAV file (8000 Hz, 1 channel, 16 bits, 60 s at most); nobody hears it yet",
)
async def upload(
    prompt: PromptId,
    language: Language,
    request: Request,
    here: Here,
    who: Writer,
    note: Annotated[str, Query(max_length=200)] = "",
) -> VoiceView:
    return VoiceView.of(await here.upload(Key(prompt, language), await request.body(), note, who.subject))


@router.get("/versions", dependencies=[MAY_HEAR], summary="Every version of a prompt, the newest first")
async def list_versions(prompt: PromptId, language: Language, here: Here) -> list[VoiceView]:
    found, heard = await here.versions(Key(prompt, language))
    return [VoiceView.of(one, is_heard=one.version == heard) for one in found]


@router.get("/audio", dependencies=[MAY_HEAR], summary="Hear one version; a range of bytes may be asked for")
async def hear(
    prompt: PromptId, language: Language, version: Annotated[int, Query(ge=1)], request: Request, here: Here
) -> Response:
    audio = await here.audio(Key(prompt, language), version)
    return _part(audio, request.headers.get("range", ""))


@router.put(
    "/in-force", status_code=204, summary="Let callers hear a version, an earlier one again, or the made one (0)"
)
async def publish(body: VoiceChoice, here: Here, who: Writer) -> None:
    await here.publish(Key(body.prompt, body.language), body.version, who.subject)


@router.get("/acts", dependencies=[MAY_HEAR], summary="Who did what, the newest first")
async def list_acts(here: Here, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> list[VoiceActView]:
    return [VoiceActView.of(act) for act in await here.acts(limit)]


@router.get("/missing", dependencies=[MAY_HEAR], summary="Prompts that callers of the published flows would not hear")
async def list_missing(here: Here) -> list[MissingView]:
    return [MissingView.of(one) for one in await here.missing()]


def _part(audio: bytes, wanted: str) -> Response:
    """The whole, or the range a player asks for; one it cannot have is refused with 416 (RFC 9110, 14)."""
    plain = {"Accept-Ranges": "bytes", "Cache-Control": "private, no-cache"}
    asked = _RANGE.fullmatch(wanted)
    if asked is None or asked.groups() == ("", ""):
        return Response(audio, media_type="audio/wav", headers=plain)
    first, last = asked.groups()
    start = int(first) if first else max(len(audio) - int(last), 0)
    end = min(int(last), len(audio) - 1) if first and last else len(audio) - 1
    if start > end:
        return Response(status_code=416, headers={**plain, "Content-Range": f"bytes */{len(audio)}"})
    told = {**plain, "Content-Range": f"bytes {start}-{end}/{len(audio)}"}
    return Response(audio[start : end + 1], 206, told, "audio/wav")
