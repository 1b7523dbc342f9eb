"""Somebody who asks, and the roles he holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person or program may do; the meaning of each is in docs/architecture.md."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    QUALITY = "quality"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
    SYSTEM = "system"


@dataclass(frozen=True)
class Principal:
    """``subject`` is the user's id (an agent's id is his user id), ``organisation`` the unit he is scoped to, None for all."""

    subject: str
    roles: frozenset[Role]
    organisation: str | None = None

    def has(self, *roles: Role) -> bool:
        """Whether he holds at least one of ``roles``."""
        return not self.roles.isdisjoint(roles)
