"""REST of deliveries to webhooks: a test message, what was not taken, and that once more. Webhooks are made at admin."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from ipcc.auth.guard import require
from ipcc.auth.principal import Principal, Role
from ipcc.errors import Invalid
from ipcc.http.pagination import Page, PageQuery, encode_cursor
from ipcc.http.service import provided
from services.ctiserver.failures import Failures
from services.ctiserver.rights import Id
from services.ctiserver.schemas import DeliveryAnswer, FailureView

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

Known = Annotated[Failures, Depends(provided(Failures))]
Owner = Annotated[Principal, Depends(require(Role.SYSTEM, Role.ADMINISTRATOR))]
Number = Annotated[int, Path(ge=0, lt=2**63)]


@router.post("/{webhook_id}/ping", summary="Send a test message, once, and tell what became of it")
async def ping(webhook_id: Id, who: Owner, known: Known) -> DeliveryAnswer:
    return DeliveryAnswer.of(await known.ping(known.hook(webhook_id, who)))


@router.get("/{webhook_id}/failures", summary="Events the receiver did not take in all tries, the oldest first")
async def list_failures(webhook_id: Id, who: Owner, known: Known, page: PageQuery) -> Page[FailureView]:
    position = page.position(1)
    after = position[0] if position else None
    if after is not None and not isinstance(after, int):
        raise Invalid("page.cursor", "after: not a cursor of this list; take it from `next` of the page before")
    found, last = await known.page(known.hook(webhook_id, who), after, page.limit)
    return Page(items=[FailureView.of(one) for one in found], next=None if last is None else encode_cursor((last,)))


@router.post("/{webhook_id}/failures/{number}/redeliver", summary="Send a failed event once more, out of its order")
async def redeliver(webhook_id: Id, number: Number, who: Owner, known: Known) -> DeliveryAnswer:
    return DeliveryAnswer.of(await known.redeliver(known.hook(webhook_id, who), number))
