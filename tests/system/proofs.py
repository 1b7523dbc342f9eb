"""What must be true of calls that are over, whatever was killed meanwhile. Pure: from what the report and acd's log say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ipcc.contracts.acd import AcdPayload, EntryEnded, EntryQueued, OfferEnded, OfferMade

# so far times may differ that were taken by different services
TOLERANCE_MS = 2000


@dataclass
class Stay:
    """A stay in a queue by the log: when it began and ended, and when offers were under way."""

    entry_id: str
    call_id: str
    entered_at: datetime
    ended_at: datetime | None = None
    outcome: str = ""
    wait_ms: int | None = None


def stays(log: Iterable[tuple[datetime, AcdPayload]], calls: Iterable[str]) -> tuple[dict[str, Stay], list[str]]:
    """The stays of those calls by entry, and what the log says twice or never."""
    wanted, found, faults = set(calls), {}, []
    for at, data in log:
        if isinstance(data, EntryQueued) and data.call_id in wanted:
            if data.entry_id in found:
                faults.append(f"entry {data.entry_id} is queued twice")
            found[data.entry_id] = Stay(data.entry_id, data.call_id, data.entered_at)
        elif isinstance(data, EntryEnded) and data.entry_id in found:
            stay = found[data.entry_id]
            if stay.outcome:
                faults.append(f"entry {data.entry_id} ends twice: {stay.outcome}, {data.outcome}")
            stay.ended_at, stay.outcome, stay.wait_ms = at, data.outcome.value, data.wait_ms
    faults += [f"entry {stay.entry_id} never ends" for stay in found.values() if not stay.outcome]
    twice = [call for call, count in Counter(stay.call_id for stay in found.values()).items() if count > 1]
    return found, faults + [f"call {call} was queued anew" for call in twice]


def inversions(log: Iterable[tuple[datetime, AcdPayload]], known: Mapping[str, Stay]) -> list[str]:
    """Invariants I1 and I3: each offer is for whoever waits longest and is offered to nobody else, and each agent has one."""
    waiting: dict[str, Stay] = {}
    offered: dict[str, str] = {}  # offer by entry
    agents: dict[str, str] = {}  # offer by agent
    faults = []
    for _, data in log:
        if isinstance(data, EntryQueued) and data.entry_id in known:
            waiting[data.entry_id] = known[data.entry_id]
        elif isinstance(data, EntryEnded):
            waiting.pop(data.entry_id, None)
            offered.pop(data.entry_id, None)
        elif isinstance(data, OfferMade) and data.entry_id in known:
            if data.entry_id in offered or data.agent_id in agents:
                faults.append(f"offer {data.offer_id}: its contact or agent {data.agent_id} has another")
            before = [s for e, s in waiting.items() if e not in offered and e != data.entry_id]
            mine = known[data.entry_id].entered_at
            faults += [f"{data.entry_id} is offered before {s.entry_id}" for s in before if s.entered_at < mine]
            offered[data.entry_id], agents[data.agent_id] = data.offer_id, data.offer_id
        elif isinstance(data, OfferEnded):
            offered.pop(data.entry_id, None)
            agents.pop(data.agent_id, None)
    return faults


def wrong_waits(found: Mapping[str, Stay]) -> list[str]:
    """Waits that were not counted from the moment the caller entered."""
    faults = []
    for stay in found.values():
        if stay.ended_at is None or stay.wait_ms is None:
            continue
        real = (stay.ended_at - stay.entered_at) / timedelta(milliseconds=1)
        if abs(real - stay.wait_ms) > TOLERANCE_MS:
            faults.append(f"entry {stay.entry_id} waited {real:.0f} ms and is counted {stay.wait_ms} ms")
    return faults


def recording_faults(journey: Mapping[str, Any]) -> list[str]:
    """An answered call has one readable recording, no shorter than the talk: it began when the agent answered.

    Whoever did not hear the end of a talk counts it until it was found: the shorter of the two counts is nearer to it.
    """
    answered = [stay for stay in journey["stays"] if stay["outcome"] == "answered"]
    recordings = journey["recordings"]
    if len(answered) != len(recordings):
        return [f"{journey['call_id']}: {len(answered)} answered, {len(recordings)} recordings"]
    legs = [leg["talk_ms"] for leg in journey["legs"] if leg["role"] == "agent" and leg["talk_ms"]]
    talks = [min([stay["talk_ms"], *legs]) for stay in answered]
    return [
        f"{journey['call_id']}: recording {r['fault']} {r['duration_ms']} ms for {talk_ms} ms of talk"
        for talk_ms, r in zip(talks, recordings, strict=True)
        if r["fault"] or (r["duration_ms"] or 0) < talk_ms - TOLERANCE_MS
    ]
