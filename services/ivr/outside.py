"""What the sessions of a replica work with."""

from __future__ import annotations

from dataclasses import dataclass

from ipcc.bus.events import Publisher
from ipcc.bus.port import Bus
from ipcc.bus.view import View
from ipcc.clock import Clock
from ipcc.metrics import Metrics
from ipcc.tasks import Tasks
from services.ivr.catalogue import FlowStore
from services.ivr.facts import FactSender
from services.ivr.mirror import Mirror
from services.ivr.ports import Bank, FaxWork, Line, Lines, Queues, Surroundings, Systems, Utterances


@dataclass(frozen=True)
class Outside:
    """Everything beyond the sessions themselves."""

    bus: Bus
    publisher: Publisher
    clock: Clock
    config: View
    flows: FlowStore
    lines: Lines
    bank: Bank
    queues: Queues
    systems: Systems
    faxes: FaxWork
    utterances: Utterances
    sender: FactSender
    mirror: Mirror
    tasks: Tasks
    metrics: Metrics

    def around(self, line: Line) -> Surroundings:
        """What one session works with."""
        return Surroundings(
            line,
            self.bank,
            self.queues,
            self.systems,
            self.faxes,
            self.utterances,
            self.clock,
            self.sender.tell,
        )
