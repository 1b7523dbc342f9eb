"""The end of a sub-flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from services.ivr.core.actions import Input
from services.ivr.core.steps import Finish, Go, NodeModel, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class ReturnNode(NodeModel):
    """Back to the flow that went in here, by its way for ``outcome``. A flow with such a node cannot be met by callers alone."""

    IS_END: ClassVar[bool] = True

    kind: Literal["return"]
    outcome: str = Field(default="done", pattern=r"^[a-z][a-z_]{0,31}$")
    next: str = Field(default="", description="set when the flow is fitted in: where it goes on")

    def step(self, session: Session, given: Input | None) -> Step:
        return Go(self.next, outcome=self.outcome) if self.next else Finish("completed")
