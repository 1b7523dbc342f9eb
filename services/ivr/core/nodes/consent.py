"""Ask the customer whether he agrees to what his agent has prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from services.ivr.core.actions import Collect, Input, Keyed
from services.ivr.core.speech import Spoken
from services.ivr.core.steps import Consent, Go, NodeModel, Perform, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session

AGREE, REFUSE = "1", "2"


class ConsentNode(NodeModel):
    """Says what has been prepared and takes key 1 for yes, 2 for no; nothing else is an answer, and silence is none.

    The answer is told as ``ipcc.ivr.consent_answered``: what it was ``about``, what was said, by which version of the flow. Ways out:
    ``next`` when he agreed; ``on_refused``; ``on_failure`` when he answered nothing in ``attempts``. A flow that agents may order
    asks the bank to move something, and shows its results, only behind ``next`` of such a node.
    """

    TAKES_INPUT: ClassVar[bool] = True

    kind: Literal["consent"]
    about: str = Field(pattern=r"^[a-z][a-z_]{0,31}$")
    prompts: tuple[Spoken, ...] = Field(min_length=1)
    attempts: int = Field(default=3, ge=1, le=9)
    timeout_s: int = Field(default=8, ge=1, le=60)
    wrong_input: tuple[Spoken, ...] = ("wrong-input",)
    no_input: tuple[Spoken, ...] = ("no-input",)
    next: str
    on_refused: str
    on_failure: str

    def step(self, session: Session, given: Input | None) -> Step:
        if not isinstance(given, Keyed):
            return self._ask((), 1)
        if given.digits == AGREE:
            return Go(self.next, outcome="agreed", told=(self._told("agreed"),))
        if given.digits == REFUSE:
            return Go(self.on_refused, outcome="refused", told=(self._told("refused"),))
        if session.attempt >= self.attempts:
            return Go(self.on_failure, outcome="failed", told=(self._told("no_answer"),))
        return self._ask(self.wrong_input if given.digits else self.no_input, session.attempt + 1)

    def leaves(self, session: Session) -> tuple[Consent, ...]:
        # hung up, or taken back: he has agreed to nothing
        return (self._told("no_answer"),)

    def claims(self, key: str, session: Session) -> bool:
        return key in (AGREE, REFUSE)

    def _told(self, outcome: str) -> Consent:
        return Consent(self.about, outcome, tuple(_kind_of(spoken) for spoken in self.prompts))

    def _ask(self, before: tuple[Spoken, ...], attempt: int) -> Perform:
        prompts = (*before, *self.prompts)
        return Perform(Collect(prompts, 1, 1, "none", self.timeout_s, self.timeout_s, secret=False), attempt)


def _kind_of(spoken: Spoken) -> str:
    """A prompt as it is, of a value its kind and variable: never the value."""
    if isinstance(spoken, str):
        return spoken
    return " ".join(f"{kind}={value}" for kind, value in spoken.model_dump().items() if value)
