"""Take a number from the caller: a card, a password, an amount."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, field_validator

from services.ivr.core.actions import Collect, Input, Keyed, KeyedKind
from services.ivr.core.speech import Spoken
from services.ivr.core.steps import Go, NodeModel, Perform, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class CollectNode(NodeModel):
    """Says its prompts and takes ``min_digits`` to ``max_digits`` digits into ``variable``.

    A ``secret`` one lives in the session only: it is wiped on the switch at once, never in an event, a log or a place. A
    ``private`` one may be said to the caller and compared, and is kept out of topics and from agents just the same.
    ``agent_key`` (such as 0), keyed alone, goes to ``on_agent``. With ``same_as`` what is keyed must be what that variable holds
    (a new password keyed twice); else it goes to ``on_differs``.
    """

    TAKES_INPUT: ClassVar[bool] = True

    kind: Literal["collect"]
    prompts: tuple[Spoken, ...] = Field(min_length=1)
    variable: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")
    secret: bool = False
    private: bool = False
    min_digits: int = Field(ge=1, le=40)
    max_digits: int = Field(ge=1, le=40)
    terminators: str = Field(default="#", pattern=r"^(none|[*#]{1,2})$")
    pattern: str = r"\d+"
    attempts: int = Field(default=3, ge=1, le=9)
    timeout_s: int = Field(default=8, ge=1, le=60)
    between_digits_s: int = Field(default=4, ge=1, le=60)
    wrong_input: tuple[Spoken, ...] = ("wrong-input",)
    no_input: tuple[Spoken, ...] = ("no-input",)
    next: str
    on_failure: str
    agent_key: str = Field(default="", pattern=r"^[0-9*]?$")
    on_agent: str = ""
    same_as: str = Field(default="", pattern=r"^([a-z][a-z0-9_]{0,31})?$")
    on_differs: str = ""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        re.compile(value)
        return value

    def step(self, session: Session, given: Input | None) -> Step:
        if not isinstance(given, Keyed):
            return self._ask((), 1)
        if self.agent_key and given.digits == self.agent_key:
            return Go(self.on_agent, outcome="agent")
        if given.kind is KeyedKind.DIGITS and self._fits(given.digits):
            if self.same_as and given.digits != session.known(self.same_as):
                return Go(self.on_differs, outcome="differs", forget=(self.same_as,))
            keyed = {self.variable: given.digits}
            if self.secret:
                return Go(self.next, outcome="keyed", secrets=keyed)
            if self.private:
                return Go(self.next, outcome="keyed", private=keyed)
            return Go(self.next, outcome="keyed", variables=keyed)
        if session.attempt >= self.attempts:
            return Go(self.on_failure, outcome="failed")
        return self._ask(self.wrong_input if given.digits else self.no_input, session.attempt + 1)

    def _fits(self, digits: str) -> bool:
        return self.min_digits <= len(digits) <= self.max_digits and re.fullmatch(self.pattern, digits) is not None

    def claims(self, key: str, session: Session) -> bool:
        return key == self.agent_key or self._fits(key)

    def _ask(self, before: tuple[Spoken, ...], attempt: int) -> Perform:
        action = Collect(
            prompts=(*before, *self.prompts),
            # a shorter input must come back to be judged: the agent key, or a number keyed wrong and ended with #
            min_digits=1,
            max_digits=self.max_digits,
            terminators=self.terminators,
            first_digit_s=self.timeout_s,
            between_digits_s=self.between_digits_s,
            secret=self.secret or self.private,
        )
        return Perform(action, attempt)

    def needs(self) -> tuple[str, ...]:
        return (*super().needs(), self.same_as) if self.same_as else super().needs()

    def sets(self) -> tuple[str, ...]:
        return () if self.secret else (self.variable,)
