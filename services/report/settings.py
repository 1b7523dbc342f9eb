"""What report is told."""

from __future__ import annotations

from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from ipcc.settings import PORTS, ServiceSettings


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone, such as Asia/Shanghai") from None
    return name


class ReportSettings(ServiceSettings):
    """Settings of the report server."""

    service: ClassVar[str] = "report"

    http_port: int = Field(PORTS["report"], ge=0, le=65535, description="Port of the REST API; 0 takes any free port.")
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "Asia/Shanghai", description="Time zone whose clock cuts the intervals."
    )
