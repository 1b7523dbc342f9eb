"""Say something and go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from services.ivr.core.actions import Input, Play
from services.ivr.core.speech import Spoken
from services.ivr.core.steps import Go, NodeModel, Perform, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class PlayNode(NodeModel):
    """Says its prompts, amounts and digits included, then goes to ``next``."""

    kind: Literal["play"]
    prompts: tuple[Spoken, ...] = Field(min_length=1)
    next: str

    def step(self, session: Session, given: Input | None) -> Step:
        if given is None:
            return Perform(Play(self.prompts))
        return Go(self.next, outcome="played")
