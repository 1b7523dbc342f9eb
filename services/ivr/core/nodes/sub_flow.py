"""Go through another flow and come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from services.ivr.core.actions import Input
from services.ivr.core.steps import Go, NodeModel, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class SubFlowNode(NodeModel):
    """Fits the flow ``flow`` in here: its nodes are named ``<this node>.<its node>``; each outcome of its return nodes leads on
    by ``outcomes``. Variables are the same ones. It is fitted in when this flow is published: a later version of the other
    changes nothing until this one is published again.
    """

    kind: Literal["sub_flow"]
    flow: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")
    outcomes: dict[str, str] = Field(default_factory=dict)
    next: str = Field(default="", description="set when it is fitted in: where the other flow starts")

    def step(self, session: Session, given: Input | None) -> Step:
        return Go(self.next, outcome="entered")
