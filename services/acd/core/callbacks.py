"""Callback in queue: asked for, tried, given up. The entry stays what it was; only who is on the line changes.

With the agent first he is rung like for any contact, and the customer is dialled when he answers; with the customer first the agent
is reserved, and rung when the customer has answered. A customer on the line who has lost his agent waits on like a caller.
"""

from __future__ import annotations

import re
from datetime import timedelta

from ipcc.contracts.acd import Enqueue, EntryOutcome, OfferOutcome
from ipcc.contracts.callback import (
    CallbackOutcome,
    CallbackPaused,
    CallbackRequested,
    CallbackResumed,
    CancelCallback,
    RequestCallback,
)
from ipcc.errors import Invalid, NotFound, NotNow
from services.acd.core import admission, customers, entries, offers
from services.acd.core.rows import Entry, Offer
from services.acd.core.rules import JOIN_LIMIT_S, RING_MARGIN_S
from services.acd.core.turn import Turn

# who asked over his own telephone is told goodbye first; nobody is dialled while that is his line
FAREWELL = timedelta(seconds=20)
_NUMBER = re.compile(r"\+?[0-9]{3,20}")


def request(turn: Turn, command: RequestCallback) -> None:
    """An entry that waits, or a new one, is called back from now on. Repeating it answers the same and changes nothing."""
    state = turn.state
    entry = state.entries.get(command.entry_id)
    if command.entry_id in state.past or (entry is not None and entry.callback is not None):
        turn.result = entries.describe(state, command.entry_id)
        return
    if command.entry_id in state.contacts:
        turn.result = {"entry_id": command.entry_id, "outcome": EntryOutcome.ANSWERED.value}
        return
    if entry is None and not command.queue_id:
        # asked so late that his end is forgotten: he is not taken in a second time
        raise NotFound("acd.unknown_entry", f"nobody waits as {command.entry_id}", entry_id=command.entry_id)
    number = command.phone_number or (entry.caller_number if entry is not None else "")
    _check(turn, command, entry, number)
    has_line = entry is not None or bool(command.call_id and command.call_id not in state.gone)
    entry = _off_the_line(turn, entry) if entry is not None else _take_in(turn, command, number)
    _tell_requested(turn, command, entry, number, has_line=has_line)
    if not has_line:
        entries.foretell(turn, state.entries[entry.id])
    turn.result = entries.describe(state, entry.id)


def _check(turn: Turn, command: RequestCallback, entry: Entry | None, number: str) -> None:
    state = turn.state
    if not _NUMBER.fullmatch(number):
        raise Invalid("acd.bad_number", "no number is known that could be called back", field="phone_number")
    queue = admission.open_queue(state, entry.queue_id if entry is not None else command.queue_id)
    if queue.callback is None:
        raise NotNow("acd.no_callback", f"queue {queue.id} does not call back", queue_id=queue.id)
    customers.route_for(state, queue.callback, number)
    for other in state.entries.values():
        if other.callback is not None and other.caller_number == number and other.id != command.entry_id:
            raise NotNow(
                "acd.callback_waits", f"the number is to be called back already as {other.id}", entry_id=other.id
            )
    if entry is not None:
        entries.refuse_answered(state, entry)
    else:
        admission.check_terms(state, _enqueue(turn, command, number))
        admission.check_room(state, queue)


def _off_the_line(turn: Turn, entry: Entry) -> Entry:
    for key in list(turn.state.offers_of.get(entry.id, ())):
        offers.end(turn, turn.state.offers[key], OfferOutcome.WITHDRAWN, "the caller asked to be called back")
    return turn.state.entries[entry.id]


def _enqueue(turn: Turn, command: RequestCallback, number: str) -> Enqueue:
    return Enqueue(
        entry_id=command.entry_id,
        # one that comes from no call goes by its own name until there is one
        call_id=command.call_id or command.entry_id,
        leg_id="",
        node_id="",
        queue_id=command.queue_id,
        entered_at=command.entered_at or turn.now,
        priority=command.priority,
        skills=command.skills,
        language=command.language,
        caller_number=number,
        caller_name=command.caller_name,
        attributes=command.attributes,
    )


def _take_in(turn: Turn, command: RequestCallback, number: str) -> Entry:
    entries.take_in(turn, _enqueue(turn, command, number))
    return turn.state.entries[command.entry_id]


def _tell_requested(turn: Turn, command: RequestCallback, entry: Entry, number: str, *, has_line: bool) -> None:
    queue = turn.state.queues[entry.queue_id]
    rules = customers.rules_of(turn.state, entry)
    earliest = turn.now + FAREWELL if has_line else turn.now
    begin, end = customers.stretch(turn.state, queue, earliest)
    closes_at = turn.now + timedelta(seconds=rules.window_s)
    is_now = begin <= turn.now
    if begin >= closes_at:
        raise NotNow("acd.callback_too_late", f"queue {queue.id} may dial nobody in its window", queue_id=queue.id)
    turn.tell(
        CallbackRequested,
        entry_id=entry.id,
        call_id=entry.call_id,
        queue_id=entry.queue_id,
        phone_number=number,
        caller_name=command.caller_name,
        requested_by=command.requested_by,
        closes_at=closes_at,
        paused_until=None if is_now else begin,
        stretch_ends_at=min(end, closes_at) if is_now else None,
    )


