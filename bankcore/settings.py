"""What the stand-in is told."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ipcc.settings import PORTS, ServiceSettings


class BankSettings(ServiceSettings):
    """Settings of the stand-in; ``bankcore_token`` is the token it asks of its callers, any caller may come when there is none."""

    service: ClassVar[str] = "bankcore"

    http_port: int = Field(
        PORTS["bankcore"], ge=0, le=65535, description="Port of the contract; 0 takes any free port."
    )
