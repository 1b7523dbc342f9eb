"""Choose the way by what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.ivr.core.actions import Input
from services.ivr.core.expressions import is_true, names_in
from services.ivr.core.steps import Go, NodeModel, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class Case(BaseModel):
    """One way: taken when ``when`` holds, such as ``number(amount) > 5000 and segment == 'vip'``."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    when: str
    next: str

    @field_validator("when")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        names_in(value)
        return value


class DecideNode(NodeModel):
    """Takes the first of ``choices`` whose condition holds, else ``on_else``.

    Conditions compare variables (text; ``number(x)`` for numbers, ``length(x)``, ``starts(x, 'y')``, ``ends(x, 'y')``) with
    ``== != < <= > >=``, joined by ``and``, ``or``, ``not``. Besides the flow's variables there are ``language``,
    ``dialled_number`` and ``caller_number``.
    """

    kind: Literal["decide"]
    choices: tuple[Case, ...] = Field(min_length=1)
    on_else: str

    def step(self, session: Session, given: Input | None) -> Step:
        known = session.speakable() | {
            "language": session.language,
            "dialled_number": session.dialled_number,
            "caller_number": session.caller_number,
        }
        for number, case in enumerate(self.choices, start=1):
            if is_true(case.when, known):
                return Go(case.next, outcome=f"case {number}")
        return Go(self.on_else, outcome="else")

    def reveals(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for case in self.choices for name in names_in(case.when)))

    def needs(self) -> tuple[str, ...]:
        # an unknown variable is empty: that is one of the things that can be asked
        return ()
