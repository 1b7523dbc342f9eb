"""What report is told."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ipcc.settings import PORTS, ServiceSettings


class ReportSettings(ServiceSettings):
    """Settings of the report server."""

    service: ClassVar[str] = "report"

    http_port: int = Field(PORTS["report"], ge=0, le=65535, description="Port of the REST API; 0 takes any free port.")
    timezone: str = Field("Asia/Shanghai", description="Time zone whose clock cuts the intervals.")
