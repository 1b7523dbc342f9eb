"""REST: voicemails found, heard by right, taken by one agent at most, put back or done."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from ipcc.auth.guard import CurrentPrincipal
from ipcc.contracts.recording import VoicemailState
from ipcc.errors import Invalid
from ipcc.http.pagination import Page, PageQuery, page_of
from ipcc.http.service import provided
from services.record.api import Here, audio_of
from services.record.schemas import DoneBody, VoicemailView
from services.record.voicemail_store import Sought, page_position
from services.record.voicemails import Voicemails

Mails = Annotated[Voicemails, Depends(provided(Voicemails))]
Id = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Word = Annotated[str, Query(max_length=64, pattern=r"^[A-Za-z0-9_.-]*$")]

router = APIRouter(prefix="/v1/voicemails", tags=["voicemail"])


class Filter:
    """What is looked for."""

    def __init__(
        self,
        queue_id: Word = "",
        call_id: Word = "",
        agent_id: Word = "",
        state: Annotated[VoicemailState | None, Query(description="left out: all that are not done")] = None,
        overdue: Annotated[bool, Query(description="only those nobody took in time")] = False,
    ) -> None:
        self.queues = (queue_id,) if queue_id else None
        self.call_id, self.agent_id, self.state, self.overdue = call_id, agent_id, state, overdue


@router.get("", summary="Voicemails, the oldest first; agents find those of the queues they serve")
async def list_voicemails(
    mails: Mails, who: CurrentPrincipal, wanted: Annotated[Filter, Depends(Filter)], page: PageQuery
) -> Page[VoicemailView]:
    now = mails.clock.now()
    try:
        after = page_position(page.position(2))
    except ValueError:
        raise Invalid(
            "page.cursor", "after: not a cursor of this list; take it from `next` of the page before"
        ) from None
    overdue_at = now if wanted.overdue else None
    sought = Sought(wanted.queues, wanted.call_id, wanted.agent_id, wanted.state, overdue_at, after)
    found = await mails.search(who, sought, page.limit + 1)
    views = [VoicemailView.of(mail, now) for mail in found]
    return page_of(views, page.limit, lambda view: (view.left_at.isoformat(), view.voicemail_id))


@router.get("/{voicemail_id}", summary="One voicemail")
async def read_voicemail(voicemail_id: Id, mails: Mails, who: CurrentPrincipal) -> VoicemailView:
    return VoicemailView.of(await mails.find(who, voicemail_id), mails.clock.now())


@router.get("/{voicemail_id}/audio", summary="Hear it; every hearing is written down")
async def hear_voicemail(voicemail_id: Id, mails: Mails, here: Here, who: CurrentPrincipal) -> Response:
    await mails.find(who, voicemail_id)
    return await audio_of(here, voicemail_id, who)


@router.post("/{voicemail_id}/take", summary="Take it: from now on it is yours alone")
async def take_voicemail(voicemail_id: Id, mails: Mails, who: CurrentPrincipal) -> VoicemailView:
    return VoicemailView.of(await mails.take(who, voicemail_id), mails.clock.now())


@router.post("/{voicemail_id}/put-back", summary="Give it back to the agents of its queue")
async def put_voicemail_back(voicemail_id: Id, mails: Mails, who: CurrentPrincipal) -> VoicemailView:
    return VoicemailView.of(await mails.put_back(who, voicemail_id), mails.clock.now())


@router.post("/{voicemail_id}/done", summary="It is done, with what came of it")
async def finish_voicemail(voicemail_id: Id, body: DoneBody, mails: Mails, who: CurrentPrincipal) -> VoicemailView:
    return VoicemailView.of(await mails.finish(who, voicemail_id, body.outcome), mails.clock.now())
