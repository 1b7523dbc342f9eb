"""What the sessions of a replica work with."""

from __future__ import annotations

from dataclasses import dataclass

from ipcc.bus.events import Publisher
from ipcc.bus.port import Bus
from ipcc.bus.view import View
from ipcc.clock import Clock
from ipcc.contracts.ivr import FlowReturned, IvrPayload
from ipcc.metrics import Metrics
from ipcc.sealed import Sealer, results_of
from ipcc.tasks import Tasks
from services.ivr.catalogue import FlowStore
from services.ivr.core.session import Moved
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
    sealer: Sealer | None = None
    """None: nobody has set the key of the orders, and nothing can be ordered."""

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
            self._sealed,
        )

    def _sealed(self, moved: Moved) -> tuple[IvrPayload, ...]:
        """The facts of a move; what the customer has agreed to show goes sealed."""
        if not moved.results or self.sealer is None:
            return moved.facts
        sealed = self.sealer.seal(moved.results, results_of(moved.session.session_id))
        return tuple(
            fact.model_copy(update={"sealed": sealed}) if isinstance(fact, FlowReturned) else fact
            for fact in moved.facts
        )
