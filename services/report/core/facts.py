"""Which event fills which columns: pure, a table from payload to changes; the store writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ipcc.contracts.acd import (
    AgentChanged,
    ContactHandled,
    EntryChanged,
    EntryEnded,
    EntryQueued,
    OfferEnded,
    OfferMade,
)
from ipcc.contracts.call import CallArrived, CallDataAttached, CallEnded, LegAnswered, LegEnded, LegStarted
from ipcc.contracts.config import ConfigChanged, Queue
from ipcc.contracts.envelope import Event
from ipcc.contracts.ivr import (
    BankOperationDone,
    FaxDone,
    NodeEntered,
    NodeLeft,
    SessionEnded,
    SessionStarted,
    SurveyAnswered,
)
from ipcc.contracts.outbound import AttemptStarted, NotificationDone, NotificationOrdered
from ipcc.contracts.payload import Payload
from ipcc.contracts.recording import RecordingFailed, RecordingStored, VoicemailChanged, VoicemailState
from ipcc.contracts.tags import LegRole

# what an event says of somebody it does not know: it leaves what others have told
UNSAID = frozenset({"", LegRole.UNKNOWN.value})


@dataclass(frozen=True)
class Change:
    """Set ``values`` on the row ``key`` of ``table``, made when it is not there; ``append`` adds to lists in it; of the times in
    ``began`` the earliest told stays: what was lost with its switch and is found again is told as beginning again."""

    table: str
    key: str
    values: dict[str, Any] = field(default_factory=dict)
    append: dict[str, Any] = field(default_factory=dict)
    began: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class Move:
    """An entry stands in ``queue_id`` from ``at`` on: its stay in ``from_queue_id`` is over and another begins."""

    key: str
    entry_id: str
    call_id: str
    from_queue_id: str
    queue_id: str
    at: datetime
    by: str


@dataclass(frozen=True)
class Told:
    """One event, taken apart."""

    data: Any
    at: datetime
    event_id: str


@dataclass(frozen=True)
class Copy:
    """An event whose fields are columns of one row. ``at`` takes its time, ``began`` if that is the earliest told; ``renamed`` are
    columns by the field they come from;
    ``if_said`` are fields that may be unknown to the event and known to the row."""

    table: str
    key: str
    fields: tuple[str, ...] = ()
    at: str = ""
    began: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)
    if_said: tuple[str, ...] = ()

    def __call__(self, told: Told) -> list[Change]:
        values = {name: _plain(getattr(told.data, name)) for name in self.fields}
        values |= {column: _plain(getattr(told.data, name)) for name, column in self.renamed.items()}
        said = {name: _plain(getattr(told.data, name)) for name in self.if_said}
        values |= {name: value for name, value in said.items() if value not in UNSAID}
        if self.at:
            values[self.at] = told.at
        began = {self.began: told.at} if self.began else {}
        return [Change(self.table, getattr(told.data, self.key), values, began=began)]


def changes(event: Event) -> list[Change | Move]:
    """What ``event`` changes in the history; nothing for those no report needs."""
    take = _TABLE.get(event.type)
    return list(take(Told(event.data, event.time, event.id))) if take else []


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, StrEnum) else value


def _arrived(told: Told) -> list[Change]:
    data: CallArrived = told.data
    first = Change(
        "leg", data.leg_id, {"call_id": data.call_id, "role": data.role.value}, began={"started_at": told.at}
    )
    return [*_ARRIVED(told), first]


def _node_entered(told: Told) -> list[Change]:
    data: NodeEntered = told.data
    if data.visit:
        # it is told again when it is left, with all that is counted; until then he stands there
        stands = {"call_id": data.call_id, "stands_at": data.flow_node, "stands_visit": data.visit}
        return [Change("flow_session", data.session_id, stands)]
    return [Change("flow_session", data.session_id, {"call_id": data.call_id}, {"path": data.flow_node})]


def _node_left(told: Told) -> list[Change]:
    data: NodeLeft = told.data
    if not data.visit:
        return []
    # of one visit there is one row, though a replica that died may have told it before
    return [Change("flow_step", f"{data.session_id}/{data.visit}", {**data.model_dump(), "left_at": told.at})]


def _bank_done(told: Told) -> list[Change]:
    data: BankOperationDone = told.data
    done = {"operation": data.operation, "outcome": data.outcome, "code": data.code, "elapsed_ms": data.elapsed_ms}
    return [Change("flow_session", data.session_id, {"call_id": data.call_id}, {"bank": done})]


def _queued(told: Told) -> list[Change]:
    data: EntryQueued = told.data
    values = {"call_id": data.call_id, "queue_id": data.queue_id}
    return [Change("stay", data.entry_id, {**values, "entered_at": data.entered_at, "waits_since": data.entered_at})]


def _entry_changed(told: Told) -> list[Move]:
    data: EntryChanged = told.data
    if data.queue_id == data.from_queue_id:
        # relaxed or given another priority: no measure of the queue hangs on that
        return []
    return [
        Move(told.event_id, data.entry_id, data.call_id, data.from_queue_id, data.queue_id, told.at, data.by),
    ]


def _voicemail_changed(told: Told) -> list[Change]:
    data: VoicemailChanged = told.data
    values = {name: _plain(getattr(data, name)) for name in ("call_id", "queue_id", "state", "due_at", "duration_ms")}
    values |= {name: value for name in ("agent_id", "outcome") if (value := getattr(data, name))}
    began = {"left_at": data.left_at}
    if data.state is VoicemailState.TAKEN:
        began["taken_at"] = data.changed_at
    if data.state is VoicemailState.DONE:
        began["done_at"] = data.changed_at
    found = [Change("voicemail", data.recording_id, values, began=began)]
    if data.change != "again":
        step = {"voicemail_id": data.recording_id, "change": data.change, "by": data.by, "at": told.at}
        found.append(Change("voicemail_step", told.event_id, step))
    return found


def _attached(told: Told) -> list[Change]:
    """Of what is attached to a call only for which voicemail it was made is kept."""
    voicemail_id = told.data.data.get("voicemail_id")
    return [Change("voicemail_call", told.data.call_id, {"voicemail_id": voicemail_id})] if voicemail_id else []


def _fax_done(told: Told) -> list[Change]:
    data: FaxDone = told.data
    values = data.model_dump(include={"call_id", "document", "to", "outcome", "pages", "reason", "attempt"})
    return [Change("fax", told.event_id, {**values, "done_at": told.at})]


def _survey_answered(told: Told) -> list[Change]:
    data: SurveyAnswered = told.data
    # a replica that goes on where another died may have it answered once more
    key = f"{data.session_id}/{data.survey}/{data.question}"
    values = data.model_dump(include={"call_id", "survey", "question", "answer"})
    return [Change("survey_answer", key, {**values, "answered_at": told.at})]


def _agent_changed(told: Told) -> list[Change]:
    data: AgentChanged = told.data
    values = {"agent_id": data.agent_id, "state": data.state.value, "reason": data.reason, "since": told.at}
    return [Change("agent_state", told.event_id, values)]


def _configured(told: Told) -> list[Change]:
    queue = told.data.object
    if not isinstance(queue, Queue):
        return []
    return [Change("queue", queue.id, _known(queue))]


def _known(queue: Queue) -> dict[str, object]:
    return {"name": queue.name, "service_level_s": queue.service_level_s, "medium": queue.medium}


_ARRIVED = Copy(
    "call",
    "call_id",
    ("direction", "node_id", "trunk", "caller_number", "caller_name", "dialled_number"),
    began="arrived_at",
)
_OF_LEG = ("role", "agent_id")
_OF_OFFER = ("entry_id", "call_id", "queue_id", "agent_id")

_COPIES: dict[type[Payload], Copy] = {
    CallEnded: Copy("call", "call_id", ("duration_ms", "cause"), at="ended_at"),
    LegStarted: Copy("leg", "leg_id", ("call_id", *_OF_LEG), began="started_at"),
    LegAnswered: Copy("leg", "leg_id", ("call_id",), at="answered_at", if_said=_OF_LEG),
    LegEnded: Copy("leg", "leg_id", ("call_id", "talk_ms", "cause", "hung_up_by"), at="ended_at", if_said=_OF_LEG),
    SessionStarted: Copy(
        "flow_session", "session_id", ("call_id", "flow_id", "flow_version", "entry_point"), began="started_at"
    ),
    SessionEnded: Copy("flow_session", "session_id", ("call_id", "outcome"), at="ended_at"),
    EntryEnded: Copy("stay", "entry_id", ("call_id", "queue_id", "outcome", "wait_ms", "agent_id"), at="ended_at"),
    ContactHandled: Copy("stay", "entry_id", ("call_id", "talk_ms", "wrap_up_ms", "wrap_up_code")),
    OfferMade: Copy("offer", "offer_id", (*_OF_OFFER, "why"), at="made_at"),
    OfferEnded: Copy("offer", "offer_id", (*_OF_OFFER, "outcome", "ring_ms"), at="ended_at"),
    RecordingStored: Copy("recording", "recording_id", ("call_id", "agent_id", "location", "duration_ms")),
    RecordingFailed: Copy("recording", "recording_id", ("call_id", "agent_id"), renamed={"reason": "fault"}),
    NotificationOrdered: Copy("notification", "notification_id", ("campaign_id", "reference"), at="ordered_at"),
    AttemptStarted: Copy("notification", "notification_id", ("campaign_id",), renamed={"number": "attempts"}),
    NotificationDone: Copy("notification", "notification_id", ("outcome", "attempts"), at="done_at"),
}

_TABLE: dict[str, Callable[[Told], list[Change] | list[Move]]] = {
    **{kind.TYPE: copy for kind, copy in _COPIES.items()},
    CallArrived.TYPE: _arrived,
    NodeEntered.TYPE: _node_entered,
    NodeLeft.TYPE: _node_left,
    BankOperationDone.TYPE: _bank_done,
    EntryQueued.TYPE: _queued,
    EntryChanged.TYPE: _entry_changed,
    AgentChanged.TYPE: _agent_changed,
    ConfigChanged.TYPE: _configured,
    VoicemailChanged.TYPE: _voicemail_changed,
    CallDataAttached.TYPE: _attached,
    FaxDone.TYPE: _fax_done,
    SurveyAnswered.TYPE: _survey_answered,
}
