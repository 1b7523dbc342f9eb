"""What acd's log must say whatever was killed meanwhile: pure. Each function gives the faults it found, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ipcc.contracts.acd import (
    AcdPayload,
    AgentChanged,
    AgentState,
    ContactHandled,
    EntryEnded,
    EntryQueued,
    OfferEnded,
    OfferMade,
    OfferOutcome,
)

TOLERANCE = timedelta(milliseconds=50)
Timed = tuple[datetime, AcdPayload]


@dataclass
class Books:
    """Entries, offers and agents as the log tells them, one event after the other."""

    faults: list[str] = field(default_factory=list)
    entered: dict[str, datetime] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    offered: dict[str, str] = field(default_factory=dict)
    """The live offer of an entry."""
    reserved: dict[str, str] = field(default_factory=dict)
    """The live offer or the contact of an agent, by its entry."""
    states: dict[str, AgentState] = field(default_factory=dict)
    offers_made: list[datetime] = field(default_factory=list)

    def take(self, at: datetime, event: AcdPayload) -> None:
        """Note one event, and what is wrong with it."""
        match event:
            case EntryQueued():
                self._queue(event)
            case OfferMade():
                self._offer(at, event)
            case OfferEnded():
                self.offered.pop(event.entry_id, None)
                if event.outcome is not OfferOutcome.ANSWERED:
                    self.reserved.pop(event.agent_id, None)
            case ContactHandled():
                self.reserved.pop(event.agent_id, None)
            case EntryEnded():
                self._end(at, event)
            case AgentChanged():
                self.states[event.agent_id] = event.state

    def _queue(self, event: EntryQueued) -> None:
        if event.entry_id in self.entered:
            self.faults.append(f"{event.entry_id} is queued twice")
        self.entered[event.entry_id] = event.entered_at

    def _offer(self, at: datetime, event: OfferMade) -> None:
        self.offers_made.append(at)
        if event.entry_id in self.offered:
            self.faults.append(f"{event.entry_id} has two live offers")
        if event.agent_id in self.reserved:
            self.faults.append(f"agent {event.agent_id} is offered {event.entry_id} beside another contact")
        mine = self.entered[event.entry_id]
        waiting = (e for e in self.entered if e not in self.ended and e not in self.offered and e != event.entry_id)
        before = [other for other in waiting if self.entered[other] < mine]
        if before:
            self.faults.append(f"{event.entry_id} is offered before {len(before)} who entered earlier")
        self.offered[event.entry_id] = event.offer_id
        self.reserved[event.agent_id] = event.entry_id

    def _end(self, at: datetime, event: EntryEnded) -> None:
        if event.entry_id in self.ended:
            self.faults.append(f"{event.entry_id} ends twice")
        self.ended[event.entry_id] = event.outcome.value
        waited = at - self.entered[event.entry_id]
        if abs(waited - timedelta(milliseconds=event.wait_ms)) > TOLERANCE:
            self.faults.append(f"{event.entry_id} waited {waited}, counted {event.wait_ms} ms")

    def close(self) -> list[str]:
        """All faults, those of a house that is not empty at the end among them."""
        left = [f"{entry} never ends" for entry in self.entered if entry not in self.ended]
        held = [f"agent {agent} stays reserved for {entry}" for agent, entry in self.reserved.items()]
        bad = [f"agent {a} is {s.value} at the end" for a, s in self.states.items() if s is not AgentState.READY]
        return self.faults + left + held + bad


def books(log: Iterable[Timed]) -> Books:
    """The books of a log."""
    made = Books()
    for at, event in log:
        made.take(at, event)
    return made


def gap_around(at: datetime, moments: Sequence[datetime]) -> tuple[timedelta, timedelta]:
    """From ``at`` to the next of ``moments``, and from the last one before it to that."""
    before = max((moment for moment in moments if moment <= at), default=at)
    after = min((moment for moment in moments if moment > at), default=at)
    return after - at, after - before
