"""What somebody is sent or connected to. Which numbers may be reached is decided by `ipcc.dialling`. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class TargetKind(StrEnum):
    """What somebody is sent or connected to."""

    NUMBER = "number"
    AGENT = "agent"
    PHONE = "phone"
    QUEUE = "queue"
    FLOW = "flow"


class Target(BaseModel):
    """A number outside (as dial rules allow), an agent at the phone he signed in at, a phone of ours, a queue, or a flow."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: TargetKind
    value: Annotated[str, Field(min_length=1, max_length=64)]
