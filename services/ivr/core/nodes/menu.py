"""Let the caller choose by one key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.ivr.core.actions import Collect, Input, Keyed, KeyedKind
from services.ivr.core.speech import Spoken
from services.ivr.core.steps import Go, NodeModel, Perform, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session

Key = Annotated[str, Field(pattern=r"^[0-9*#]$")]


class Choice(BaseModel):
    """Where a key leads; ``language`` changes the session's language on the way."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    next: str
    language: Literal["zh", "en"] | None = None


class MenuNode(NodeModel):
    """Says its prompts and waits for one of the keys of ``choices``.

    A wrong key says ``wrong_input``, silence says ``no_input``, and the menu is said again, ``attempts`` times in all; then
    it goes to ``on_failure``. Keys are taken while it is said.
    """

    TAKES_INPUT: ClassVar[bool] = True

    kind: Literal["menu"]
    prompts: tuple[Spoken, ...] = Field(min_length=1)
    choices: dict[Key, Choice] = Field(min_length=1)
    attempts: int = Field(default=3, ge=1, le=9)
    timeout_s: int = Field(default=5, ge=1, le=60)
    wrong_input: tuple[Spoken, ...] = ("wrong-input",)
    no_input: tuple[Spoken, ...] = ("no-input",)
    on_failure: str

    def step(self, session: Session, given: Input | None) -> Step:
        if not isinstance(given, Keyed):
            return self._ask((), 1)
        choice = self.choices.get(given.digits) if given.kind is KeyedKind.DIGITS else None
        if choice is not None:
            return Go(choice.next, outcome=f"key {given.digits}", language=choice.language or "")
        if session.attempt >= self.attempts:
            return Go(self.on_failure, outcome="failed")
        return self._ask(self.wrong_input if given.digits else self.no_input, session.attempt + 1)

    def claims(self, key: str, session: Session) -> bool:
        return key in self.choices

    def _ask(self, before: tuple[Spoken, ...], attempt: int) -> Perform:
        action = Collect(
            prompts=(*before, *self.prompts),
            min_digits=1,
            max_digits=1,
            terminators="none",
            first_digit_s=self.timeout_s,
            between_digits_s=self.timeout_s,
            secret=False,
        )
        return Perform(action, attempt)
