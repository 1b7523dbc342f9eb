"""End the call."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from services.ivr.core.actions import HangUp, Input
from services.ivr.core.steps import Finish, NodeModel, Perform, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class HangUpNode(NodeModel):
    """Hangs up with ``cause`` (FreeSWITCH's names of the Q.850 causes)."""

    IS_END: ClassVar[bool] = True

    kind: Literal["hang_up"]
    cause: str = "NORMAL_CLEARING"

    def step(self, session: Session, given: Input | None) -> Step:
        return Perform(HangUp(self.cause)) if given is None else Finish("completed", returned="hung_up")
