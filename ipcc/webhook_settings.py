"""Settings of the services that make webhooks and deliver to them (admin, ctiserver): what both must be told alike."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import Field, SecretStr

from ipcc.auth.tokens import kept_key
from ipcc.settings import ServiceSettings
from ipcc.webhooks import Reach


class WebhookSettings(ServiceSettings):
    """The key of the secrets, and where messages may be sent."""

    webhook_key: SecretStr | None = Field(
        None,
        min_length=32,
        description="Key from which every webhook's secret follows; the same for admin and ctiserver. Another key gives every "
        "webhook another secret.",
    )
    webhook_key_file: Path | None = Field(
        None, description="File that holds the webhook key; with auth_mode dev or none one is made under var_dir."
    )
    webhook_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        (),
        description='Private networks webhooks may be sent into, as a JSON list such as ["10.20.0.0/16"]; otherwise only '
        "public addresses, so that nobody reaches what stands beside us through us.",
    )
    webhook_plain_http: bool = Field(
        False, description="Whether a webhook's URL may be http:// instead of https://; for tests and closed networks."
    )

    @property
    def webhook_reach(self) -> Reach:
        """Where webhooks may be sent."""
        return Reach(self.webhook_networks, self.webhook_plain_http)

    def read_webhook_key(self) -> str | None:
        """The key; None: there is none, and no webhook can be made or signed."""
        if self.webhook_key is not None:
            return self.webhook_key.get_secret_value()
        return None if self.auth_mode == "jwt" else kept_key(self.var_dir / "webhook.key")
