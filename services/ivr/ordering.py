"""What agents order of flows: which forms there are, whether an order is one, and what is in it. Nothing here touches a leg."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from ipcc.bus.events import Received
from ipcc.contracts.ivr import CheckOrder, ListOrders, RunFlow, SessionStarted
from ipcc.errors import Invalid, NotAllowed, Unavailable
from ipcc.sealed import Sealer, order_of
from services.ivr.catalogue import FlowStore
from services.ivr.core.flow import Flow
from services.ivr.core.ordering import BY, check_right, form_of, read_inputs

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Ordering:
    """Answers what is asked before an order, and opens orders. ``sealer`` None: nobody has set the key."""

    flows: FlowStore
    sealer: Sealer | None

    async def list_orders(self, data: ListOrders, received: Received) -> Mapping[str, Any]:
        """The forms of what may be ordered for this call."""
        found = []
        for known in self.flows.all():
            flow = self.flows.published(known.id, data.call_id)
            try:
                check_right(flow, data.roles, data.skills)
            except (Invalid, NotAllowed):
                continue
            found.append(_offered(flow))
        return {"orders": found}

    async def check_order(self, data: CheckOrder, received: Received) -> Mapping[str, Any]:
        """The form, when the order fits it. Raises NotFound, NotAllowed, Invalid and Unavailable (order.no_key)."""
        flow = self.flows.published(data.flow_id, data.call_id)
        self._checked(flow, data)
        return _offered(flow)

    def opened(self, flow: Flow, data: RunFlow) -> dict[str, str]:
        """The private variables an order gives the flow; none for a flow that is lent without one.

        Raises Invalid (order.needed) for a flow that is run by an order alone, and as ``check_order``.
        """
        if flow.order is None and not data.sealed:
            return {}
        if not data.sealed:
            raise Invalid("order.needed", f"flow {flow.id} is run by an order: it needs to be told what")
        return {**self._checked(flow, data), BY: data.by}

    def recalled(self, flow: Flow, started: SessionStarted) -> dict[str, str]:
        """The same of a session that another replica had begun; what cannot be opened any more is left out."""
        if not started.sealed or flow.order is None or self.sealer is None:
            return {}
        try:
            given = self.sealer.open(started.sealed, order_of(started.session_id))
            return {**read_inputs(flow.order, given), BY: started.by}
        except Invalid as error:
            log.error("order_not_recalled", call_id=started.call_id, code=error.code)
            return {BY: started.by}

    def _checked(self, flow: Flow, data: CheckOrder | RunFlow) -> dict[str, str]:
        form = form_of(flow)
        check_right(flow, data.roles, data.skills)
        if self.sealer is None:
            raise Unavailable("order.no_key", "nothing can be ordered: set order_key_file for ivr and ctiserver")
        return read_inputs(form, self.sealer.open(data.sealed, order_of(data.session_id)))


def _offered(flow: Flow) -> dict[str, Any]:
    form = form_of(flow).model_dump(mode="json", exclude_defaults=True)
    return {"flow_id": flow.id, "flow_version": flow.version, "form": form}
