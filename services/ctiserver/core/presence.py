"""Which desktop each agent sits at, as told by all replicas; whose was lost for too long. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ipcc.contracts.call import DesktopChanged


@dataclass(frozen=True)
class Desk:
    """The last word about an agent's desktop."""

    desktop_id: str
    connected: bool
    since: datetime


class Presence:
    """Everybody's desktop. The newest that connected is the one; what is told of an older one changes nothing."""

    def __init__(self) -> None:
        self.desks: dict[str, Desk] = {}

    def take(self, changed: DesktopChanged, at: datetime) -> None:
        """Something was told."""
        known = self.desks.get(changed.agent_id)
        if changed.connected or known is None or known.desktop_id == changed.desktop_id:
            self.desks[changed.agent_id] = Desk(changed.desktop_id, changed.connected, at)

    def is_taken(self, agent_id: str, desktop_id: str) -> bool:
        """Whether the agent sits at another desktop than this one now."""
        known = self.desks.get(agent_id)
        return known is not None and known.connected and known.desktop_id != desktop_id

    def lost_before(self, moment: datetime) -> Iterator[tuple[str, Desk]]:
        """Agents whose desktop went before ``moment`` and has not come back."""
        for agent_id, desk in self.desks.items():
            if not desk.connected and desk.since <= moment:
                yield agent_id, desk

    def forget(self, now: datetime, keep: timedelta) -> None:
        """Drop those lost long ago."""
        for agent_id in [a for a, _ in self.lost_before(now - keep)]:
            del self.desks[agent_id]
