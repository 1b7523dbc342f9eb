"""What monitor is told."""

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


class MonitorSettings(ServiceSettings):
    """Settings of the live-statistics server."""

    service: ClassVar[str] = "monitor"

    http_port: int = Field(PORTS["monitor"], ge=0, le=65535, description="Port of the REST API; 0 takes any free port.")
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "Asia/Shanghai", description="Time zone of the bank's day; counts begin anew at its midnight."
    )
    publish_every_s: float = Field(
        0.1, gt=0, le=5, description="At most this often a changed board is sent to the wallboards, in seconds."
    )
