"""Bodies of the administration's REST API."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel

from ipcc.contracts.config import ConfigObject
from services.admin.core.changes import Change
from services.admin.store import AuditEntry, Stored


class Kind(StrEnum):
    """What is administered."""

    ORGANISATION = "organisation"
    SKILL = "skill"
    QUEUE = "queue"
    PHONE = "phone"
    USER = "user"
    ENTRY_POINT = "entry_point"


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
    """One administrative act."""

    number: int
    at: datetime
    actor: str
    action: str
    kind: str
    id: str
    version: int

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
