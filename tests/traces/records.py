"""The call record of a recording: what is told of its calls, by the recorded bytes and by the simulated switch's.

One line for each fact told, in the order of each leg, with letters in place of uuids. Times of day are left out; how long somebody
talked is compared apart, since a phone that answers a frame later is no other call.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache

from ipcc.call.fold import CallFold
from ipcc.contracts import call as told
from ipcc.contracts.call import CallPayload
from ipcc.esl.normalise import normalise
from ipcc.esl.wire import Decoder, event_of
from ipcc.ids import NodeId
from tests.traces import frames, recorded, rows, script, stage

_NODE = NodeId("fs1")
# shown with their letters, or of another kind than a record's
_LEFT_OUT = {"call_id", "leg_id", "other_leg_id", "node_id", "resynced", "talk_ms", "duration_ms", "q850"}


@dataclass
class CallRecord:
    """``lines`` by the letter of the leg; ``talk_ms`` of each leg that ended."""

    lines: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    talk_ms: dict[str, int] = field(default_factory=dict)

    def hear(self, payload: CallPayload, legs: rows.Legs) -> None:
        """Put down one thing told."""
        leg = getattr(payload, "leg_id", "") or payload.call_id
        letter = legs.letters.get(leg) or "?"
        values = payload.model_dump(mode="json", exclude=_LEFT_OUT, exclude_defaults=True)
        if isinstance(payload, told.LegsBridged | told.LegsUnbridged):
            values["with"] = legs.letters.get(payload.other_leg_id) or "?"
        if isinstance(payload, told.LegEnded):
            self.talk_ms[letter] = payload.talk_ms
        line = " ".join([type(payload).__name__, *(f"{name}={value}" for name, value in values.items())])
        self.lines[letter].append(legs.mask(line))


@cache
def both(name: str, connection: str = "in") -> tuple[CallRecord, CallRecord]:
    """What the recorded switch's events say, and what the simulated switch's say of the same script."""
    played = stage.play(script.read(name))
    theirs, ours = recorded.bytes_in(name, connection), played.output.get(connection, b"")
    legs = rows.recorded_legs(_events(theirs))
    return _record(theirs, legs), _record(ours, rows.replayed_legs(_events(ours), legs, played.aliases))


def _record(data: bytes, legs: rows.Legs) -> CallRecord:
    fold, record = CallFold(), CallRecord()
    for frame in Decoder().feed(data):
        for fact in normalise(event_of(frame)) if frame.is_event else ():
            for item in fold.take(_NODE, fact):
                record.hear(item.payload, legs)
    return record


def _events(data: bytes) -> list[frames.Event]:
    found = [frames.event_of(frame) for frame in frames.split(data) if frame.is_event]
    return sorted(found, key=lambda event: int(event.get("Event-Sequence") or 0))
