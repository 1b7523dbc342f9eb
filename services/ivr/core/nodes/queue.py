"""Wait for an agent."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from services.ivr.core.actions import (
    CALLBACK,
    ELSEWHERE,
    AskCallback,
    CallbackAsked,
    Collect,
    Input,
    JoinQueue,
    Keyed,
    QueueKeyed,
    QueueLeft,
)
from services.ivr.core.speech import Spoken
from services.ivr.core.steps import Finish, Go, NodeModel, Perform, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session

DIALABLE = re.compile(r"\+?[0-9]{5,20}")
_ATTEMPTS = 3


class QueueNode(NodeModel):
    """Puts the caller into ``queue`` with music, saying ``announcement`` every ``announce_every_s`` seconds.

    The session ends when an agent answers. A queue that refuses (full, unknown) or lets him go (waited too long) leads to
    ``on_refused`` and ``on_overflow``. With ``callback_key``, which the announcement should tell of, he keeps his place and is
    called back (``on_callback``) at the number he calls from; where that is unknown he is asked for one. When the queue cannot
    call back he hears ``callback_refused`` and waits on.
    """

    TAKES_INPUT: ClassVar[bool] = True
    IS_END: ClassVar[bool] = True

    kind: Literal["queue"]
    queue: str
    priority: int = Field(default=5, ge=1, le=10)
    skills: dict[str, int] = Field(default_factory=dict)
    music: str = "local_stream://ipcc"
    announcement: tuple[Spoken, ...] = ("please-wait",)
    announce_every_s: int = Field(default=20, ge=5, le=600)
    callback_key: str = Field(default="", pattern=r"^[0-9*#]?$")
    ask_number: tuple[Spoken, ...] = ("enter-phone",)
    callback_refused: tuple[Spoken, ...] = ("callback-not-now",)
    on_callback: str = ""
    on_refused: str
    on_overflow: str

    @model_validator(mode="after")
    def _has_a_way_for_its_key(self) -> Self:
        if bool(self.callback_key) != bool(self.on_callback):
            raise ValueError("callback_key and on_callback go together")
        return self

    def step(self, session: Session, given: Input | None) -> Step:
        if isinstance(given, QueueLeft):
            return self._left(given)
        if isinstance(given, QueueKeyed):
            return self._wants_callback(session, given)
        if isinstance(given, Keyed):
            return self._numbered(session, given)
        if isinstance(given, CallbackAsked):
            if given.outcome == "taken":
                return Go(self.on_callback, outcome="callback")
            return Perform(replace(self._join(session), first=self.callback_refused))
        return Perform(self._join(session))

    def _left(self, given: QueueLeft) -> Step:
        if given.outcome == "answered":
            return Finish("answered_by_agent")
        if given.outcome == ELSEWHERE:
            return Finish("transferred")
        if given.outcome == CALLBACK:
            return Go(self.on_callback or self.on_overflow, outcome="callback")
        if given.outcome == "overflowed":
            return Go(self.on_overflow, outcome="overflowed")
        return Go(self.on_refused, outcome=f"refused {given.reason}".strip())

    def _wants_callback(self, session: Session, given: QueueKeyed) -> Step:
        if DIALABLE.fullmatch(session.caller_number):
            return Perform(AskCallback(self._entry_id(session), self.queue))
        if given.is_offered:
            # he would be asked for his number while an agent is about to be joined to him
            return Perform(self._join(session))
        return self._ask(self.ask_number, 1)

    def _numbered(self, session: Session, given: Keyed) -> Step:
        if DIALABLE.fullmatch(given.digits):
            return Perform(AskCallback(self._entry_id(session), self.queue, given.digits))
        if not given.digits or session.attempt >= _ATTEMPTS:
            # silent, or cut off by the agent he was joined to: what has become of him is found where he waits
            return Perform(self._join(session))
        return self._ask(("wrong-input", *self.ask_number), session.attempt + 1)

    @staticmethod
    def _ask(prompts: tuple[Spoken, ...], attempt: int) -> Perform:
        return Perform(Collect(prompts, 1, 20, "#", 8, 4, secret=True), attempt, phase="number")

    @staticmethod
    def _entry_id(session: Session) -> str:
        # the same visit gives the same entry, so that a replica that resumes here finds its place in the queue
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{session.session_id}/{session.at}/{session.visits}"))

    def _join(self, session: Session) -> JoinQueue:
        return JoinQueue(
            entry_id=self._entry_id(session),
            queue_id=self.queue,
            entered_at=(session.since or session.started_at).isoformat(),
            priority=self.priority,
            skills=self.skills,
            music=self.music,
            announcement=self.announcement,
            announce_every_s=self.announce_every_s,
            keys=self.callback_key,
        )

    def says(self) -> tuple[Spoken, ...]:
        return (*self.announcement, *((*self.ask_number, *self.callback_refused) if self.callback_key else ()))
