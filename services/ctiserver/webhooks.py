"""Facts of calls sent to the bank's systems by HTTP: signed, in order per call, tried again, in the end a dead letter.

Each hook is a consumer group of its own, so one that is down holds nobody else up and misses nothing while it is away for
less than the topic keeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import structlog
from pydantic import BaseModel, ConfigDict, Field

from ipcc.bus import Bus, Consumption, Handlers, Received, Worker
from ipcc.bus.judgement import Patience
from ipcc.clock import Clock
from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import CALL
from ipcc.errors import IpccError
from ipcc.tasks import Tasks
from services.ctiserver.core.signing import HEADER, signature

log = structlog.get_logger(__name__)

TIMEOUT_S = 5.0
PATIENCE = Patience(tries=6, first_delay_s=0.5, longest_delay_s=30.0)


class Webhook(BaseModel):
    """Where to, what, and the file of the secret it is signed with. ``types`` are beginnings of event types; empty: all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    url: Annotated[str, Field(pattern=r"^https?://[^\s@]{1,400}$")]
    types: tuple[str, ...] = ()
    secret_file: Path


class NotDelivered(IpccError):
    """The receiver did not take a message; it is tried again a few times."""

    def __init__(self, hook_id: str, reason: str) -> None:
        super().__init__("webhook.not_delivered", f"webhook {hook_id}: {reason}", hook_id=hook_id)


@dataclass(frozen=True)
class Webhooks:
    """All hooks of the service. ``secrets`` are by hook id."""

    hooks: Sequence[Webhook]
    secrets: Mapping[str, str]
    bus: Bus
    clock: Clock
    client: httpx.AsyncClient
    patience: Patience = PATIENCE

    def start(self, tasks: Tasks) -> None:
        """Deliver for as long as ``tasks`` run."""
        for hook in self.hooks:
            tasks.spawn(f"webhook {hook.id}", self._worker(hook).run)

    def _worker(self, hook: Webhook) -> Worker:
        async def deliver(_: Payload, received: Received) -> None:
            if not hook.types or received.event.type.startswith(hook.types):
                await self.deliver(hook, received)

        consumption = Consumption(f"ctiserver.webhook.{hook.id}", [CALL], self.patience)
        return Worker(self.bus, consumption, Handlers().otherwise(deliver), self.clock)

    async def deliver(self, hook: Webhook, received: Received) -> None:
        """POST one event as a CloudEvent. Raises NotDelivered for everything but a 2xx answer."""
        event = received.event
        body = event.model_dump_json().encode()
        headers = {
            "Content-Type": "application/cloudevents+json",
            "Ipcc-Event-Id": event.id,
            HEADER: signature(self.secrets[hook.id], self.clock.now(), body),
        }
        try:
            answer = await self.client.post(hook.url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise NotDelivered(hook.id, type(error).__name__) from None
        if not answer.is_success:
            # a redirect is not followed: what is signed for one receiver is not shown to another
            raise NotDelivered(hook.id, f"answered {answer.status_code}")
