"""Take a message for a group of agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from services.ivr.core.actions import Input, Record, Recorded
from services.ivr.core.speech import Spoken
from services.ivr.core.steps import Go, Message, NodeModel, Perform, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class VoicemailNode(NodeModel):
    """Says its prompts, records a message, and tells the agents of ``queue`` that it is there (``ipcc.ivr.message_left``).

    Nothing said leads to ``on_nothing``.
    """

    TAKES_INPUT: ClassVar[bool] = True

    kind: Literal["voicemail"]
    prompts: tuple[Spoken, ...] = ("leave-message",)
    queue: str
    longest_s: int = Field(default=180, ge=10, le=600)
    silence_s: int = Field(default=5, ge=2, le=30)
    next: str
    on_nothing: str

    def step(self, session: Session, given: Input | None) -> Step:
        if not isinstance(given, Recorded):
            return Perform(Record(self.prompts, f"{session.call_id}-{session.visits}", self.longest_s, self.silence_s))
        if given.seconds < 1:
            return Go(self.on_nothing, outcome="nothing")
        return Go(self.next, outcome="recorded", told=(Message(self.queue, given.path, given.seconds),))
