"""What a webhook's receiver did not take: found among the dead letters, and sent again when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import orjson

from ipcc.auth.principal import Principal
from ipcc.bus.dead_letters import GROUP, REASON, message_in
from ipcc.bus.events import received_from
from ipcc.bus.port import BEGINNING, Record, Start
from ipcc.contracts.envelope import Event
from ipcc.contracts.topics import DEAD_LETTER
from ipcc.errors import NotFound
from ipcc.ids import new_id
from ipcc.units import is_under
from services.ctiserver.core.hooks import Hook
from services.ctiserver.posting import NotDelivered
from services.ctiserver.webhooks import Webhooks, group_of

PING = "ipcc.webhook.ping"
MOST_READ = 20_000
"""So many dead letters, of whomever, are looked through for one page."""


@dataclass(frozen=True)
class Failure:
    """An event that was given up; ``number`` is its place among the dead letters."""

    number: int
    event: Event
    reason: str
    record: Record


@dataclass(frozen=True)
class Tried:
    """What became of a message: ``status`` of the answer, or ``reason`` why there was none that counts."""

    delivered: bool
    status: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Failures:
    """The use cases of those who own webhooks, at whichever replica they ask."""

    webhooks: Webhooks

    def hook(self, hook_id: str, who: Principal) -> Hook:
        """Raises NotFound (webhook.unknown), also for one that is not his."""
        found = self.webhooks.find(hook_id)
        units = self.webhooks.knowledge.directory.units()
        if found is None or (who.organisation is not None and not is_under(found.unit, who.organisation, units)):
            raise NotFound("webhook.unknown", f"there is no webhook {hook_id}")
        return found

    async def ping(self, hook: Hook) -> Tried:
        """Send a message that says nothing, once."""
        event_id, now = new_id(), self.webhooks.clock.now()
        body = {
            "specversion": "1.0",
            "datacontenttype": "application/json",
            "id": event_id,
            "type": PING,
            "source": "ctiserver",
            "subject": hook.id,
            "time": now.isoformat(),
            "data": {"webhook_id": hook.id},
        }
        return await self._try(hook, event_id, orjson.dumps(body))

    async def page(self, hook: Hook, after: int | None, limit: int) -> tuple[list[Failure], int | None]:
        """At most ``limit`` failures behind number ``after``, the oldest first, and where the next page begins; None: at the end."""
        found: list[Failure] = []
        start: Start = BEGINNING if after is None else {0: after + 1}
        read = 0
        async with self.webhooks.bus.replay(DEAD_LETTER.name, start) as letters:
            async for letter in letters:
                if letter.headers.get(GROUP) == group_of(hook.id):
                    found.append(_failure_in(letter))
                read += 1
                if len(found) == limit or read == MOST_READ:
                    return found, letter.offset
        return found, None

    async def redeliver(self, hook: Hook, number: int) -> Tried:
        """Send a failed event once more. Raises NotFound (webhook.no_failure)."""
        async with self.webhooks.bus.replay(DEAD_LETTER.name, {0: number}) as letters:
            letter = await anext(aiter(letters), None)
        if letter is None or letter.offset != number or letter.headers.get(GROUP) != group_of(hook.id):
            raise NotFound("webhook.no_failure", f"{hook.id} has no failed event {number}")
        failure = _failure_in(letter)
        return await self._try(hook, failure.event.id, failure.record.value or b"")

    async def _try(self, hook: Hook, event_id: str, body: bytes) -> Tried:
        try:
            return Tried(True, await self.webhooks.deliver(hook, event_id, body))
        except NotDelivered as error:
            return Tried(False, reason=error.message)


def _failure_in(letter: Record) -> Failure:
    message = message_in(letter)
    record = replace(letter, topic=message.topic, value=message.value, headers=message.headers)
    return Failure(letter.offset, received_from(record).event, letter.headers.get(REASON, ""), record)
