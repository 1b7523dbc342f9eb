"""Join the caller to a phone or a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from services.ivr.core.actions import Connect, Connected, Input
from services.ivr.core.steps import Finish, Go, NodeModel, Perform, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class TransferNode(NodeModel):
    """Rings ``to`` for ``ring_s`` seconds: a ``phone`` of the house, or a ``number`` outside through the trunk.

    When they have talked the session is over. Ways out: ``on_busy``, ``on_no_answer``, ``on_failure``. To go on in another flow
    use a sub_flow node, to wait for any agent a queue node.
    """

    TAKES_INPUT: ClassVar[bool] = True
    IS_END: ClassVar[bool] = True

    kind: Literal["transfer"]
    to: Literal["phone", "number"]
    number: str = Field(default="", pattern=r"^[0-9*#]{0,20}$")
    variable: str = Field(default="", pattern=r"^([a-z][a-z0-9_]{0,31})?$")
    ring_s: int = Field(default=25, ge=5, le=120)
    on_busy: str
    on_no_answer: str
    on_failure: str

    @model_validator(mode="after")
    def _has_one_number(self) -> Self:
        if bool(self.number) == bool(self.variable):
            raise ValueError("give either number or variable")
        return self

    def step(self, session: Session, given: Input | None) -> Step:
        if not isinstance(given, Connected):
            number = self.number or session.known(self.variable) or ""
            if not number.isdecimal():
                return Go(self.on_failure, outcome="no number")
            return Perform(Connect(number, self.to == "number", self.ring_s))
        if given.outcome == "talked":
            return Finish("transferred")
        target = {"busy": self.on_busy, "no_answer": self.on_no_answer}.get(given.outcome, self.on_failure)
        return Go(target, outcome=given.outcome)

    def reveals(self) -> tuple[str, ...]:
        return (self.variable,) if self.variable else ()
