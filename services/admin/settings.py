"""What admin is told."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from ipcc.settings import PORTS
from ipcc.webhook_settings import WebhookSettings


class AdminSettings(WebhookSettings):
    """Settings of the administration."""

    service: ClassVar[str] = "admin"

    http_port: int = Field(PORTS["admin"], ge=0, le=65535, description="Port of the REST API; 0 takes any free port.")
    organisation_file: Path | None = Field(
        None,
        description="YAML document with organisation, users, queues, skills, phones and entry points; taken over at the "
        "start when it has changed since the last time. Without it only what was made over REST is in force.",
    )
