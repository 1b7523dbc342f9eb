"""Which event fills which columns: pure, a table from payload to changes; the store writes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ipcc.contracts.acd import AgentChanged, ContactHandled, EntryEnded, EntryQueued, OfferEnded, OfferMade
from ipcc.contracts.call import CallArrived, CallEnded, LegAnswered, LegEnded, LegStarted
from ipcc.contracts.config import ConfigChanged, Queue
from ipcc.contracts.envelope import Event
from ipcc.contracts.ivr import BankOperationDone, NodeEntered, SessionEnded, SessionStarted
from ipcc.contracts.outbound import AttemptStarted, NotificationDone, NotificationOrdered
from ipcc.contracts.recording import RecordingFailed, RecordingStored
from ipcc.contracts.tags import LegRole


@dataclass(frozen=True)
class Change:
    """Set ``values`` on the row ``key`` of ``table``, made when it is not there; ``append`` adds to lists in it."""

    table: str
    key: str
    values: dict[str, Any] = field(default_factory=dict)
    append: dict[str, Any] = field(default_factory=dict)


def changes(event: Event) -> list[Change]:
    """What ``event`` changes in the history; nothing for those no report needs."""
    take = _TABLE.get(event.type)
    return take(event.data, event.time, event.id) if take else []


def _arrived(data: CallArrived, at: datetime, event_id: str) -> list[Change]:
    values = {
        "direction": data.direction.value,
        "node_id": data.node_id,
        "trunk": data.trunk,
        "caller_number": data.caller_number,
        "caller_name": data.caller_name,
        "dialled_number": data.dialled_number,
        "arrived_at": at,
    }
    first = Change("leg", data.leg_id, {"call_id": data.call_id, "role": data.role.value, "started_at": at})
    return [Change("call", data.call_id, values), first]


def _call_ended(data: CallEnded, at: datetime, event_id: str) -> list[Change]:
    return [Change("call", data.call_id, {"ended_at": at, "duration_ms": data.duration_ms, "cause": data.cause})]


def _leg_started(data: LegStarted, at: datetime, event_id: str) -> list[Change]:
    values = {"call_id": data.call_id, "role": data.role.value, "agent_id": data.agent_id, "started_at": at}
    return [Change("leg", data.leg_id, values)]


def _leg_answered(data: LegAnswered, at: datetime, event_id: str) -> list[Change]:
    values = {"call_id": data.call_id, "answered_at": at, **_who(data)}
    return [Change("leg", data.leg_id, values)]


def _leg_ended(data: LegEnded, at: datetime, event_id: str) -> list[Change]:
    values = {
        "call_id": data.call_id,
        "ended_at": at,
        "talk_ms": data.talk_ms,
        "cause": data.cause,
        "hung_up_by": data.hung_up_by,
        **_who(data),
    }
    return [Change("leg", data.leg_id, values)]


def _who(data: LegAnswered | LegEnded) -> dict[str, Any]:
    """Role and agent where the event knows them: a leg found by looking may have had no start."""
    role = {} if data.role is LegRole.UNKNOWN else {"role": data.role.value}
    return {**role, **({"agent_id": data.agent_id} if data.agent_id else {})}


def _session_started(data: SessionStarted, at: datetime, event_id: str) -> list[Change]:
    values = {
        "call_id": data.call_id,
        "flow_id": data.flow_id,
        "flow_version": data.flow_version,
        "entry_point": data.entry_point,
        "started_at": at,
    }
    return [Change("flow_session", data.session_id, values)]


def _node_entered(data: NodeEntered, at: datetime, event_id: str) -> list[Change]:
    return [Change("flow_session", data.session_id, {"call_id": data.call_id}, {"path": data.flow_node})]


def _bank_done(data: BankOperationDone, at: datetime, event_id: str) -> list[Change]:
    told = {"operation": data.operation, "outcome": data.outcome, "code": data.code, "elapsed_ms": data.elapsed_ms}
    return [Change("flow_session", data.session_id, {"call_id": data.call_id}, {"bank": told})]


def _session_ended(data: SessionEnded, at: datetime, event_id: str) -> list[Change]:
    return [Change("flow_session", data.session_id, {"call_id": data.call_id, "ended_at": at, "outcome": data.outcome})]


def _queued(data: EntryQueued, at: datetime, event_id: str) -> list[Change]:
    values = {"call_id": data.call_id, "queue_id": data.queue_id, "entered_at": data.entered_at}
    return [Change("stay", data.entry_id, values)]


def _entry_ended(data: EntryEnded, at: datetime, event_id: str) -> list[Change]:
    values = {
        "call_id": data.call_id,
        "queue_id": data.queue_id,
        "ended_at": at,
        "outcome": data.outcome.value,
        "wait_ms": data.wait_ms,
        "agent_id": data.agent_id,
    }
    return [Change("stay", data.entry_id, values)]


def _handled(data: ContactHandled, at: datetime, event_id: str) -> list[Change]:
    values = {
        "call_id": data.call_id,
        "talk_ms": data.talk_ms,
        "wrap_up_ms": data.wrap_up_ms,
        "wrap_up_code": data.wrap_up_code,
    }
    return [Change("stay", data.entry_id, values)]


def _offer_made(data: OfferMade, at: datetime, event_id: str) -> list[Change]:
    values = {
        "entry_id": data.entry_id,
        "call_id": data.call_id,
        "queue_id": data.queue_id,
        "agent_id": data.agent_id,
        "made_at": at,
        "why": data.why,
    }
    return [Change("offer", data.offer_id, values)]


def _offer_ended(data: OfferEnded, at: datetime, event_id: str) -> list[Change]:
    values = {
        "entry_id": data.entry_id,
        "call_id": data.call_id,
        "queue_id": data.queue_id,
        "agent_id": data.agent_id,
        "ended_at": at,
        "outcome": data.outcome.value,
        "ring_ms": data.ring_ms,
    }
    return [Change("offer", data.offer_id, values)]


def _stored(data: RecordingStored, at: datetime, event_id: str) -> list[Change]:
    values = {
        "call_id": data.call_id,
        "agent_id": data.agent_id,
        "location": data.location,
        "duration_ms": data.duration_ms,
    }
    return [Change("recording", data.recording_id, values)]


def _recording_failed(data: RecordingFailed, at: datetime, event_id: str) -> list[Change]:
    values = {"call_id": data.call_id, "agent_id": data.agent_id, "fault": data.reason}
    return [Change("recording", data.recording_id, values)]


def _agent_changed(data: AgentChanged, at: datetime, event_id: str) -> list[Change]:
    values = {"agent_id": data.agent_id, "state": data.state.value, "reason": data.reason, "since": at}
    return [Change("agent_state", event_id, values)]


def _configured(data: ConfigChanged, at: datetime, event_id: str) -> list[Change]:
    if not isinstance(data.object, Queue):
        return []
    values = {"name": data.object.name, "service_level_s": data.object.service_level_s}
    return [Change("queue", data.object.id, values)]


def _ordered(data: NotificationOrdered, at: datetime, event_id: str) -> list[Change]:
    values = {"campaign_id": data.campaign_id, "reference": data.reference, "ordered_at": at}
    return [Change("notification", data.notification_id, values)]


def _attempted(data: AttemptStarted, at: datetime, event_id: str) -> list[Change]:
    return [Change("notification", data.notification_id, {"campaign_id": data.campaign_id, "attempts": data.number})]


def _notified(data: NotificationDone, at: datetime, event_id: str) -> list[Change]:
    values = {"outcome": data.outcome.value, "attempts": data.attempts, "done_at": at}
    return [Change("notification", data.notification_id, values)]


_TABLE: dict[str, Callable[[Any, datetime, str], list[Change]]] = {
    CallArrived.TYPE: _arrived,
    CallEnded.TYPE: _call_ended,
    LegStarted.TYPE: _leg_started,
    LegAnswered.TYPE: _leg_answered,
    LegEnded.TYPE: _leg_ended,
    SessionStarted.TYPE: _session_started,
    NodeEntered.TYPE: _node_entered,
    BankOperationDone.TYPE: _bank_done,
    SessionEnded.TYPE: _session_ended,
    EntryQueued.TYPE: _queued,
    EntryEnded.TYPE: _entry_ended,
    ContactHandled.TYPE: _handled,
    OfferMade.TYPE: _offer_made,
    OfferEnded.TYPE: _offer_ended,
    RecordingStored.TYPE: _stored,
    RecordingFailed.TYPE: _recording_failed,
    AgentChanged.TYPE: _agent_changed,
    ConfigChanged.TYPE: _configured,
    NotificationOrdered.TYPE: _ordered,
    AttemptStarted.TYPE: _attempted,
    NotificationDone.TYPE: _notified,
}
