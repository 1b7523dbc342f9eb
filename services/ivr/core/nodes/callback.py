"""Offer to be called back."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from services.ivr.core.actions import AskCallback, CallbackAsked, Collect, Input, Keyed
from services.ivr.core.nodes.queue import DIALABLE
from services.ivr.core.speech import Spoken
from services.ivr.core.steps import Go, NodeModel, Perform, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class CallbackNode(NodeModel):
    """Offers that the agents of ``queue`` call the caller back: key 1 at the number he calls from, key 2 at another, which he is
    asked for; where his own is not known he is asked at once. He has not waited before, and his wait clock begins here; for
    whoever waits in a queue already there is the ``callback_key`` of the queue node.

    Ways out: ``next`` when it is promised; ``on_declined`` when he keys neither in ``attempts``; ``on_refused`` when the queue calls
    nobody back, or this number already; ``on_unavailable`` when nobody can tell whether it was taken.
    """

    TAKES_INPUT: ClassVar[bool] = True

    kind: Literal["callback"]
    queue: str
    priority: int = Field(default=5, ge=1, le=10)
    skills: dict[str, int] = Field(default_factory=dict)
    prompts: tuple[Spoken, ...] = ("callback-where",)
    ask_number: tuple[Spoken, ...] = ("enter-phone",)
    attempts: int = Field(default=3, ge=1, le=9)
    timeout_s: int = Field(default=8, ge=1, le=60)
    wrong_input: tuple[Spoken, ...] = ("wrong-input",)
    no_input: tuple[Spoken, ...] = ("no-input",)
    next: str
    on_declined: str
    on_refused: str
    on_unavailable: str

    def step(self, session: Session, given: Input | None) -> Step:
        if isinstance(given, CallbackAsked):
            ways = {"taken": self.next, "refused": self.on_refused}
            return Go(ways.get(given.outcome, self.on_unavailable), outcome=f"{given.outcome} {given.reason}".strip())
        if not isinstance(given, Keyed):
            return self._ask("where" if DIALABLE.fullmatch(session.caller_number) else "number", (), 1)
        if session.phase == "where" and given.digits == "1":
            return self._request(session, "")
        if session.phase == "where" and given.digits == "2":
            return self._ask("number", (), 1)
        if session.phase == "number" and DIALABLE.fullmatch(given.digits):
            return self._request(session, given.digits)
        if session.attempt >= self.attempts:
            return Go(self.on_declined, outcome="declined")
        return self._ask(session.phase, self.wrong_input if given.digits else self.no_input, session.attempt + 1)

    def _ask(self, what: str, before: tuple[Spoken, ...], attempt: int) -> Perform:
        prompts, most, ends = (self.prompts, 1, "none") if what == "where" else (self.ask_number, 20, "#")
        return Perform(Collect((*before, *prompts), 1, most, ends, self.timeout_s, 4, secret=True), attempt, phase=what)

    def _request(self, session: Session, number: str) -> Perform:
        # the same visit gives the same entry: asked again after a replica has died it is one callback
        name = f"{session.session_id}/{session.at}/{session.visits}"
        wanted = AskCallback(
            entry_id=str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
            queue_id=self.queue,
            phone_number=number,
            is_new=True,
            entered_at=(session.since or session.started_at).isoformat(),
            priority=self.priority,
            skills=self.skills,
        )
        return Perform(wanted, session.attempt, phase=session.phase)

    def claims(self, key: str, session: Session) -> bool:
        return session.phase == "where" and key in "12"

    def says(self) -> tuple[Spoken, ...]:
        return (*self.prompts, *self.ask_number, *self.wrong_input, *self.no_input)
