"""What the owner of a domain works with, and how he knows that the domain is still his."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from ipcc.bus.events import Publisher
from ipcc.bus.port import Bus
from ipcc.bus.standstill import Standstill
from ipcc.clock import Clock
from ipcc.contracts.envelope import Event
from ipcc.esl.port import Switches
from ipcc.metrics import Metrics
from services.acd.consumers import nothing_known
from services.acd.originates import Dialling


@dataclass(frozen=True)
class Surroundings:
    """What an owner works with."""

    bus: Bus
    publisher: Publisher
    switches: Switches
    clock: Clock
    metrics: Metrics
    dialling: Dialling
    standstill: Standstill
    look_every_s: float = 5.0
    snapshot_every: int = 500
    inputs_dir: Path | None = None
    last_good: Callable[[str], Event | None] = nothing_known
    """An administered object as it was last understood in this process, by its key."""


@dataclass
class Title:
    """One owner's right to a domain, in doubt since this process stood still until the group confirms it."""

    standstill: Standstill
    confirm: Callable[[], Awaitable[bool]]
    """Whether the group still counts the domain as ours. Raises BusDown."""
    proved: int = 0
    """What the standstill counted when it was last sure."""

    @property
    def is_in_doubt(self) -> bool:
        """Whether somebody else may own the domain by now, without a word to us."""
        return self.standstill.count != self.proved

    async def holds(self) -> bool:
        """Whether the domain is ours, by the word of the group; no longer in doubt then. Raises BusDown."""
        stood_still = self.standstill.count
        if not await self.confirm():
            return False
        self.proved = stood_still
        return True
