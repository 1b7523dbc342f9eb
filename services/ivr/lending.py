"""Legs lent to a flow: an agent sends his caller through a password or a payment and gets him back with what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from ipcc.bus.events import Received
from ipcc.bus.handlers import Handlers
from ipcc.bus.rpc import Replier
from ipcc.contracts.ivr import CheckOrder, ListOrders, RunFlow, SessionStarted, StopFlow
from ipcc.errors import Invalid, NotFound, NotNow
from services.ivr.core.checks import secret_variables
from services.ivr.core.flow import Flow
from services.ivr.core.ordering import BY
from services.ivr.core.proofs import KNOWN, proved
from services.ivr.core.session import Session, begin
from services.ivr.ordering import Ordering
from services.ivr.ports import Line, LineLost
from services.ivr.usecases import Sessions

log = structlog.get_logger(__name__)

MOST_DATA = 20
LONGEST_VALUE = 200


@dataclass(frozen=True)
class Lending:
    """Carries out the orders of ``ipcc.ivr.command.v1``."""

    sessions: Sessions

    def handlers(self, replier: Replier) -> Handlers:
        """The table of the orders."""
        # a caller who was taken back must never be asked for his password, however late we hear of it
        stop = replier.answering(self.stop_flow, even_late=True)
        table = Handlers().on(RunFlow, replier.answering(self.run_flow)).on(StopFlow, stop)
        table.on(ListOrders, replier.answering(self.ordering.list_orders))
        return table.on(CheckOrder, replier.answering(self.ordering.check_order))

    @property
    def ordering(self) -> Ordering:
        """What can be ordered."""
        return self.sessions.ordering

    async def run_flow(self, data: RunFlow, received: Received) -> Mapping[str, Any]:
        """Begin a session on the leg. Raises NotFound (flow or leg), Invalid, NotNow (session.running), Unavailable."""
        sessions = self.sessions
        partition = received.record.partition
        known = sessions.lent.get(data.session_id)
        if known is not None:
            return _begun(known)
        if data.call_id in sessions.running:
            raise NotNow("session.running", f"call {data.call_id} is in a flow already")
        flow = sessions.outside.flows.published(data.flow_id, data.call_id)
        _check(flow, data)
        ordered = self.ordering.opened(flow, data)
        line = sessions.outside.lines.line(data.node_id, data.leg_id)
        await _check_there(line, data)
        session = replace(_session(flow, data, sessions), private=ordered, ordered_by=data.by if ordered else "")
        # only where the customer is asked for his yes: with his number any part could be had to act on what an agent attached
        proof = sessions.proofs.of(data.call_id, data.leg_id) if ordered else None
        session = proved(session, proof) if proof else session
        moved = begin(flow, session, session.started_at)
        started = SessionStarted(
            call_id=data.call_id,
            session_id=data.session_id,
            flow_id=flow.id,
            flow_version=flow.version,
            entry_point="",
            node_id=data.node_id,
            leg_id=data.leg_id,
            language=session.language,
            is_lent=True,
            given=_given(flow, data.data),
            by=data.by,
            sealed=data.sealed,
        )
        await sessions.outside.publisher.publish(started)
        log.info("flow_lent_to", call_id=data.call_id, flow=flow.id, by=data.by)
        sessions.start(flow, moved, line, partition, started)
        return _begun(started)

    async def stop_flow(self, data: StopFlow, received: Received) -> Mapping[str, Any]:
        """Take the leg back; FlowReturned follows. Raises NotFound for a session nobody has heard of."""
        sessions = self.sessions
        runner = sessions.running.get(data.call_id)
        if runner is not None and runner.session.session_id == data.session_id:
            if not runner.session.lent_to:
                raise NotNow("session.not_lent", f"session {data.session_id} is the caller's own")
            sessions.stop(runner)
            return {"session_id": data.session_id, "was_running": True}
        if data.session_id not in sessions.lent:
            raise NotFound("session.unknown", f"there is no session {data.session_id} of call {data.call_id}")
        return {"session_id": data.session_id, "was_running": False}


def _begun(started: SessionStarted) -> Mapping[str, Any]:
    return {"session_id": started.session_id, "flow_id": started.flow_id, "flow_version": started.flow_version}


def _check(flow: Flow, data: RunFlow) -> None:
    if not flow.is_part:
        raise Invalid("flow.never_returns", f"flow {flow.id} has no return node: the caller would not come back")
    for name in data.data:
        if name in secret_variables(flow):
            raise Invalid("flow.data", f"{name} is a secret in flow {flow.id}: only the caller may give it")


def _given(flow: Flow, data: Mapping[str, str]) -> dict[str, str]:
    """What of the call's data the flow is told: what it finds out itself (who he is, whether he is verified) nobody else tells
    it, and what makes no variable, or too many, is left out."""
    own = {name for node in flow.nodes.values() for name in node.sets()} | {BY, KNOWN}
    own |= flow.order.inputs.keys() if flow.order else set()
    fits = {
        name: value
        for name, value in data.items()
        if name.isidentifier() and not name.startswith("_") and name not in own and len(value) <= LONGEST_VALUE
    }
    return dict(list(fits.items())[:MOST_DATA])


async def _check_there(line: Line, data: RunFlow) -> None:
    try:
        if await line.exists():
            return
    except LineLost:
        pass
    raise NotFound("leg.unknown", f"leg {data.leg_id} is not on node {data.node_id}")


def _session(flow: Flow, data: RunFlow, sessions: Sessions) -> Session:
    language = data.language if data.language in flow.languages else flow.languages[0]
    return Session(
        session_id=data.session_id,
        call_id=data.call_id,
        leg_id=data.leg_id,
        node_id=data.node_id,
        dialled_number="",
        caller_number="",
        caller_name="",
        language=language,
        started_at=sessions.outside.clock.now(),
        lent_to=flow.id,
        variables=_given(flow, data.data),
    )
