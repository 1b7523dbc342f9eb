"""Say one value with words around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from services.ivr.core.actions import Input, Play
from services.ivr.core.speech import PromptId, Spoken, Value
from services.ivr.core.steps import Go, NodeModel, Perform, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class SayNode(NodeModel):
    """Says ``before``, the value (amount, number, date, digits, card tail, currency, rows) in the caller's language, and ``after``.

    Where the variable is empty ``on_empty`` is taken, if there is one: no entries, no orders.
    """

    TAKES_INPUT: ClassVar[bool] = False

    kind: Literal["say"]
    before: tuple[PromptId, ...] = ()
    value: Value
    after: tuple[PromptId, ...] = ()
    next: str
    on_empty: str = ""

    def step(self, session: Session, given: Input | None) -> Step:
        if given is not None:
            return Go(self.next, outcome="said")
        if self.on_empty and not any(session.known(name) for name in self.reveals()):
            return Go(self.on_empty, outcome="empty")
        return Perform(Play(self.says()))

    def says(self) -> tuple[Spoken, ...]:
        return (*self.before, self.value, *self.after)
