"""What record is told."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from ipcc.settings import PORTS, ServiceSettings


class RecordSettings(ServiceSettings):
    """Settings of the recording server."""

    service: ClassVar[str] = "record"

    http_port: int = Field(PORTS["record"], ge=0, le=65535, description="Port of the REST API; 0 takes any free port.")
    store_dir: Path = Field(Path("var/recordings"), description="Folder where checked recordings are kept.")
    voicemail_queue: str = Field(
        "",
        max_length=64,
        description="Queue whose agents are told of messages that no flow had a queue for, such as those of the safety net. "
        "Empty: supervisors alone see them.",
    )
    voicemail_hold_s: int = Field(
        14_400,
        ge=60,
        le=2_678_400,
        description="So long an agent may have a voicemail before it goes back to the others of its queue by itself, in seconds: "
        "half a shift, so that none is forgotten in the pocket of somebody who went home.",
    )
    message_speech_s: float = Field(
        0.5,
        ge=0,
        le=60,
        description="A message in which less than this is louder than silence was left by nobody, in seconds: a word takes half a one.",
    )
