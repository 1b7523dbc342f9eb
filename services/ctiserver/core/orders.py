"""What became of the orders agents have given for their customers, from what ivr tells of them. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ipcc.contracts.envelope import Event
from ipcc.contracts.ivr import ConsentAnswered, FlowReturned, SessionStarted

MOST = 5_000
KEEP = timedelta(hours=1)
"""An order that is over is shown for so long: until the agent has done his after-call work."""


@dataclass(frozen=True)
class Ordered:
    """One order; ``outcome`` is empty while the customer is in the flow. ``shown`` is for whoever gave it, and nobody else."""

    session_id: str
    call_id: str
    flow_id: str
    flow_version: int
    by: str
    began_at: datetime
    ended_at: datetime | None = None
    outcome: str = ""
    movement: str = ""
    consents: Mapping[str, str] = field(default_factory=dict)
    results: Mapping[str, str] = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict, repr=False)


class OrderBook:
    """``open_results`` reads the sealed results of a session."""

    def __init__(self, open_results: Callable[[str, str], Mapping[str, str]]) -> None:
        self._open = open_results
        self._orders: OrderedDict[str, Ordered] = OrderedDict()

    def of_call(self, call_id: str) -> list[Ordered]:
        """The orders of a call, the oldest first."""
        return [order for order in self._orders.values() if order.call_id == call_id]

    def take(self, event: Event) -> None:
        """Perhaps news of an order."""
        data = event.data
        if isinstance(data, SessionStarted):
            self._begun(data, event.time)
        elif isinstance(data, ConsentAnswered) and data.session_id in self._orders:
            known = self._orders[data.session_id]
            self._orders[data.session_id] = replace(known, consents={**known.consents, data.about: data.outcome})
        elif isinstance(data, FlowReturned) and data.session_id in self._orders:
            self._returned(data, event.time)

    def _begun(self, data: SessionStarted, at: datetime) -> None:
        if not data.sealed or data.session_id in self._orders:
            return
        ids = (data.session_id, data.call_id, data.flow_id, data.flow_version, data.by)
        self._orders[data.session_id] = Ordered(*ids, began_at=at)
        while self._orders:
            oldest = next(iter(self._orders.values()))
            if len(self._orders) <= MOST and (oldest.ended_at is None or at - oldest.ended_at < KEEP):
                return
            del self._orders[oldest.session_id]

    def _returned(self, data: FlowReturned, at: datetime) -> None:
        self._orders[data.session_id] = replace(
            self._orders[data.session_id],
            ended_at=at,
            outcome=data.outcome,
            movement=data.movement,
            results=dict(data.results),
            shown=self._open(data.session_id, data.sealed) if data.sealed else {},
        )
