"""When a contact that comes, or one that nobody is left to serve, is sent elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from ipcc.contracts.config import Overflow, Queue
from services.acd.core.estimate import expected_wait
from services.acd.core.opening import closed_because
from services.acd.core.rows import Entry
from services.acd.core.state import State


def closed_now(state: State, queue: Queue, now: datetime) -> str:
    """Why ``queue`` is closed; "" when it is open."""
    return closed_because(queue, state.calendars.get(queue.calendar or ""), now)


def overflow_of(state: State, entry: Entry, now: datetime) -> Overflow | None:
    """The first rule of its queue by which ``entry``, which has just come, is sent elsewhere."""
    queue = state.queues[entry.queue_id]
    return next((rule for rule in queue.overflow if _CHECKS[rule.when](state, entry, rule, now)), None)


def unstaffed_rule(queue: Queue) -> Overflow | None:
    """What becomes of those who wait in ``queue`` when nobody is signed in any more who could serve them."""
    return next((rule for rule in queue.overflow if rule.when == "no_agents"), None)


def is_unstaffed(state: State, entry: Entry) -> bool:
    """Whether nobody is signed in who could serve it, in any of its queues."""
    return not any(lane.members for lane in state.lanes.of_entry(entry.id))


def _is_crowded(state: State, entry: Entry, rule: Overflow, now: datetime) -> bool:
    return len(state.queued(entry.queue_id)) > rule.above


def _waits_long(state: State, entry: Entry, rule: Overflow, now: datetime) -> bool:
    waits = (
        (now - other.entered_at).total_seconds() for other in state.in_queue(entry.queue_id) if other.id != entry.id
    )
    return max(waits, default=0.0) > rule.above


def _will_wait_long(state: State, entry: Entry, rule: Overflow, now: datetime) -> bool:
    expected = expected_wait(state, entry)
    return expected is not None and expected.middle_s > rule.above


def _nobody_there(state: State, entry: Entry, rule: Overflow, now: datetime) -> bool:
    return is_unstaffed(state, entry)


def _is_closed(state: State, entry: Entry, rule: Overflow, now: datetime) -> bool:
    return bool(closed_now(state, state.queues[entry.queue_id], now))


_CHECKS: Mapping[str, Callable[[State, Entry, Overflow, datetime], bool]] = {
    "size": _is_crowded,
    "longest_wait": _waits_long,
    "expected_wait": _will_wait_long,
    "no_agents": _nobody_there,
    "closed": _is_closed,
}