def cancel(turn: Turn, command: CancelCallback) -> None:
    """Nobody wants it any more. One that ended before is answered with how."""
    state = turn.state
    if command.entry_id in state.past:
        turn.result = entries.describe(state, command.entry_id)
        return
    entry = _wanted(turn, command)
    entries.refuse_answered(state, entry)
    if not entry.is_to_be_dialled:
        raise NotNow("acd.customer_on_line", "the customer has been reached", entry_id=entry.id)
    entries.end(turn, entry, EntryOutcome.CANCELLED, target=command.by)
    turn.result = entries.describe(state, entry.id)


def _wanted(turn: Turn, command: CancelCallback) -> Entry:
    for entry in turn.state.entries.values():
        is_meant = entry.id == command.entry_id if command.entry_id else entry.caller_number == command.phone_number
        if is_meant and entry.callback is not None:
            return entry
    raise NotFound("acd.unknown_callback", "there is no such callback", entry_id=command.entry_id)


def caller_left(turn: Turn, entry: Entry) -> None:
    """The caller hung up after he asked: his line is free, so he may be dialled at once."""
    callback = entry.callback
    if callback is not None and callback.tries == 0 and entry.is_paused and entry.is_to_be_dialled:
        _resume(turn, entry)


def pass_time(turn: Turn, entry: Entry) -> bool:
    """A pause, the day's hours or the window is over. Whether it still waits."""
    callback = entry.callback
    if callback is None or callback.is_reached:
        return True
    if callback.closes_at <= turn.now:
        entries.end(turn, entry, EntryOutcome.UNREACHED, target="window")
        return False
    if callback.paused_until is not None:
        if callback.paused_until <= turn.now:
            _resume(turn, entry)
    elif callback.stretch_ends_at is not None and callback.stretch_ends_at <= turn.now:
        begin, _ = customers.stretch(turn.state, turn.state.queues.get(entry.queue_id), turn.now)
        where = {"entry_id": entry.id, "call_id": entry.call_id, "queue_id": entry.queue_id}
        turn.tell(CallbackPaused, **where, paused_until=max(begin, turn.now))
    return True


def _resume(turn: Turn, entry: Entry) -> None:
    """Offered again, if the hours of the day allow it now: they may have been changed meanwhile."""
    begin, end = customers.stretch(turn.state, turn.state.queues.get(entry.queue_id), turn.now)
    where = {"entry_id": entry.id, "call_id": entry.call_id, "queue_id": entry.queue_id}
    callback = entry.callback
    if begin > turn.now:
        if callback is not None and callback.paused_until != begin:
            turn.tell(CallbackPaused, **where, paused_until=begin)
    elif callback is not None:
        turn.tell(CallbackResumed, **where, stretch_ends_at=min(end, callback.closes_at))


def hear_answer(turn: Turn, offer: Offer) -> None:
    """The customer picked up: he is joined to his agent, or the agent's phone is rung now."""
    entry = turn.state.entries[offer.entry_id]
    queue = turn.state.queues.get(offer.queue_id)
    ring_s = (queue.ring_s if queue is not None else 0) + RING_MARGIN_S
    is_agent_there = offer.answered_at is not None
    deadline = turn.now + timedelta(seconds=JOIN_LIMIT_S if is_agent_there else ring_s)
    tries = (entry.callback.tries if entry.callback is not None else 0) + 1
    customers.tell_tried(turn, offer, CallbackOutcome.ANSWERED, tries=tries, until=(None, deadline))
    if is_agent_there:
        offers.join(turn, offer)
    else:
        offers.ring_agent(turn, turn.state.offers[offer.id], turn.state.entries[entry.id])


def miss(turn: Turn, offer: Offer, outcome: CallbackOutcome, cause: str) -> None:
    """The customer was not reached: his agent goes back to his place, and the next try comes after the pause, if there is one."""
    entry = turn.state.entries[offer.entry_id]
    callback = entry.callback
    if callback is None:
        return
    rules = customers.rules_of(turn.state, entry)
    counts = outcome is not CallbackOutcome.WITHDRAWN
    tries = callback.tries + counts
    queue = turn.state.queues.get(entry.queue_id)
    again_at, _ = customers.stretch(turn.state, queue, turn.now + timedelta(seconds=rules.pause_s))
    paused_until = again_at if counts else None
    is_agent_leg_gone = not offer.has_agent_leg
    customers.tell_tried(turn, offer, outcome, tries=tries, cause=cause, until=(paused_until, None))
    said = f"the customer was not reached: {outcome.value}"
    offers.end(turn, turn.state.offers[offer.id], OfferOutcome.WITHDRAWN, said, is_leg_gone=is_agent_leg_gone)
    if counts and (tries >= rules.tries or again_at >= callback.closes_at):
        target = "tries" if tries >= rules.tries else "window"
        entries.end(turn, turn.state.entries[entry.id], EntryOutcome.UNREACHED, target=target)
