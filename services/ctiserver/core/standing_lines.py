"""Whose nailed-up lines are, and which are to be hung up because their agent is gone. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

NAILING_UP = timedelta(seconds=60)
"""So long a line may stand at which nobody has signed in yet: longer than whoever makes one waits for that."""


@dataclass
class StandingLines:
    """``stays``: so long a line stands after its agent signed out, or moved to another place."""

    stays: timedelta
    _owners: dict[str, str] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    """Those at which their agent was seen: before that, his sign-in may not have been told yet."""
    _alone_since: dict[str, datetime] = field(default_factory=dict)

    def belong(self, place: str, agent_id: str) -> None:
        """This line was made for that agent."""
        self._owners[place] = agent_id

    def owner_of(self, place: str) -> str:
        """Whose line it is; empty when it does not stand, or was never seen with anybody."""
        return self._owners.get(place, "")

    def of(self, agent_id: str) -> list[str]:
        """The lines of an agent."""
        return [place for place, owner in self._owners.items() if owner == agent_id]

    def judge(
        self, standing: Collection[str], seats: Mapping[str, str], busy: Collection[str], now: datetime
    ) -> list[str]:
        """Which of the lines that stand have been without their agent for too long.

        ``seats``: who is signed in where. A line in ``busy`` is in a talk, which nobody's sign-out ends.
        """
        taken = {place: seats[place] for place in standing if place in seats}
        self._owners = {place: owner for place, owner in self._owners.items() if place in standing} | taken
        self._seen = (self._seen & set(standing)) | taken.keys()
        alone = [place for place in standing if place not in seats and place not in busy]
        self._alone_since = {place: self._alone_since.get(place, now) for place in alone}
        patience = {place: self.stays if place in self._seen else NAILING_UP for place in alone}
        return [place for place in alone if now - self._alone_since[place] >= patience[place]]
