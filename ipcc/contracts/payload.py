"""What every payload on the bus has in common."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from ipcc.contracts.topics import Topic


class Payload(BaseModel):
    """The ``data`` of an event. Unknown fields are ignored, meaning never changes in place: a change of meaning is a new version."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]
    TOPIC: ClassVar[Topic]
    VERSION: ClassVar[int] = 1

    def key(self) -> str:
        """The partition key: events with the same key keep their order."""
        raise NotImplementedError(type(self).__name__)
