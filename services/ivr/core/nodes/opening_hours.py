"""Choose the way by the time of day."""

from __future__ import annotations

from datetime import date, time
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.ivr.core.actions import Input
from services.ivr.core.steps import Go, NodeModel, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class Span(BaseModel):
    """Open on these weekdays (1 Monday to 7 Sunday) from ``begin`` to before ``end``, such as 08:30 to 17:00."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    days: tuple[Annotated[int, Field(ge=1, le=7)], ...] = Field(min_length=1)
    begin: time
    end: time


class OpeningHoursNode(NodeModel):
    """``next`` while one of ``open`` holds in ``timezone``, else ``on_closed``; on ``holidays`` ``on_holiday`` (else ``on_closed``)."""

    kind: Literal["opening_hours"]
    timezone: str = "Asia/Shanghai"
    open: tuple[Span, ...] = Field(min_length=1)
    holidays: tuple[date, ...] = ()
    next: str
    on_closed: str
    on_holiday: str = ""

    @field_validator("timezone")
    @classmethod
    def _exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"there is no time zone {value}") from error
        return value

    def step(self, session: Session, given: Input | None) -> Step:
        # the moment the session came here
        now = (session.since or session.started_at).astimezone(ZoneInfo(self.timezone))
        if now.date() in self.holidays:
            return Go(self.on_holiday or self.on_closed, outcome="holiday")
        is_open = any(now.isoweekday() in span.days and span.begin <= now.time() < span.end for span in self.open)
        return Go(self.next if is_open else self.on_closed, outcome="open" if is_open else "closed")
