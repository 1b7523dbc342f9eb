"""What outbound is told."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ipcc.settings import PORTS, ServiceSettings


class OutboundSettings(ServiceSettings):
    """Settings of the outbound server."""

    service: ClassVar[str] = "outbound"

    http_port: int = Field(
        PORTS["outbound"], ge=0, le=65535, description="Port of the REST API; 0 takes any free port."
    )
    gateway: str = Field(
        "demo",
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="SIP gateway of the switch that customers are dialled through.",
    )
    caller_number: str = Field(
        "95500", pattern=r"^\+?[0-9]{2,20}$", description="The bank's number shown to customers."
    )
    sounds_dir: str = Field(
        "/usr/share/ipcc/sounds",
        description="Folder of the prompts as the switch sees it; below it <language>.",
    )
    ring_s: int = Field(30, ge=5, le=120, description="How long a customer's phone rings, in seconds.")
    attempts: int = Field(3, ge=1, le=10, description="How often a notification is tried at most.")
    retry_after_s: float = Field(300, ge=1, le=86_400, description="How long until the next attempt, in seconds.")
    most_at_once: int = Field(20, ge=1, le=500, description="Attempts in progress at once in this replica.")
