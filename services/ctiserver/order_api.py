"""Orders of agents over HTTP: what may be ordered for the customer at the other end, the order, and what became of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from ipcc.auth.guard import CurrentPrincipal
from ipcc.http.service import provided
from services.ctiserver.control_api import RequestId, asker_of
from services.ctiserver.core.orders import OrderBook
from services.ctiserver.order_schemas import FormView, OrderBegun, OrderBody, OrderView
from services.ctiserver.orders import OrderDesk, Wanted
from services.ctiserver.rights import Control, Id, check_leg
from services.ctiserver.schemas import LegView

router = APIRouter(prefix="/v1/legs/{leg_id}", tags=["orders"])

Desk = Annotated[OrderDesk, Depends(provided(OrderDesk))]
Only = Annotated[str, Query(max_length=64, description="the form of this flow alone")]
Book = Annotated[OrderBook, Depends(provided(OrderBook))]


@router.get(
    "/order-forms", summary="What the agent at this leg may order for his customer, with the fields of each form"
)
async def list_forms(
    leg_id: Id, who: CurrentPrincipal, control: Control, desk: Desk, flow: Only = ""
) -> list[FormView]:
    leg = control.leg(leg_id)
    check_leg(who, leg)
    forms = [FormView.model_validate(found) for found in await desk.forms(leg, asker_of(who))]
    return [form for form in forms if flow in ("", form.flow_id)]


@router.post(
    "/orders", summary="The customer hears what was prepared, agrees, keys his password; answered when it has begun"
)
async def order(
    leg_id: Id, body: OrderBody, who: CurrentPrincipal, control: Control, desk: Desk, key: RequestId = ""
) -> OrderBegun:
    leg = control.leg(leg_id)
    check_leg(who, leg)
    inputs = {name: str(value) for name, value in body.inputs.items()}
    session_id, done = await desk.order(leg, Wanted(body.flow, inputs), asker_of(who, key))
    return OrderBegun(session_id=session_id, flow=body.flow, leg=LegView.of(done))


@router.get(
    "/orders", summary="The orders of this leg's call; what the customer let be shown is for whoever ordered it"
)
async def list_orders(leg_id: Id, who: CurrentPrincipal, control: Control, book: Book) -> list[OrderView]:
    leg = control.leg(leg_id)
    check_leg(who, leg)
    return [OrderView.of(found, who.subject) for found in book.of_call(leg.call_id)]
