"""Let the caller choose by saying it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.ivr.core.actions import Heard, Input, Keyed, Listen
from services.ivr.core.phrases import choose
from services.ivr.core.speech import Spoken
from services.ivr.core.steps import Go, Language, NodeModel, Perform, Step, SurveyAnswer

if TYPE_CHECKING:
    from services.ivr.core.session import Session

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
Phrase = Annotated[str, Field(min_length=1, max_length=60)]
Phrases = dict[Language, Annotated[tuple[Phrase, ...], Field(min_length=1, max_length=50)]]

YES, NO = "1", "2"
# what people answer who are asked whether they were heard aright
YES_OR_NO: Mapping[Language, Mapping[str, tuple[str, ...]]] = {
    "zh": {
        YES: ("是", "是的", "对", "对的", "没错", "正确", "好", "好的"),
        NO: ("不", "不是", "不对", "错", "错了", "没有"),
    },
    "en": {
        YES: ("yes", "yeah", "yep", "right", "correct", "okay", "sure"),
        NO: ("no", "nope", "wrong", "not right", "not correct", "incorrect"),
    },
}


class SpokenChoice(BaseModel):
    """What may be said for a choice, by language, and where it leads; ``key`` chooses it as well. ``named`` says what the choice is
    when it is asked back; ``answer`` is told when it is chosen at a question of a survey."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    phrases: Phrases
    key: str = Field(default="", pattern=r"^[0-9*]?$")
    named: tuple[Spoken, ...] = ()
    answer: int | None = Field(default=None, ge=1, le=9)
    next: str


