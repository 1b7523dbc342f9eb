"""REST of webhooks: a third party makes, changes and removes what it is sent. Deliveries are ctiserver's to show."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from ipcc.auth.guard import require
from ipcc.auth.principal import Principal, Role
from ipcc.http.pagination import Page
from ipcc.http.service import provided
from services.admin.api import IfMatch, ObjectId, version_of
from services.admin.schemas import WebhookAnswer, WebhookBody, WebhookSecretAnswer
from services.admin.store import Stored
from services.admin.webhooks import Webhooks, hook_of

Hooks = Annotated[Webhooks, Depends(provided(Webhooks))]
Owner = Annotated[Principal, Depends(require(Role.SYSTEM, Role.ADMINISTRATOR))]

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])


@router.post("", summary="Make a webhook; its secret is told this once", status_code=201)
async def make_webhook(body: WebhookBody, hooks: Hooks, who: Owner) -> WebhookSecretAnswer:
    stored, secret = await hooks.make(body, who)
    return WebhookSecretAnswer(webhook=_view(stored), secret=secret)


@router.get("", summary="The webhooks of one's unit and of those under it")
async def list_webhooks(hooks: Hooks, who: Owner) -> Page[WebhookAnswer]:
    return Page(items=[_view(stored) for stored in await hooks.page(who)])


@router.get("/{webhook_id}", summary="One webhook")
async def get_webhook(webhook_id: ObjectId, hooks: Hooks, who: Owner, response: Response) -> WebhookAnswer:
    stored = await hooks.find(webhook_id, who)
    response.headers["ETag"] = f'"{stored.version}"'
    return _view(stored)


@router.put("/{webhook_id}", summary="Change where it goes, what it is sent, or whether it is sent anything")
async def change_webhook(
    webhook_id: ObjectId, body: WebhookBody, hooks: Hooks, who: Owner, if_match: IfMatch = None
) -> WebhookAnswer:
    return _view(await hooks.change(webhook_id, body, who, version_of(if_match)))


@router.delete("/{webhook_id}", summary="Remove a webhook", status_code=204)
async def remove_webhook(webhook_id: ObjectId, hooks: Hooks, who: Owner, if_match: IfMatch = None) -> None:
    await hooks.remove(webhook_id, who, version_of(if_match))


@router.post("/{webhook_id}/secret", summary="Another secret; for a day messages are signed with the former one, too")
async def renew_secret(webhook_id: ObjectId, hooks: Hooks, who: Owner) -> WebhookSecretAnswer:
    stored, secret = await hooks.renew_secret(webhook_id, who)
    return WebhookSecretAnswer(webhook=_view(stored), secret=secret)


def _view(stored: Stored) -> WebhookAnswer:
    return WebhookAnswer.of(hook_of(stored), stored.version)
