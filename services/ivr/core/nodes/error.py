"""What is done when a node cannot do its work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from services.ivr.core.actions import Input
from services.ivr.core.steps import Go, NodeModel, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class ErrorNode(NodeModel):
    """Where a flow's ``on_error`` may lead: goes the way of ``outcomes`` for the code of what went wrong, such as
    ``speech.amount`` or ``expression.failed``, else to ``next``; from the ``most``-th error of the session on to ``on_repeated``,
    so that nobody is sent round in a circle by a flow that does not work.
    """

    kind: Literal["error"]
    outcomes: dict[str, str] = Field(default_factory=dict)
    most: int = Field(default=3, ge=1, le=9)
    next: str
    on_repeated: str

    def step(self, session: Session, given: Input | None) -> Step:
        if session.errors >= self.most:
            return Go(self.on_repeated, outcome="repeated")
        return Go(self.outcomes.get(session.error, self.next), outcome=session.error or "none")
