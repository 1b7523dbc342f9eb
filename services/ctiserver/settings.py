"""What ctiserver is told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from ipcc.contracts.config import DialRule
from ipcc.ids import NodeId
from ipcc.order_settings import OrderSettings
from ipcc.phone_settings import PhoneSettings
from ipcc.settings import PORTS
from ipcc.webhook_settings import WebhookSettings
from services.ctiserver.presence import SecondDesktop
from services.ctiserver.webhooks import WebhookSetting


class CtiSettings(PhoneSettings, WebhookSettings, OrderSettings):
    """Settings of the CTI server."""

    service: ClassVar[str] = "ctiserver"

    http_port: int = Field(
        PORTS["ctiserver"], ge=0, le=65535, description="Port of the REST API; 0 takes any free port."
    )
    look_every_s: float = Field(
        5.0,
        gt=0,
        le=300,
        description="Every so often what is believed of a switch is compared with what it shows, in seconds.",
    )
    look_again_s: float = Field(
        1.0,
        gt=0,
        le=60,
        description="After a look that found a difference the next follows so soon: two in a row are believed.",
    )
    look_timeout_s: float = Field(
        10.0, gt=0, le=60, description="How long one answer of the switch is waited for, in seconds."
    )
    ghost_after_s: float = Field(
        10.0,
        ge=0,
        le=3600,
        description="A leg left behind by a bridge that never came is hung up after so long; its owner should be quicker. "
        "0 leaves it alone.",
    )
    node_lost_after_s: float = Field(
        120.0,
        ge=0,
        le=86_400,
        description="A switch that cannot be reached for so long has lost its calls: they end with NETWORK_OUT_OF_ORDER, and are "
        "taken in again if it comes back with them. 0 never gives it up.",
    )
    read_back_hours: float = Field(
        12.0,
        gt=0,
        le=168,
        description="How far the call topic is read back at start, to know which calls were told: longer than any call lasts.",
    )
    unsent_limit: int = Field(
        50_000,
        ge=100,
        description="So many facts are kept in order while Kafka is down. When they overflow they are dropped, and what was "
        "missed is told after Kafka is back, by looking at the switches.",
    )
    history_per_agent: int = Field(
        300,
        ge=10,
        le=10_000,
        description="Events kept per agent for a desktop that comes back after a broken connection.",
    )
    history_of_all: int = Field(20_000, ge=100, description="Events kept for supervisors who come back.")
    control_timeout_s: float = Field(
        3.0, gt=0, le=30, description="How long a call-control request waits until the switch has done it, in seconds."
    )
    mind_every_s: float = Field(
        0.5,
        gt=0,
        le=30,
        description="Who is left alone in the middle of a consult or conference for so long is looked after.",
    )
    ring_s: int = Field(
        25, ge=3, le=120, description="So long a phone or number that call control dials rings, in seconds."
    )
    node_addresses: dict[NodeId, Annotated[str, Field(pattern=r"^[A-Za-z0-9.\[\]:-]{1,100}:\d{2,5}$")]] = Field(
        {},
        description="Where each switch takes calls from the others (host:port of its profile nodes), as a JSON object by node: a "
        "phone that is registered at another node than the call's is rung through that node. Empty: it is not rung.",
    )
    webhook_ca_file: Path | None = Field(
        None,
        description="Certificates (PEM) of authorities that receivers of webhooks are trusted by, besides the public ones: the "
        "bank's own, for what stands in its networks.",
    )
    line_stays_s: float = Field(
        0.0,
        ge=0,
        le=86_400,
        description="So long a nailed-up line stands after its agent signed out, in seconds, so that he can sign in there again "
        "without being rung; 0 hangs it up at once. A talk on it is never ended by that.",
    )
    flow_limit_s: float = Field(
        600.0,
        gt=0,
        le=3600,
        description="A customer whom an agent sent through a flow is taken back after so long, in seconds.",
    )
    music: str = Field(
        "local_stream://ipcc",
        pattern=r"^[A-Za-z0-9_.:/-]{1,200}$",
        description="What those hear who wait on hold, in a consult or parked.",
    )
    dial_rules: tuple[DialRule, ...] = Field(
        (
            DialRule(name="emergency", reach="emergency", pattern="(110|119|120|122)"),
            DialRule(name="mobile", pattern=r"1[3-9]\d{9}"),
            DialRule(name="long distance", reach="long_distance", pattern=r"0[1-9]\d{8,10}"),
            DialRule(name="banks", pattern=r"955\d{2}"),
        ),
        description="Numbers agents may reach while no dial_plan is administered for their unit, as a JSON list of {name, "
        "pattern, reach, allow, gateway, roles, skills, strip, prefix}: the first rule whose pattern fits the whole number "
        "decides, and what none fits is refused.",
    )
    desktop_lost_s: float = Field(
        15.0,
        gt=0,
        le=600,
        description="An agent whose desktop is gone for so long is set not ready, for the reason desktop_lost; he says himself "
        "when he is ready again.",
    )
    second_desktop: SecondDesktop = Field(
        SecondDesktop.TAKE_OVER,
        description="What happens when an agent opens a second desktop: take_over closes the first with code 4409, refuse does "
        "not let the second in.",
    )
    webhooks: tuple[WebhookSetting, ...] = Field(
        (),
        description="Receivers of the events of all calls besides those made over REST, as a JSON list of {id, url, types, "
        "secret_file}; they may be anywhere.",
    )
    ask_timeout_s: float = Field(3.0, gt=0, le=30, description="How long an answer of acd is waited for, in seconds.")

    @property
    def recordings_root(self) -> Path:
        """Where the switch writes recordings, as it sees it."""
        return self.switch_spool_dir or self.spool_dir.absolute()
