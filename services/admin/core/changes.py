"""What has to change for a document to take effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from services.admin.core.rules import Key, Object, Objects

Origin = Literal["file", "rest"]


@dataclass(frozen=True)
class InForce:
    """An object as it stands, and where its last change came from."""

    subject: Object
    version: int
    origin: Origin


@dataclass(frozen=True)
class Change:
    """``after`` None removes the object."""

    key: Key
    after: Object | None


def plan_import(current: Mapping[Key, InForce], wanted: Objects) -> list[Change]:
    """What to write so that all of ``wanted`` is in force.

    Objects that came from an earlier document and are gone from this one are removed; what was made or changed over REST and
    is not in the document stays.
    """
    changes = [
        Change(key, subject) for key, subject in wanted.items() if key not in current or current[key].subject != subject
    ]
    changes += [Change(key, None) for key, one in current.items() if one.origin == "file" and key not in wanted]
    return changes


def apply(current: Mapping[Key, InForce], changes: list[Change]) -> dict[Key, Object]:
    """All objects after ``changes``."""
    after = {key: one.subject for key, one in current.items()}
    for change in changes:
        if change.after is None:
            after.pop(change.key, None)
        else:
            after[change.key] = change.after
    return after
