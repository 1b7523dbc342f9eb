"""Let the caller choose by saying it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.ivr.core.actions import Heard, Input, Keyed, KeyedKind, Listen
from services.ivr.core.phrases import choose
from services.ivr.core.speech import Spoken
from services.ivr.core.steps import Go, Language, NodeModel, Perform, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
Phrase = Annotated[str, Field(min_length=1, max_length=60)]


class SpokenChoice(BaseModel):
    """What may be said for a choice, by language, and where it leads; ``key`` chooses it as well."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    phrases: dict[Language, Annotated[tuple[Phrase, ...], Field(min_length=1, max_length=50)]]
    key: str = Field(default="", pattern=r"^[0-9*]?$")
    next: str


class RecogniseNode(NodeModel):
    """Says its prompts, listens, and goes where the phrase of ``choices`` leads that was spoken.

    He is listened to until ``silence_s`` seconds of silence, # or ``longest_s``. What fits no choice, or was heard with less than
    ``confidence`` (0 to 1), says ``wrong_input``, silence says ``no_input``, and it is asked again, ``attempts`` times in all; then
    it goes to ``on_no_match`` or ``on_no_input``, or where these are empty to ``on_failure``. The ``key`` of a choice is taken at
    any moment. Without a recogniser, or with one that fails, nothing is said and it goes to ``on_unavailable`` at once: a menu by
    keys belongs there. The text that led to a choice, or was the last that fitted none, becomes ``variable``, if one is named:
    private, never told outside.
    """

    TAKES_INPUT: ClassVar[bool] = True

    kind: Literal["recognise"]
    prompts: tuple[Spoken, ...] = Field(min_length=1)
    choices: dict[Name, SpokenChoice] = Field(min_length=1, max_length=50)
    confidence: float = Field(default=0.6, ge=0, le=1)
    variable: str = Field(default="", pattern=r"^([a-z][a-z0-9_]{0,31})?$")
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
        if given.kind is KeyedKind.DIGITS and (name := self._by_key(given.digits)):
            return Go(self.choices[name].next, outcome=f"key {given.digits}")
        return self._again(session, self.wrong_input, self.on_no_match)

    def claims(self, key: str, session: Session) -> bool:
        return bool(self._by_key(key))

    def sets(self) -> tuple[str, ...]:
        return (self.variable,) if self.variable else ()

    def _by_key(self, key: str) -> str:
        return next((name for name, choice in self.choices.items() if key and choice.key == key), "")

    def _heard(self, session: Session, given: Heard) -> Step:
        if given.outcome == "unavailable":
            return Go(self.on_unavailable, outcome="unavailable")
        if given.outcome == "nothing":
            return self._again(session, self.no_input, self.on_no_input)
        text = {self.variable: given.text} if self.variable else {}
        name = choose(given.text, self._phrases(session)) if given.confidence >= self.confidence else ""
        if name:
            return Go(self.choices[name].next, outcome=f"said {name}", private=text)
        return self._again(session, self.wrong_input, self.on_no_match, text)

    def _again(
        self, session: Session, before: tuple[Spoken, ...], way: str, text: dict[str, str] | None = None
    ) -> Step:
        if session.attempt < self.attempts:
            return self._ask(session, before, session.attempt + 1)
        outcome = "no match" if before == self.wrong_input else "no input"
        return Go(way or self.on_failure, outcome=outcome, private=text or {})

    def _ask(self, session: Session, before: tuple[Spoken, ...], attempt: int) -> Perform:
        hints = tuple(phrase for phrases in self._phrases(session).values() for phrase in phrases)
        action = Listen((*before, *self.prompts), hints, self.longest_s, self.silence_s)
        return Perform(action, attempt)

    def _phrases(self, session: Session) -> dict[str, tuple[str, ...]]:
        language: Language = "en" if session.language == "en" else "zh"
        return {name: choice.phrases.get(language, ()) for name, choice in self.choices.items()}
