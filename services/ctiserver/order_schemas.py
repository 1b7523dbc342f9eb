"""Bodies of orders."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, StrictInt

from ipcc.contracts.order import OrderForm
from services.ctiserver.core.orders import Ordered
from services.ctiserver.schemas import Body, LegView

Name = Annotated[str, Field(max_length=40)]


class FormView(BaseModel):
    """One thing that can be ordered: the flow, and the form to be filled in."""

    flow_id: str
    flow_version: int
    form: OrderForm


class OrderBody(Body):
    """``inputs`` by the names of the form; an amount is a whole number of cents."""

    flow: Annotated[str, Field(min_length=1, max_length=64)]
    inputs: dict[Name, Annotated[str, Field(max_length=40)] | StrictInt] = Field(
        default_factory=dict, max_length=20, repr=False
    )


class OrderBegun(BaseModel):
    """The customer is in the flow; ``leg`` is the agent's."""

    session_id: str
    flow: str
    leg: LegView


class OrderView(BaseModel):
    """One order. ``outcome`` is empty while it goes on; ``movement`` is what the bank said of an order to move something, whatever
    the outcome (ok, refused, unavailable: nothing was moved, unknown; empty: it was not asked)."""

    session_id: str
    flow_id: str
    flow_version: int
    by: str
    began_at: datetime
    ended_at: datetime | None
    outcome: str
    movement: str
    consents: dict[str, str] = Field(description="what the customer was asked about, and his answer")
    results: dict[str, str]

    @classmethod
    def of(cls, order: Ordered, subject: str) -> Self:
        """As ``subject`` may see it: what the customer has agreed to show, he agreed to show to whoever asked him."""
        return cls(
            session_id=order.session_id,
            flow_id=order.flow_id,
            flow_version=order.flow_version,
            by=order.by,
            began_at=order.began_at,
            ended_at=order.ended_at,
            outcome=order.outcome,
            movement=order.movement,
            consents=dict(order.consents),
            results={**order.results, **(order.shown if subject == order.by else {})},
        )
