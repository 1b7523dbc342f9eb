"""Take a message for a group of agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from services.ivr.core.actions import Collect, Input, Keyed, Record, Recorded
from services.ivr.core.speech import Spoken
from services.ivr.core.steps import Go, Message, NodeModel, Perform, Step, Told

if TYPE_CHECKING:
    from services.ivr.core.session import Session

REVIEW = "review"
# where the message lies and how long it is, between saying and sending it; a name no flow can give
_PATH, _SECONDS = "_voicemail_path", "_voicemail_s"


class VoicemailNode(NodeModel):
    """Says its prompts and a tone (``beep``), records a message until #, ``silence_s`` seconds of silence or ``longest_s``, and tells
    the agents of ``queue`` that it is there (``ipcc.ivr.message_left``).

    Less than ``shortest_s`` of speech says ``too_short`` and begins anew, ``attempts`` times in all; then it goes to
    ``on_nothing``. With ``review`` prompts the caller is asked what to do with it: 1 or # sends it, 2 says it again, 3 records
    it anew; a wrong key says ``wrong_input``, and what is not decided after ``attempts`` is sent. Who hangs up, or goes on by a key
    of the flow, has sent what he said.
    """

    TAKES_INPUT: ClassVar[bool] = True

    kind: Literal["voicemail"]
    prompts: tuple[Spoken, ...] = ("leave-message",)
    beep: bool = True
    queue: str
    longest_s: int = Field(default=180, ge=10, le=600)
    silence_s: int = Field(default=5, ge=2, le=30)
    shortest_s: int = Field(default=1, ge=1, le=10)
    attempts: int = Field(default=2, ge=1, le=5)
    too_short: tuple[Spoken, ...] = ("message-too-short",)
    review: tuple[Spoken, ...] = ()
    timeout_s: int = Field(default=6, ge=1, le=30)
    wrong_input: tuple[Spoken, ...] = ("wrong-input",)
    next: str
    on_nothing: str

    def step(self, session: Session, given: Input | None) -> Step:
        if isinstance(given, Recorded):
            return self._recorded(session, given)
        if isinstance(given, Keyed) and session.phase == REVIEW:
            return self._reviewed(session, given)
        return self._record(session, (), 1)

    def _recorded(self, session: Session, given: Recorded) -> Step:
        spoken_s = given.spoken_s(self.silence_s)
        if spoken_s < self.shortest_s:
            if given.is_hung_up or session.attempt >= self.attempts:
                return Go(self.on_nothing, outcome="nothing")
            return self._record(session, self.too_short, session.attempt + 1)
        if given.is_hung_up or not self.review:
            return Go(self.next, outcome="recorded", told=(Message(self.queue, given.path, spoken_s),))
        kept = {_PATH: given.path, _SECONDS: str(spoken_s)}
        return Perform(self._ask(self.review), attempt=1, phase=REVIEW, private=kept)

    def _reviewed(self, session: Session, given: Keyed) -> Step:
        if given.digits == "3":
            return self._record(session, (), 1)
        if given.digits == "2":
            # an absolute path is a sound of its own
            return Perform(self._ask((session.private[_PATH], *self.review)), attempt=1, phase=REVIEW)
        if given.digits in ("1", "#") or session.attempt >= self.attempts:
            return Go(self.next, outcome="recorded", told=self.leaves(session))
        before = self.wrong_input if given.digits else ()
        return Perform(self._ask((*before, *self.review)), attempt=session.attempt + 1, phase=REVIEW)

    def leaves(self, session: Session) -> tuple[Told, ...]:
        if session.phase != REVIEW:
            return ()
        return (Message(self.queue, session.private[_PATH], int(session.private[_SECONDS])),)

    def _record(self, session: Session, before: tuple[Spoken, ...], attempt: int) -> Perform:
        # said anew it takes the place of what was said before: one message of one visit
        name = f"{session.call_id}-{session.visits}"
        action = Record((*before, *self.prompts), name, self.longest_s, self.silence_s, self.beep)
        return Perform(action, attempt, forget=(_PATH, _SECONDS))

    def _ask(self, prompts: tuple[Spoken, ...]) -> Collect:
        return Collect(prompts, 1, 1, "none", self.timeout_s, self.timeout_s, secret=False)

    def claims(self, key: str, session: Session) -> bool:
        return session.phase == REVIEW and key in "123#"

    def says(self) -> tuple[Spoken, ...]:
        return (*self.prompts, *self.too_short, *self.review, *(self.wrong_input if self.review else ()))
