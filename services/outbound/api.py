"""REST: notifications ordered by the bank's systems, and what became of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from ipcc.auth.guard import require
from ipcc.auth.principal import Role
from ipcc.contracts.outbound import OrderNotification
from ipcc.http.service import provided
from services.outbound.schemas import NotificationOrder, NotificationView
from services.outbound.usecases import Notifications

Here = Annotated[Notifications, Depends(provided(Notifications))]

router = APIRouter(
    prefix="/v1", tags=["outbound"], dependencies=[Depends(require(Role.SYSTEM, Role.SUPERVISOR, Role.ADMINISTRATOR))]
)


@router.post("/notifications", status_code=202, summary="Order one notification")
async def order_notification(body: NotificationOrder, here: Here) -> NotificationView:
    found = await here.order(OrderNotification.model_validate(body.model_dump()))
    return NotificationView.model_validate(found)


@router.get("/notifications/{notification_id}", summary="What became of it")
async def read_notification(notification_id: str, here: Here) -> NotificationView:
    return NotificationView.model_validate(await here.read(notification_id))
