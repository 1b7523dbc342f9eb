"""Find out who calls, and have him prove it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from services.ivr.core.actions import BankAnswer, CallBank, Collect, Input, Keyed
from services.ivr.core.speech import Spoken
from services.ivr.core.steps import NOT, VERIFIED, Go, NodeModel, Perform, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session

NUMBER = "card_no"
SHOWN = ("customer_id", "card_tail", "segment", "access", "contracted")


class IdentifyNode(NodeModel):
    """Asks for a card, account or customer number (``min_digits`` to ``max_digits``) and the password, and has the bank check
    both. The number stays as the secret ``card_no``; the password is gone as soon as it is checked.

    Each of the two is asked ``attempts`` times; the bank counts wrong passwords itself and locks: ``on_locked``. Known after it:
    ``customer_id``, ``card_tail``, ``segment``, ``access`` (card, passbook, contract or company), ``contracted`` (yes, no) and
    ``verified``. ``agent_key``, keyed alone, goes to ``on_agent``.

    Whoever is asked anew is nobody until he has proved it: what an earlier check had found is wiped as the question begins,
    and ``verified`` is no until this one is passed, whatever way he leaves by.
    """

    TAKES_INPUT: ClassVar[bool] = True

    kind: Literal["identify"]
    ask_number: tuple[Spoken, ...] = ("enter-card",)
    ask_password: tuple[Spoken, ...] = ("enter-pin",)
    not_found: tuple[Spoken, ...] = ("card-not-found",)
    wrong_password: tuple[Spoken, ...] = ("wrong-pin",)
    no_input: tuple[Spoken, ...] = ("no-input",)
    wrong_input: tuple[Spoken, ...] = ("wrong-input",)
    min_digits: int = Field(default=8, ge=4, le=19)
    max_digits: int = Field(default=19, ge=4, le=19)
    attempts: int = Field(default=3, ge=1, le=9)
    timeout_s: int = Field(default=8, ge=1, le=60)
    agent_key: str = Field(default="", pattern=r"^[0-9*]?$")
    next: str
    on_failure: str
    on_locked: str
    on_blocked: str
    on_unavailable: str
    on_agent: str = ""

    def step(self, session: Session, given: Input | None) -> Step:
        if isinstance(given, Keyed):
            return self._keyed(session, given)
        if isinstance(given, BankAnswer):
            return self._answered(session, given)
        return replace(self._ask("number", (), 1), variables={VERIFIED: NOT}, forget=(*SHOWN, VERIFIED, NUMBER))

    def _keyed(self, session: Session, given: Keyed) -> Step:
        if self.agent_key and given.digits == self.agent_key:
            return self._leave(self.on_agent, "agent")
        what = session.phase
        least, most = (self.min_digits, self.max_digits) if what == "number" else (6, 6)
        if not (given.digits.isdecimal() and least <= len(given.digits) <= most):
            return self._again(session, what, self.wrong_input if given.digits else self.no_input)
        if what == "number":
            call = CallBank("identify", {NUMBER: given.digits})
            return Perform(call, session.attempt, phase="number", secrets={NUMBER: given.digits})
        inputs = {NUMBER: session.known(NUMBER) or "", "pin": given.digits}
        # the password is in this one action and nowhere else
        return Perform(CallBank("verify_pin", inputs), session.attempt, phase="password")

    def _answered(self, session: Session, given: BankAnswer) -> Step:
        if given.outcome not in ("ok", "refused"):
            return self._leave(self.on_unavailable, given.outcome)
        if given.outcome == "refused":
            return self._refused(session, given.code)
        if session.phase == "number":
            return self._ask("password", (), 1, {"_" + name: given.values.get(name, "") for name in SHOWN})
        known = {name: session.known("_" + name) or "" for name in SHOWN}
        return Go(self.next, outcome="verified", variables={**known, VERIFIED: "yes"})

    def _refused(self, session: Session, code: str) -> Step:
        if code == "pin_locked":
            return self._leave(self.on_locked, "locked")
        if code == "card_blocked":
            return self._leave(self.on_blocked, "blocked")
        why = self.not_found if session.phase == "number" else self.wrong_password
        return self._again(session, session.phase, why)

    def _again(self, session: Session, what: str, why: tuple[Spoken, ...]) -> Step:
        if session.attempt >= self.attempts:
            return self._leave(self.on_failure, f"failed {what}")
        return self._ask(what, why, session.attempt + 1)

    def _leave(self, target: str, outcome: str) -> Go:
        """He goes on unproved: the number he keyed, which may be another's, is not his to ask about."""
        return Go(target, outcome=outcome, forget=(NUMBER,))

    def _ask(self, what: str, before: tuple[Spoken, ...], attempt: int, found: dict[str, str] | None = None) -> Perform:
        prompts = self.ask_number if what == "number" else self.ask_password
        most = self.max_digits if what == "number" else 6
        action = Collect((*before, *prompts), 1, most, "#", self.timeout_s, 4, secret=True)
        return Perform(action, attempt, phase=what, private=found or {})

    def claims(self, key: str, session: Session) -> bool:
        return key == self.agent_key

    def sets(self) -> tuple[str, ...]:
        return (*SHOWN, VERIFIED)

    def says(self) -> tuple[Spoken, ...]:
        asked = (*self.ask_number, *self.ask_password, *self.not_found, *self.wrong_password)
        return (*asked, *self.no_input, *self.wrong_input)
