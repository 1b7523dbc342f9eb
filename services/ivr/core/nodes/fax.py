"""Fax a statement to the caller, or to a number he gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from services.ivr.core.actions import Faxed, Input, SendFax
from services.ivr.core.speech import Spoken
from services.ivr.core.statement import Layout
from services.ivr.core.steps import FaxTold, Go, NodeModel, Perform, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session

# what pressing the start key once more may mend
_AGAIN = frozenset({"no_fax", "failed"})


class FaxNode(NodeModel):
    """Draws a statement from variables and faxes it: on the ``caller``'s own line once he has pressed the start key of his
    machine, or to the ``number`` in ``variable``, if the dial rules allow that.

    It is tried ``attempts`` times, ``again`` said in between, to a number ``pause_s`` seconds apart and by itself: who hangs up
    gets it all the same, whoever waits hears how each try went. A number that was busy or did not answer, a voice, a line that
    was cut and a try that was lost from sight are tried again: the same paper may come twice, and says when it was printed.
    What came of it is told as ``ipcc.ivr.fax_done``, never what it says; nothing of it is kept when it is over.
    Ways out: ``next``; ``on_failure``; ``on_refused`` for a number he may not be faxed at.
    """

    kind: Literal["fax"]
    document: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$", description="what it is, as told in events and reports")
    paper: Layout
    to: Literal["caller", "number"]
    variable: str = Field(default="", pattern=r"^([a-z][a-z0-9_]{0,31})?$")
    prompts: tuple[Spoken, ...] = ("fax-start",)
    again: tuple[Spoken, ...] = ("fax-again",)
    attempts: int = Field(default=2, ge=1, le=5)
    pause_s: int = Field(default=15, ge=0, le=900)
    ring_s: int = Field(default=45, ge=5, le=120)
    next: str
    on_failure: str
    on_refused: str = ""

    @model_validator(mode="after")
    def _has_its_number(self) -> Self:
        if (self.to == "number") != bool(self.variable):
            raise ValueError("a fax to a number needs variable, one to the caller has none")
        if self.to == "number" and not self.on_refused:
            raise ValueError("a fax to a number needs on_refused")
        return self

    def step(self, session: Session, given: Input | None) -> Step:
        if not isinstance(given, Faxed):
            return self._send(session, 1)
        goes_on = given.goes_on if self.variable else given.outcome in _AGAIN and session.attempt < self.attempts
        told = self._told(session, given, is_last=not goes_on)
        if given.outcome == "sent":
            return Go(self.next, outcome="sent", told=told)
        if given.outcome == "refused":
            return Go(self.on_refused or self.on_failure, outcome="refused", told=told)
        if goes_on:
            again = self._send(session, session.attempt + 1)
            return Perform(again.action, again.attempt, told=told)
        return Go(self.on_failure, outcome=given.outcome, told=told)

    def _told(self, session: Session, given: Faxed, *, is_last: bool) -> tuple[FaxTold, ...]:
        """To a number it outlives the session: what came of each try is told by whoever carries it out."""
        if self.variable:
            return ()
        return (FaxTold(self.document, given.outcome, given.pages, given.reason, session.attempt, is_last),)

    def _send(self, session: Session, attempt: int) -> Perform:
        number = session.known(self.variable) or "" if self.variable else ""
        said = self.prompts if attempt == 1 else self.again
        known = self.paper.picked(session.known)
        wanted = SendFax(
            said, self.document, self.paper, known, number, attempt, self.attempts, self.pause_s, self.ring_s
        )
        return Perform(wanted, attempt)

    def reveals(self) -> tuple[str, ...]:
        return (*self.paper.shows(), *((self.variable,) if self.variable else ()))

    def says(self) -> tuple[Spoken, ...]:
        return (*self.prompts, *self.again)
