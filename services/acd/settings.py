"""What acd is told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from ipcc.phone_settings import PhoneSettings
from ipcc.settings import PORTS


def _split(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class AcdSettings(PhoneSettings):
    """Settings of the routing server."""

    service: ClassVar[str] = "acd"

    http_port: int = Field(PORTS["acd"], ge=0, le=65535, description="Port of the REST API; 0 takes any free port.")
    domains: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = Field(
        ("default",), description="Routing domains this cluster serves, separated by commas."
    )
    gateway: str = Field(
        "demo",
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="SIP gateway of the switch that customers are called back through.",
    )
    sounds_dir: str = Field(
        "/usr/share/ipcc/sounds",
        description="Folder of the prompts as the switch sees it; below it <language>.",
    )
    callback_net_s: int = Field(
        180,
        ge=30,
        le=3600,
        description="A customer who was called back and is with nobody after so many seconds is given to the safety net.",
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
