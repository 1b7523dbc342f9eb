"""Facts of calls sent to other systems by HTTP: signed, in order per call, tried again, in the end a dead letter.

Each hook is a consumer group of its own, so one that is down holds nobody else up and misses nothing while it is away for
less than the topic keeps. Which hooks there are, admin says (decision 0019), and the settings; every replica learns it alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import BaseModel, ConfigDict, Field

from ipcc.bus import Bus, Consumption, Handlers, Received, View, Worker
from ipcc.bus.judgement import Patience
from ipcc.call.book import CallBook
from ipcc.clock import Clock
from ipcc.contracts.config import Webhook
from ipcc.contracts.envelope import Event
from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import CALL
from ipcc.errors import Invalid, Unavailable
from ipcc.metrics import CTI_WEBHOOKS, Metrics
from ipcc.settings import read_secret
from ipcc.tasks import Tasks
from ipcc.webhooks import secrets_of
from services.ctiserver.core.hooks import CallParties, Hook, Parties, concerns, covers
from services.ctiserver.core.signing import HEADER, signature
from services.ctiserver.directory import Directory
from services.ctiserver.posting import NotDelivered, Poster

log = structlog.get_logger(__name__)

OWN_CALLS = 5_000
PATIENCE = Patience(tries=6, first_delay_s=0.5, longest_delay_s=30.0)


class WebhookSetting(BaseModel):
    """A receiver named by who runs us: where to, what, and the file of the secret it is signed with; told of all calls.

    ``types`` are beginnings of event types; empty: all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    url: Annotated[str, Field(pattern=r"^https?://[^\s@]{1,400}$")]
    types: tuple[str, ...] = ()
    secret_file: Path


def hooks_in(settings: Iterable[WebhookSetting]) -> list[Hook]:
    """The receivers that are settings. Raises ValueError for a secret file that cannot be read."""
    return [Hook(one.id, one.url, (read_secret(one.secret_file),), one.types, is_trusted=True) for one in settings]


def group_of(hook_id: str) -> str:
    """The consumer group of a hook, by which its dead letters are known, too."""
    return f"ctiserver.webhook.{hook_id}"


@dataclass
class Knowledge:
    """What the calls are about, to judge whose they are: ``is_current`` says whether all that was told has been read."""

    directory: Directory
    book: CallBook
    is_current: Callable[[], bool]
    parties: CallParties = field(default_factory=CallParties)

    def is_for(self, hook: Hook, payload: Payload, own: CallParties) -> bool:
        """Whether a hook may be told of this; ``own`` is what its own reader has heard so far.

        Raises Unavailable while that is not known, Invalid if it never will be.
        """
        units = self.directory.units()
        if covers(hook.unit, units):
            return True
        parties = own.of(payload) or self.parties.of(payload) or self._known(getattr(payload, "call_id", ""))
        if parties is None and not self.is_current():
            raise Unavailable("webhook.not_ready", "what was told of calls has not been read yet")
        if parties is None:
            raise Invalid("webhook.unit_unknown", "it is not known any more whose call this was")
        return concerns(parties, hook.unit, units, self.directory.unit_of_number, self.directory.unit_of_user)

    def _known(self, call_id: str) -> Parties | None:
        call = self.book.call(call_id)
        legs = (self.book.leg(leg_id) for leg_id in call.leg_ids) if call else ()
        return Parties.of(call, [leg for leg in legs if leg]) if call else None


@dataclass
class Webhooks:
    """All hooks of the service. ``key`` is what the secrets of those made over REST follow from; None: it is not configured."""

    bus: Bus
    config: View
    knowledge: Knowledge
    poster: Poster
    clock: Clock
    metrics: Metrics
    key: str | None = field(repr=False)
    fixed: Sequence[Hook] = ()
    patience: Patience = PATIENCE
    _workers: dict[str, Worker] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, tasks: Tasks) -> None:
        """Deliver to every hook there is, for ever: those that come later and no more to those that go."""
        self.config.on_change(self._note)
        for hook in self.fixed:
            self._begin(hook.id, tasks)
        await self.config.ready()
        while True:
            self._changed.clear()
            wanted = {hook.id for hook in self.made.values() if hook.enabled}
            for hook_id in wanted - self._workers.keys():
                self._begin(hook_id, tasks)
            for hook_id in self._workers.keys() - wanted - {hook.id for hook in self.fixed}:
                await self._workers.pop(hook_id).stop()
            await self._changed.wait()

    @property
    def made(self) -> Mapping[str, Webhook]:
        """Those made over REST, by id."""
        return self.knowledge.directory.webhooks()

    def find(self, hook_id: str) -> Hook | None:
        """The hook as it is now. Raises Unavailable (webhook.no_key)."""
        fixed = next((hook for hook in self.fixed if hook.id == hook_id), None)
        made = self.made.get(hook_id)
        if fixed is not None or made is None:
            return fixed
        if self.key is None:
            raise Unavailable(
                "webhook.no_key", "webhooks cannot be signed: IPCC_CTISERVER__WEBHOOK_KEY_FILE is not set"
            )
        return Hook.of(made, secrets_of(self.key, made, self.clock.now()))

    def problem(self) -> str | None:
        """Why nothing can be delivered."""
        is_mute = self.key is None and self.config.is_ready and any(hook.enabled for hook in self.made.values())
        return "there are webhooks, but IPCC_CTISERVER__WEBHOOK_KEY_FILE is not set" if is_mute else None

    async def deliver(self, hook: Hook, event_id: str, body: bytes) -> int:
        """POST one CloudEvent, and the status it was answered with. Raises NotDelivered for everything but a 2xx answer."""
        headers = {
            "Content-Type": "application/cloudevents+json",
            "Ipcc-Event-Id": event_id,
            HEADER: signature(hook.secrets, self.clock.now(), body),
        }
        try:
            status = await self.poster.post(hook.id, hook.url, body, headers, is_trusted=hook.is_trusted)
        except NotDelivered:
            self.metrics.count(CTI_WEBHOOKS, result="refused")
            raise
        self.metrics.count(CTI_WEBHOOKS, result="delivered")
        return status

    def hear(self, event: Event) -> None:
        """Something was told of a call."""
        self.knowledge.parties.take(event.data)

    def _note(self, key: str, _event: Event | None) -> None:
        if key.startswith("webhook/"):
            self._changed.set()

    def _begin(self, hook_id: str, tasks: Tasks) -> None:
        # whose a call is when an event of it is told, not what others have read of it meanwhile
        own = CallParties(OWN_CALLS)

        async def deliver(payload: Payload, received: Received) -> None:
            own.take(payload)
            hook = self.find(hook_id)
            if hook and hook.wants(received.event) and self.knowledge.is_for(hook, payload, own):
                await self.deliver(hook, received.event.id, received.record.value or b"")

        consumption = Consumption(group_of(hook_id), [CALL], self.patience)
        worker = self._workers[hook_id] = Worker(self.bus, consumption, Handlers().otherwise(deliver), self.clock)
        tasks.spawn(f"webhook {hook_id}", worker.run)
        log.info("webhook_begins", webhook=hook_id)
