"""Answers to commands. They go to the partition of the asker; the correlation id in the headers is the command's id."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import REPLY, Topic


class CommandDone(Payload):
    """It was done; ``result`` is what the command promises."""

    TYPE: ClassVar[str] = "ipcc.reply.done"
    TOPIC: ClassVar[Topic] = REPLY

    asker: str
    result: dict[str, Any] = Field(default_factory=dict)

    def key(self) -> str:
        return self.asker


class CommandFailed(Payload):
    """It was not done; the fields are those of the error tree, ``error`` the name of its class."""

    TYPE: ClassVar[str] = "ipcc.reply.failed"
    TOPIC: ClassVar[Topic] = REPLY

    asker: str
    code: str
    message: str
    status: int
    error: str = "IpccError"
    details: dict[str, Any] = Field(default_factory=dict)

    def key(self) -> str:
        return self.asker


REPLY_PAYLOADS: tuple[type[Payload], ...] = (CommandDone, CommandFailed)
