"""Settings of the services between which orders of agents travel sealed (ctiserver, ivr): what both must be told alike."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from ipcc.auth.tokens import kept_key
from ipcc.sealed import Sealer
from ipcc.settings import ServiceSettings


class OrderSettings(ServiceSettings):
    """The key of the orders."""

    order_key: SecretStr | None = Field(
        None,
        min_length=32,
        description="Key with which an agent's orders and their results are sealed between ctiserver and ivr; the same for both.",
    )
    order_key_file: Path | None = Field(
        None, description="File that holds the order key; with auth_mode dev or none one is made under var_dir."
    )

    def sealer(self) -> Sealer | None:
        """Seals with the key; None: there is none, and nothing can be ordered."""
        if self.order_key is not None:
            return Sealer(self.order_key.get_secret_value())
        return None if self.auth_mode == "jwt" else Sealer(kept_key(self.var_dir / "order.key"))
