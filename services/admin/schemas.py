"""Bodies of the administration's REST API."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from ipcc.contracts.config import ConfigObject, EventType, Name, ObjectId, Webhook
from services.admin.core.changes import Change
from services.admin.store import AuditEntry, Stored


class Kind(StrEnum):
    """What is administered object by object; webhooks have routes of their own, since their secrets do."""

    ORGANISATION = "organisation"
    SKILL = "skill"
    QUEUE = "queue"
    PHONE = "phone"
    USER = "user"
    ENTRY_POINT = "entry_point"
    CALENDAR = "calendar"
    DIAL_PLAN = "dial_plan"
    PAUSE_REASON = "pause_reason"


class VersionAnswer(BaseModel):
    """One version of an object; ``object`` is null where it was removed."""

    kind: str
    id: str
    version: int
    object: ConfigObject | None
    changed_at: datetime
    changed_by: str

    @classmethod
    def of(cls, stored: Stored) -> VersionAnswer:
        """The answer that shows ``stored``."""
        return cls(
            kind=stored.key[0],
            id=stored.key[1],
            version=stored.version,
            object=stored.subject,
            changed_at=stored.changed_at,
            changed_by=stored.changed_by,
        )


class AuditAnswer(BaseModel):
    """One act: on what is administered (``service`` admin, with the version that came of it), or on what is live."""

    number: int
    at: datetime
    actor: str
    action: str
    kind: str
    id: str
    version: int
    service: str
    outcome: str
    details: dict[str, str]

    @classmethod
    def of(cls, entry: AuditEntry) -> AuditAnswer:
        """The answer that shows ``entry``."""
        return cls(
            number=entry.number,
            at=entry.at,
            actor=entry.actor,
            action=entry.action,
            kind=entry.kind,
            id=entry.object_id,
            version=entry.version,
            service=entry.service,
            outcome=entry.outcome,
            details=entry.details,
        )


class DocumentAnswer(BaseModel):
    """What a document changes, as ``kind/id``."""

    saved: list[str]
    removed: list[str]

    @classmethod
    def of(cls, changes: list[Change]) -> DocumentAnswer:
        """The answer that shows ``changes``."""
        return cls(
            saved=["/".join(change.key) for change in changes if change.after is not None],
            removed=["/".join(change.key) for change in changes if change.after is None],
        )


class WebhookBody(BaseModel):
    """What a third party asks to be sent."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    organisation: ObjectId = Field(description="the unit whose calls it is told of, with those of the units under it")
    url: str = Field(max_length=400, description="https:// address the events are posted to")
    types: tuple[EventType, ...] = Field(
        default=(), max_length=40, description="beginnings of event types, such as ipcc.call.ended; empty: all"
    )
    enabled: bool = True


class WebhookAnswer(BaseModel):
    """A webhook as it is in force; its secret is told once, to who makes it."""

    id: str
    version: int
    name: str
    organisation: str
    url: str
    types: tuple[str, ...]
    enabled: bool
    since: datetime = Field(description="it is sent what happened from then on")
    former_secret_until: datetime | None = Field(
        description="until then messages are signed with the former secret, too"
    )

    @classmethod
    def of(cls, hook: Webhook, version: int) -> WebhookAnswer:
        """The answer that shows ``hook``."""
        return cls(version=version, **hook.model_dump(exclude={"kind", "secret_number"}))


class WebhookSecretAnswer(BaseModel):
    """A webhook with its secret, which is never shown again."""

    webhook: WebhookAnswer
    secret: str = Field(repr=False)
