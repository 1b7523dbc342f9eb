"""Record what the caller says."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from services.ivr.core.actions import Input, Record, Recorded
from services.ivr.core.speech import Spoken
from services.ivr.core.steps import Go, NodeModel, Perform, Step, Variable

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class RecordNode(NodeModel):
    """Says its prompts and a tone (``beep``), and records until #, ``silence_s`` seconds of silence or ``longest_s``; the place in
    the spool and the length in seconds become ``variable`` and ``variable`` with ``_s``. Nothing said leads to ``on_nothing``.
    """

    TAKES_INPUT: ClassVar[bool] = True

    kind: Literal["record"]
    prompts: tuple[Spoken, ...] = Field(min_length=1)
    beep: bool = True
    variable: Variable = "recorded"
    longest_s: int = Field(default=120, ge=5, le=600)
    silence_s: int = Field(default=5, ge=2, le=30)
    next: str
    on_nothing: str

    def step(self, session: Session, given: Input | None) -> Step:
        if not isinstance(given, Recorded):
            name = f"{session.call_id}-{session.visits}"
            return Perform(Record(self.prompts, name, self.longest_s, self.silence_s, self.beep))
        if given.spoken_s(self.silence_s) < 1:
            return Go(self.on_nothing, outcome="nothing")
        found = {self.variable: given.path, f"{self.variable}_s": str(given.seconds)}
        return Go(self.next, outcome="recorded", variables=found)

    def sets(self) -> tuple[str, ...]:
        return (self.variable, f"{self.variable}_s")
