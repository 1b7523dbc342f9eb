"""What monitor is told."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ipcc.settings import PORTS, ServiceSettings


class MonitorSettings(ServiceSettings):
    """Settings of the live-statistics server."""

    service: ClassVar[str] = "monitor"

    http_port: int = Field(PORTS["monitor"], ge=0, le=65535, description="Port of the REST API; 0 takes any free port.")
    timezone: str = Field(
        "Asia/Shanghai", description="Time zone of the bank's day; counts begin anew at its midnight."
    )
    publish_every_s: float = Field(
        0.1, gt=0, le=5, description="At most this often a changed board is sent to the wallboards, in seconds."
    )