class RecogniseNode(NodeModel):
    """Says its prompts, listens, and goes where the phrase of ``choices`` leads that was spoken.

    He is listened to until ``silence_s`` seconds of silence, # or ``longest_s``. What fits no choice, or was heard with less than
    ``confidence`` (0 to 1), says ``wrong_input``, silence says ``no_input``, and it is asked again, ``attempts`` times in all; then
    it goes to ``on_no_match`` or ``on_no_input``, or where these are empty to ``on_failure``. What was heard with less than
    ``confirm_below`` is asked back first: what the choice is (``named``), then ``confirm``. Yes, or 1, goes on; another choice may be
    said instead; anything else is a no, and he is asked anew. The ``key`` of a choice is taken at any moment. Without a recogniser,
    or with one that fails, nothing is said and it goes to ``on_unavailable`` at once: a menu by keys belongs there. The text that
    led to a choice, or was the last that fitted none, becomes ``variable``, if one is named: private, never told outside. With
    ``survey`` and ``question`` the ``answer`` of what he chose is told like one of a survey node.
    """

    TAKES_INPUT: ClassVar[bool] = True

    kind: Literal["recognise"]
    prompts: tuple[Spoken, ...] = Field(min_length=1)
    choices: dict[Name, SpokenChoice] = Field(min_length=1, max_length=50)
    confidence: float = Field(default=0.6, ge=0, le=1)
    confirm_below: float = Field(default=0, ge=0, le=1)
    confirm: tuple[Spoken, ...] = ("say-yes-or-no",)
    variable: str = Field(default="", pattern=r"^([a-z][a-z0-9_]{0,31})?$")
    survey: str = Field(default="", pattern=r"^([a-z0-9][a-z0-9-]{0,63})?$")
    question: str = Field(default="", pattern=r"^([a-z][a-z0-9_]{0,31})?$")
    attempts: int = Field(default=3, ge=1, le=9)
    longest_s: int = Field(default=10, ge=2, le=60)
    silence_s: int = Field(default=2, ge=1, le=5)
    wrong_input: tuple[Spoken, ...] = ("wrong-input",)
    no_input: tuple[Spoken, ...] = ("no-input",)
    on_no_input: str = ""
    on_no_match: str = ""
    on_unavailable: str
    on_failure: str

    def step(self, session: Session, given: Input | None) -> Step:
        if isinstance(given, Heard):
            return self._heard(session, given)
        if not isinstance(given, Keyed):
            return self._ask(session, (), 1)
        if name := self._by_key(given.digits, session):
            return self._chosen(name, f"key {given.digits}")
        # a 2 where he is asked back means no, and is no wrong key
        return self._again(session, () if session.phase and given.digits == NO else self.wrong_input)

    def claims(self, key: str, session: Session) -> bool:
        return bool(self._by_key(key, session)) or bool(session.phase and key == NO)

    def sets(self) -> tuple[str, ...]:
        return (self.variable,) if self.variable else ()

    def says(self) -> tuple[Spoken, ...]:
        asked_back = self.confirm if self.confirm_below else ()
        return (*super().says(), *asked_back, *(spoken for choice in self.choices.values() for spoken in choice.named))

    def _by_key(self, key: str, session: Session) -> str:
        """The choice a key stands for; where he is asked back ``session.phase`` names it, and 1 and 2 are yes and no."""
        if session.phase and key in (YES, NO):
            return session.phase if key == YES else ""
        return next((name for name, choice in self.choices.items() if key and choice.key == key), "")

    def _heard(self, session: Session, given: Heard) -> Step:
        if given.outcome == "unavailable":
            return Go(self.on_unavailable, outcome="unavailable")
        if given.outcome == "nothing":
            return self._again(session, self.no_input, is_silent=True)
        text = {self.variable: given.text} if self.variable else {}
        name = choose(given.text, self._phrases(session)) if given.confidence >= self.confidence else ""
        if session.phase and name in ("", session.phase):
            return self._answered_back(session, given, said_again=bool(name))
        if name and given.confidence < self.confirm_below:
            return self._ask_back(session, name, text)
        if name:
            return self._chosen(name, f"said {name}", text)
        return self._again(session, self.wrong_input, text)

    def _ask_back(self, session: Session, name: str, text: Mapping[str, str]) -> Step:
        # one who is asked back and says something else, unclear again, must not be asked back for ever
        attempt = session.attempt + bool(session.phase)
        if attempt > self.attempts:
            return self._again(session, self.wrong_input, text)
        more = tuple(phrase for phrases in YES_OR_NO[_language(session)].values() for phrase in phrases)
        action = self._listen(session, (*self.choices[name].named, *self.confirm), more)
        return Perform(action, attempt, phase=name, private=text)

    def _answered_back(self, session: Session, given: Heard, *, said_again: bool) -> Step:
        """What he said to being asked back; the text of the choice is known already."""
        answer = choose(given.text, YES_OR_NO[_language(session)]) if given.confidence >= self.confidence else ""
        if answer == YES or (said_again and not answer):
            return self._chosen(session.phase, f"said {session.phase}")
        return self._again(session, () if answer == NO else self.wrong_input)

    def _chosen(self, name: str, outcome: str, text: Mapping[str, str] | None = None) -> Go:
        choice = self.choices[name]
        is_answer = self.survey and self.question and choice.answer is not None
        told = (SurveyAnswer(self.survey, self.question, choice.answer or 0),) if is_answer else ()
        return Go(choice.next, outcome=outcome, private=text or {}, told=told)

    def _again(
        self,
        session: Session,
        before: tuple[Spoken, ...],
        text: Mapping[str, str] | None = None,
        *,
        is_silent: bool = False,
    ) -> Step:
        if session.attempt < self.attempts:
            return self._ask(session, before, session.attempt + 1)
        way = self.on_no_input if is_silent else self.on_no_match
        return Go(way or self.on_failure, outcome="no input" if is_silent else "no match", private=text or {})

    def _ask(self, session: Session, before: tuple[Spoken, ...], attempt: int) -> Perform:
        return Perform(self._listen(session, (*before, *self.prompts)), attempt)

    def _listen(self, session: Session, prompts: tuple[Spoken, ...], more: tuple[str, ...] = ()) -> Listen:
        hints = tuple(phrase for phrases in self._phrases(session).values() for phrase in phrases)
        return Listen(prompts, (*hints, *more), self.longest_s, self.silence_s)

    def _phrases(self, session: Session) -> dict[str, tuple[str, ...]]:
        return {name: choice.phrases.get(_language(session), ()) for name, choice in self.choices.items()}


def _language(session: Session) -> Language:
    return "en" if session.language == "en" else "zh"
