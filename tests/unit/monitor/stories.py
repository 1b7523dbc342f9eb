"""Events of a bank's day, topic by topic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ipcc.contracts.acd import (
    AgentChanged,
    AgentState,
    ContactHandled,
    EntryChanged,
    EntryEnded,
    EntryOutcome,
    EntryQueued,
    OfferEnded,
    OfferMade,
    OfferOutcome,
)
from ipcc.contracts.call import (
    CallArrived,
    CallEnded,
    Direction,
    LegEnded,
    LegsBridged,
    LegStarted,
    LegsUnbridged,
    PhoneChanged,
)
from ipcc.contracts.config import ConfigChanged, Queue, User
from ipcc.contracts.envelope import Event, wrap
from ipcc.contracts.ivr import SessionEnded, SessionStarted
from ipcc.contracts.payload import Payload
from ipcc.contracts.recording import RecordingFailed, RecordingStored
from ipcc.contracts.tags import LegRole

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # in Shanghai
LATE = datetime(2026, 3, 9, tzinfo=UTC)


class Told:
    """Makes events, each with its own id."""

    def __init__(self, start: datetime = NOON) -> None:
        self.start = start
        self._count = 0

    def at(self, seconds: float, data: Payload) -> Event:
        self._count += 1
        when = self.start + timedelta(seconds=seconds)
        return wrap(data, event_id=f"{self.start.timestamp()}-{self._count}", source="t/t", time=when)


def arrived(call: str) -> CallArrived:
    return CallArrived(call_id=call, leg_id=call, node_id="fs1", direction=Direction.INBOUND, trunk="demo")


def call_ended(call: str) -> CallEnded:
    return CallEnded(call_id=call, cause="NORMAL_CLEARING", duration_ms=1)


def lost_from_sight(call: str) -> CallEnded:
    """Its switch has not been reached for too long."""
    return CallEnded(call_id=call, cause="NETWORK_OUT_OF_ORDER", duration_ms=1, resynced=True)


def found_again(call: str) -> CallArrived:
    return arrived(call).model_copy(update={"resynced": True})


def bridged(call: str) -> LegsBridged:
    return LegsBridged(call_id=call, leg_id=call, node_id="fs1", other_leg_id="a")


def unbridged(call: str) -> LegsUnbridged:
    return LegsUnbridged(call_id=call, leg_id=call, node_id="fs1", other_leg_id="a")


def agent_leg_ended(call: str, leg: str) -> LegEnded:
    return LegEnded(
        call_id=call, leg_id=leg, node_id="fs1", role=LegRole.AGENT, cause="NORMAL_CLEARING", talk_ms=1000, offer_id=leg
    )


def agent_leg_found(call: str, leg: str) -> LegStarted:
    """An agent's leg that was lost with its switch is there again."""
    return LegStarted(call_id=call, leg_id=leg, node_id="fs1", role=LegRole.AGENT, resynced=True)


def session(call: str) -> SessionStarted:
    return SessionStarted(
        call_id=call, session_id=call, flow_id="f", flow_version=1, entry_point="e", node_id="fs1", leg_id=call
    )


def session_ended(call: str) -> SessionEnded:
    return SessionEnded(call_id=call, session_id=call, outcome="completed", last_flow_node="end")


def queued(call: str, at: datetime = NOON, queue: str = "retail") -> EntryQueued:
    return EntryQueued(entry_id=f"e-{call}", call_id=call, leg_id=call, node_id="fs1", queue_id=queue, entered_at=at)


def left(call: str, outcome: EntryOutcome, wait_ms: int = 1000, queue: str = "retail") -> EntryEnded:
    return EntryEnded(entry_id=f"e-{call}", call_id=call, queue_id=queue, outcome=outcome, wait_ms=wait_ms)


def moved(call: str, queue: str, to: str, reason: str = "moved") -> EntryChanged:
    return EntryChanged(
        entry_id=f"e-{call}", call_id=call, queue_id=to, from_queue_id=queue, priority=3, reason=reason, by="s1"
    )


def offered(call: str, agent: str, offer: str, rule: str = "longest_idle", queue: str = "retail") -> OfferMade:
    return OfferMade(
        offer_id=offer,
        entry_id=f"e-{call}",
        call_id=call,
        queue_id=queue,
        why={"rule": rule},
        agent_id=agent,
        phone_id="p",
        node_id="fs1",
        epoch=1,
        deadline=NOON,
    )


def offer_ended(call: str, agent: str, offer: str, outcome: OfferOutcome = OfferOutcome.ANSWERED) -> OfferEnded:
    return OfferEnded(
        offer_id=offer, entry_id=f"e-{call}", call_id=call, queue_id="retail", agent_id=agent, outcome=outcome
    )


def handled(call: str, agent: str) -> ContactHandled:
    return ContactHandled(
        entry_id=f"e-{call}", call_id=call, queue_id="retail", agent_id=agent, talk_ms=1, wrap_up_ms=1
    )


def agent(name: str, state: AgentState, phone: str = "p1", call: str = "") -> AgentChanged:
    return AgentChanged(agent_id=name, state=state, phone_id=phone, call_id=call)


def phone(name: str, *, registered: bool) -> PhoneChanged:
    return PhoneChanged(phone_id=name, registered=registered)


def queue_config(limit_s: int) -> ConfigChanged:
    found = Queue(id="retail", name="Retail", service_level_s=limit_s)
    return ConfigChanged(kind="queue", object_id="retail", version=1, object=found)


def user_config(name: str) -> ConfigChanged:
    found = User(id=name, name=name.upper(), organisation="bank", skills={"loans": 1})
    return ConfigChanged(kind="user", object_id=name, version=1, object=found)


def stored(leg: str) -> RecordingStored:
    return RecordingStored(
        recording_id=leg, call_id="c", leg_id=leg, location="x", duration_ms=1, size_bytes=1, sha256="", channels=1
    )


def recording_failed(leg: str) -> RecordingFailed:
    return RecordingFailed(recording_id=leg, call_id="c", leg_id=leg, reason="missing")
