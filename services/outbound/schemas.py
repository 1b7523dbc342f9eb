"""Bodies of outbound's REST API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

PromptId = Annotated[str, Field(pattern=r"^([a-z]+/)?[a-z0-9][a-z0-9-]{0,63}$")]


class NotificationOrder(BaseModel):
    """One notification. ``notification_id`` is the bank's own: repeating the order with it changes nothing."""

    model_config = ConfigDict(extra="forbid")

    notification_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    phone_number: str
    prompts: Annotated[list[PromptId], Field(min_length=1, max_length=50)]
    language: Literal["zh", "en"] = "zh"
    reference: Annotated[str, Field(max_length=80)] = ""
    not_after: AwareDatetime | None = None


class NotificationView(BaseModel):
    """A notification; ``state`` is waiting, dialling or done, ``outcome`` how it ended."""

    model_config = ConfigDict(from_attributes=True)

    notification_id: str
    reference: str
    state: str
    outcome: str
    attempts: int
    ordered_at: datetime
    next_at: datetime
