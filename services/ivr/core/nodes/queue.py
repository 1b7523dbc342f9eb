"""Wait for an agent."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from services.ivr.core.actions import ELSEWHERE, Input, JoinQueue, QueueLeft
from services.ivr.core.speech import Spoken
from services.ivr.core.steps import Finish, Go, NodeModel, Perform, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class QueueNode(NodeModel):
    """Puts the caller into ``queue`` with music, saying ``announcement`` every ``announce_every_s`` seconds.

    The session ends when an agent answers. A queue that refuses (full, unknown) or lets him go (waited too long) leads to
    ``on_refused`` and ``on_overflow``.
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
    on_refused: str
    on_overflow: str

    def step(self, session: Session, given: Input | None) -> Step:
        if isinstance(given, QueueLeft):
            if given.outcome == "answered":
                return Finish("answered_by_agent")
            if given.outcome == ELSEWHERE:
                return Finish("transferred")
            if given.outcome == "overflowed":
                return Go(self.on_overflow, outcome="overflowed")
            return Go(self.on_refused, outcome=f"refused {given.reason}".strip())
        return Perform(self._join(session))

    def _join(self, session: Session) -> JoinQueue:
        # the same visit gives the same entry, so that a replica that resumes here finds its place in the queue
        name = f"{session.session_id}/{session.at}/{session.visits}"
        return JoinQueue(
            entry_id=str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
            queue_id=self.queue,
            entered_at=(session.since or session.started_at).isoformat(),
            priority=self.priority,
            skills=self.skills,
            music=self.music,
            announcement=self.announcement,
            announce_every_s=self.announce_every_s,
        )
