"""REST: recordings found by call or agent, their audio by right, and who heard them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import FileResponse, Response

from ipcc.auth.guard import CurrentPrincipal, require
from ipcc.auth.principal import Principal, Role
from ipcc.contracts.recording import RecordingKind
from ipcc.errors import NotAllowed, NotFound, NotNow
from ipcc.http.service import provided
from services.record.schemas import HearingView, RecordingView
from services.record.store import Recording, Wanted
from services.record.usecases import Recordings
from services.record.voicemails import HEARS_ALL

Here = Annotated[Recordings, Depends(provided(Recordings))]

router = APIRouter(prefix="/v1", tags=["record"])


@router.get(
    "/recordings",
    summary="The newest recordings: of a call, an agent, messages left for a queue; agents find their own",
)
async def search_recordings(
    here: Here,
    who: CurrentPrincipal,
    wanted: Annotated[Wanted, Depends()],
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[RecordingView]:
    if not who.has(*HEARS_ALL):
        wanted = replace(wanted, agent_id=who.subject)
    found = await here.store.search(wanted, limit)
    return [RecordingView.model_validate(recording) for recording in found]


@router.get("/recordings/{recording_id}", summary="One recording")
async def read_recording(recording_id: str, here: Here, who: CurrentPrincipal) -> RecordingView:
    return RecordingView.model_validate(await _allowed(here, recording_id, who))


@router.get("/recordings/{recording_id}/audio", summary="The audio; every hearing is written down")
async def hear_recording(recording_id: str, here: Here, who: CurrentPrincipal) -> Response:
    await _allowed(here, recording_id, who)
    return await audio_of(here, recording_id, who)


async def audio_of(here: Recordings, recording_id: str, who: Principal) -> Response:
    """The audio for somebody who may hear it, written down. Raises NotFound, NotNow (recording.not_stored)."""
    recording = await here.find(recording_id)
    if not recording.location:
        raise NotNow(
            "recording.not_stored", f"recording {recording_id} is {recording.state}: there is no audio to hear"
        )
    path = here.spool.path_of(recording.location)
    if not path.is_file():
        raise NotFound("recording.file_gone", f"the file of recording {recording_id} is not in the store")
    await here.store.note_hearing(recording_id, who.subject)
    return FileResponse(path, media_type="audio/wav", filename=f"{recording_id}.wav")


@router.get(
    "/recordings/{recording_id}/hearings",
    dependencies=[Depends(require(Role.AUDITOR, Role.SUPERVISOR, Role.SYSTEM))],
    summary="Who fetched the audio, and when",
)
async def list_hearings(recording_id: str, here: Here) -> list[HearingView]:
    return [HearingView(subject=s, heard_at=at) for s, at in await here.store.hearings(recording_id)]


async def _allowed(here: Recordings, recording_id: str, who: Principal) -> Recording:
    recording = await here.find(recording_id)
    if recording.kind is RecordingKind.MESSAGE:
        here.voicemails.check_hears(who, recording.queue_id)
    elif not who.has(*HEARS_ALL) and recording.agent_id != who.subject:
        raise NotAllowed("recording.not_yours", "agents hear their own recordings only")
    return recording
