"""The end of a sub-flow, or of a flow that an agent has sent the caller through."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from services.ivr.core.actions import Input
from services.ivr.core.steps import Finish, Go, NodeModel, Step, Variable

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class ReturnNode(NodeModel):
    """Back to the flow that went in here, by its way for ``outcome``; or back to the agent who had sent the caller in, who is
    told ``outcome`` and the values of ``results``: never a secret, and never what the bank said unless it was ``shown``.

    A flow with such a node cannot be met by callers alone.
    """

    IS_END: ClassVar[bool] = True

    kind: Literal["return"]
    outcome: str = Field(default="done", pattern=r"^[a-z][a-z_]{0,31}$")
    results: tuple[Variable, ...] = ()
    next: str = Field(default="", description="set when the flow is fitted in: where it goes on")

    def step(self, session: Session, given: Input | None) -> Step:
        return Go(self.next, outcome=self.outcome) if self.next else Finish("completed", self.outcome, self.results)

    def reveals(self) -> tuple[str, ...]:
        return self.results

    def needs(self) -> tuple[str, ...]:
        # a result that never came about is left out
        return ()
