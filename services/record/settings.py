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
