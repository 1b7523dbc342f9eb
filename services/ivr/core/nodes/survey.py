"""Ask what the caller thinks of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.ivr.core.actions import Collect, Input, Keyed
from services.ivr.core.speech import Spoken
from services.ivr.core.steps import Go, NodeModel, Perform, Step, SurveyAnswer, Variable

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class Question(BaseModel):
    """One question, answered by a key from 1 to ``highest``."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: Variable
    prompts: tuple[Spoken, ...] = Field(min_length=1)
    highest: int = Field(default=3, ge=2, le=9)


class SurveyNode(NodeModel):
    """Asks ``questions`` one after the other; each answer is told at once (``ipcc.ivr.survey_answered``).

    A question not answered after ``attempts`` is passed over: a wrong key says ``wrong_input``, silence ``no_input`` first. Callers
    who hang up leave the answers they gave.
    """

    TAKES_INPUT: ClassVar[bool] = True

    kind: Literal["survey"]
    survey: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    questions: tuple[Question, ...] = Field(min_length=1, max_length=9)
    attempts: int = Field(default=2, ge=1, le=5)
    timeout_s: int = Field(default=5, ge=1, le=30)
    wrong_input: tuple[Spoken, ...] = ("wrong-input",)
    no_input: tuple[Spoken, ...] = ("no-input",)
    next: str

    def step(self, session: Session, given: Input | None) -> Step:
        at = int(session.phase or "0")
        if not isinstance(given, Keyed):
            return self._ask(0, (), 1)
        question = self.questions[at]
        valid = self._answers(question, given.digits)
        if not valid and session.attempt < self.attempts:
            return self._ask(at, self.wrong_input if given.digits else self.no_input, session.attempt + 1)
        told = (SurveyAnswer(self.survey, question.id, int(given.digits)),) if valid else ()
        if at + 1 == len(self.questions):
            return Go(self.next, outcome="answered" if valid else "passed", told=told)
        return self._ask(at + 1, (), 1, told)

    @staticmethod
    def _answers(question: Question, key: str) -> bool:
        return len(key) == 1 and "1" <= key <= str(question.highest)

    def claims(self, key: str, session: Session) -> bool:
        return self._answers(self.questions[int(session.phase or "0")], key)

    def _ask(self, at: int, before: tuple[Spoken, ...], attempt: int, told: tuple[SurveyAnswer, ...] = ()) -> Perform:
        action = Collect((*before, *self.questions[at].prompts), 1, 1, "none", self.timeout_s, self.timeout_s, False)
        return Perform(action, attempt, phase=str(at), told=told)

    def says(self) -> tuple[Spoken, ...]:
        return (*self.wrong_input, *self.no_input, *(p for question in self.questions for p in question.prompts))
