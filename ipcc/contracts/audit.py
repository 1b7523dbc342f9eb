"""Acts of people and systems on what is live, told by the service that was asked; admin keeps them."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import AUDIT, Topic


class ActDone(Payload):
    """Somebody did, or wanted to do, something to an agent, a contact or a callback."""

    TYPE: ClassVar[str] = "ipcc.audit.act_done"
    TOPIC: ClassVar[Topic] = AUDIT

    actor: str = Field(description="the subject of his token")
    act: str = Field(description="what, such as force_state, move, pull, drop, order")
    kind: str = Field(description="of what it was done to: agent, entry, callback, contact, call")
    object_id: str
    outcome: str = Field(default="done", description="done, or the code of the refusal")
    details: dict[str, str] = Field(
        default_factory=dict, description="how: the state, queue or priority; of a customer's number the end at most"
    )

    def key(self) -> str:
        return f"{self.kind}/{self.object_id}"


AUDIT_PAYLOADS: tuple[type[Payload], ...] = (ActDone,)
