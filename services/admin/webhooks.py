"""Webhooks that third parties make for themselves: by whom, for which unit, to where; their secrets are told once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from ipcc.auth.principal import Principal
from ipcc.contracts.config import Organisation, Webhook
from ipcc.errors import Invalid, NotAllowed, NotFound, Unavailable
from ipcc.ids import new_id
from ipcc.units import is_under
from ipcc.webhooks import Reach, place_of, secret_of
from services.admin.core.rules import MOST_WEBHOOKS
from services.admin.schemas import WebhookBody
from services.admin.store import Stored
from services.admin.usecases import Administration

FORMER_SECRET = timedelta(hours=24)
"""So long after a new secret was made messages are signed with the former one as well: time to put the new one in."""

# of a unit there may be more than of webhooks; a bank has far fewer
_MOST_UNITS = 10_000


@dataclass(frozen=True)
class Webhooks:
    """The use cases. ``key`` is what secrets follow from; None: none is configured, and none can be made."""

    admin: Administration
    reach: Reach
    key: str | None = field(repr=False)

    async def make(self, body: WebhookBody, who: Principal) -> tuple[Stored, str]:
        """A new webhook and its secret. Raises Invalid, NotAllowed (webhook.unit), Unavailable (webhook.no_key)."""
        hook = self._made({"id": new_id(), "since": self.admin.clock.now(), **body.model_dump()})
        await self._check_unit(hook.organisation, who)
        place_of(hook.url, self.reach)
        secret = self._secret(hook)
        return await self.admin.save(hook, who.subject, expected_version=0), secret

    async def page(self, who: Principal) -> list[Stored]:
        """Those ``who`` may see: of his unit and the units under it."""
        found = await self.admin.page("webhook", None, MOST_WEBHOOKS)
        units = await self._units()
        return [one for one in found if _may(who, hook_of(one).organisation, units)]

    async def find(self, webhook_id: str, who: Principal) -> Stored:
        """Raises NotFound, also for one that is not his to see."""
        stored = await self.admin.find("webhook", webhook_id)
        if not _may(who, hook_of(stored).organisation, await self._units()):
            raise NotFound("config.not_found", f"there is no webhook {webhook_id!r}")
        return stored

    async def change(self, webhook_id: str, body: WebhookBody, who: Principal, version: int | None) -> Stored:
        """Raises as ``make``, NotFound, and NotNow when it is not at ``version``. What was sent stays sent."""
        before = await self.find(webhook_id, who)
        hook = self._made({**hook_of(before).model_dump(), **body.model_dump()})
        await self._check_unit(hook.organisation, who)
        place_of(hook.url, self.reach)
        return await self.admin.save(hook, who.subject, before.version if version is None else version)

    async def remove(self, webhook_id: str, who: Principal, version: int | None) -> None:
        """Raises NotFound, and NotNow when it is not at ``version``."""
        await self.find(webhook_id, who)
        await self.admin.remove(("webhook", webhook_id), who.subject, version)

    async def renew_secret(self, webhook_id: str, who: Principal) -> tuple[Stored, str]:
        """Another secret; for a day messages bear a signature of each."""
        before = await self.find(webhook_id, who)
        until = self.admin.clock.now() + FORMER_SECRET
        old = hook_of(before)
        hook = old.model_copy(update={"secret_number": old.secret_number + 1, "former_secret_until": until})
        secret = self._secret(hook)
        return await self.admin.save(hook, who.subject, before.version), secret

    def _secret(self, hook: Webhook) -> str:
        if self.key is None:
            raise Unavailable(
                "webhook.no_key", "webhooks cannot be made: IPCC_ADMIN__WEBHOOK_KEY_FILE is not set", retry_after_s=60
            )
        return secret_of(self.key, hook, hook.secret_number)

    @staticmethod
    def _made(fields: dict[str, Any]) -> Webhook:
        try:
            return Webhook.model_validate(fields)
        except ValidationError as error:
            found = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)]
            raise Invalid("config.invalid", "; ".join(found)) from None

    async def _check_unit(self, unit: str, who: Principal) -> None:
        units = await self._units()
        # a unit that does not exist is told by the rules, to those who may ask for any
        if not _may(who, unit, units):
            raise NotAllowed("webhook.unit", f"{who.subject} may not be told of the calls of {unit}")

    async def _units(self) -> dict[str, Organisation]:
        found = await self.admin.page("organisation", None, _MOST_UNITS)
        return {one.subject.id: one.subject for one in found if isinstance(one.subject, Organisation)}


def _may(who: Principal, unit: str, units: dict[str, Organisation]) -> bool:
    return who.organisation is None or is_under(unit, who.organisation, units)


def hook_of(stored: Stored) -> Webhook:
    """The webhook in a row. Raises NotFound."""
    if not isinstance(stored.subject, Webhook):
        raise NotFound("config.not_found", f"there is no webhook {stored.key[1]!r}")
    return stored.subject
