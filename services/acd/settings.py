"""What acd is told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from ipcc.settings import PORTS, ServiceSettings


def _split(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class AcdSettings(ServiceSettings):
    """Settings of the routing server."""

    service: ClassVar[str] = "acd"

    http_port: int = Field(PORTS["acd"], ge=0, le=65535, description="Port of the REST API; 0 takes any free port.")
    domains: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = Field(
        ("default",), description="Routing domains this cluster serves, separated by commas."
    )
    switch_spool_dir: Path | None = Field(
        None, description="The spool folder as the switch sees it; the same as spool_dir unless told otherwise."
    )
    phone_domain: str = Field(
        "", description="SIP domain put behind a phone's name when it is dialled; empty leaves it to the switch."
    )
    join_timeout_s: float = Field(
        0.5,
        gt=0,
        le=4,
        description="After so long without word of the bridge both legs are looked up, in seconds. Measured: 0.04 to 0.06.",
    )
    look_every_s: float = Field(
        5.0, gt=0, le=300, description="What is believed is compared with every switch so often, in seconds."
    )
    snapshot_every: int = Field(
        500, ge=1, description="Events between two snapshots: bounds how much is read at a takeover."
    )
    inputs_dir: Path | None = Field(
        None,
        description="Folder for files of every input decided, for `ipcc replay`; they name callers. Empty: none are written.",
    )
    history_hours: float = Field(
        2.0, ge=0, le=168, description="How far back the reasons of offers are read at start, in hours."
    )
    history_contacts: int = Field(5_000, ge=1, description="So many contacts keep their story in memory.")

    @property
    def recordings_root(self) -> Path:
        """Where the switch writes recordings, as it sees it."""
        return self.switch_spool_dir or self.spool_dir.absolute()
