"""A contact's stay in a queue: taken in, left, abandoned, overflowed."""

from __future__ import annotations

import re
from typing import Any

from ipcc.contracts.acd import Enqueue, EntryEnded, EntryOutcome, EntryQueued, LeaveQueue, OfferOutcome
from ipcc.contracts.config import Queue
from ipcc.errors import Invalid, NotFound, NotNow
from services.acd.core import offers
from services.acd.core.rows import Entry
from services.acd.core.state import State
from services.acd.core.turn import Turn, milliseconds

MAX_ATTRIBUTES = 64
MAX_TEXT = 1_000
# these become parts of commands to the switch
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.:-]{0,99}")


def enqueue(turn: Turn, command: Enqueue) -> None:
    """Take a contact in. Repeating it answers the same and changes nothing."""
    state = turn.state
    if command.entry_id in state.entries or command.entry_id in state.past:
        turn.result = describe(state, command.entry_id)
        return
    _check_enqueue(state, command)
    turn.tell(
        EntryQueued,
        entry_id=command.entry_id,
        call_id=command.call_id,
        leg_id=command.leg_id,
        node_id=command.node_id,
        queue_id=command.queue_id,
        # a clock that is ahead must not put anybody behind those who come later
        entered_at=min(command.entered_at, turn.now),
        priority=command.priority,
        skills=command.skills,
        language=command.language,
        caller_number=command.caller_number,
        caller_name=command.caller_name,
        attributes=command.attributes,
    )
    turn.result = describe(state, command.entry_id)


def _check_enqueue(state: State, command: Enqueue) -> None:
    _check_shape(command)
    queue = state.queues.get(command.queue_id)
    if queue is None or command.queue_id in state.removed_queues:
        raise NotFound("acd.unknown_queue", f"there is no queue {command.queue_id}", queue_id=command.queue_id)
    if state.nodes and command.node_id not in state.nodes:
        raise NotFound("acd.unknown_node", f"there is no switch {command.node_id}", node_id=command.node_id)
    for skill, level in command.skills.items():
        if skill not in state.skills or not 1 <= level <= 10:
            raise Invalid("acd.unknown_skill", f"there is no skill {skill} at level {level}", skill=skill)
    if command.leg_id in state.gone or command.call_id in state.gone:
        raise NotNow("acd.caller_gone", "the caller has hung up", call_id=command.call_id)
    for other in state.by_call.get(command.call_id, ()):
        raise NotNow("acd.already_queued", f"the call waits already as entry {other}", entry_id=other)
    _check_room(state, queue)


def _check_shape(command: Enqueue) -> None:
    for name in ("entry_id", "call_id", "leg_id", "node_id"):
        if not _ID.fullmatch(getattr(command, name)):
            raise Invalid("acd.bad_id", f"{name} is not an id", field=name)
    texts = (command.caller_name, command.caller_number, command.language, *command.attributes.values())
    if len(command.attributes) > MAX_ATTRIBUTES or any(len(t) > MAX_TEXT for t in (*texts, *command.attributes)):
        raise Invalid(
            "acd.too_much", f"at most {MAX_ATTRIBUTES} attributes and {MAX_TEXT} characters in any", field="attributes"
        )


def _check_room(state: State, queue: Queue) -> None:
    waiting = len(state.queued(queue.id))
    if waiting >= queue.max_waiting:
        raise NotNow("acd.queue_full", f"{waiting} wait in {queue.id} already", queue_id=queue.id, waiting=waiting)


def leave(turn: Turn, command: LeaveQueue) -> None:
    """Take a contact out for another place. One that left before is answered with how."""
    if command.entry_id in turn.state.past:
        turn.result = describe(turn.state, command.entry_id)
        return
    entry = turn.state.entries.get(command.entry_id)
    if entry is None:
        raise NotFound("acd.unknown_entry", f"there is no entry {command.entry_id}", entry_id=command.entry_id)
    if command.outcome not in (EntryOutcome.TRANSFERRED, EntryOutcome.OVERFLOWED):
        raise Invalid("acd.bad_outcome", f"a contact is not {command.outcome} by command", field="outcome")
    offer = turn.state.offers.get(entry.offer_id)
    if offer is not None and offer.answered_at is not None:
        raise NotNow("acd.being_answered", "an agent has picked up", entry_id=entry.id)
    end(turn, entry, command.outcome, target=command.target, offer_outcome=OfferOutcome.WITHDRAWN)
    turn.result = describe(turn.state, entry.id)


def abandon(turn: Turn, entry: Entry) -> None:
    """The caller hung up while he waited; if an agent's phone rings for him, it stops."""
    end(turn, entry, EntryOutcome.ABANDONED, offer_outcome=OfferOutcome.CALLER_GONE)


def overflow(turn: Turn, entry: Entry) -> None:
    """He waited as long as his queue lets him."""
    end(turn, entry, EntryOutcome.OVERFLOWED)


def end(
    turn: Turn,
    entry: Entry,
    outcome: EntryOutcome,
    *,
    target: str = "",
    offer_outcome: OfferOutcome = OfferOutcome.WITHDRAWN,
) -> None:
    """Take the entry out, and back the offer that is out for it."""
    offer = turn.state.offers.get(entry.offer_id)
    if offer is not None:
        offers.end(turn, offer, offer_outcome, "")
    turn.tell(
        EntryEnded,
        entry_id=entry.id,
        call_id=entry.call_id,
        queue_id=entry.queue_id,
        outcome=outcome,
        wait_ms=milliseconds(turn.now - entry.entered_at),
        target=target,
    )


def describe(state: State, entry_id: str) -> dict[str, Any]:
    """What a command about an entry answers: its place (1 is next; 0 has left), and how it left."""
    past = state.past.get(entry_id)
    if past is not None:
        return {"entry_id": entry_id, "queue_id": past.queue_id, "position": 0, "outcome": past.outcome.value}
    entry = state.entries[entry_id]
    return {
        "entry_id": entry_id,
        "queue_id": entry.queue_id,
        "position": state.position(entry),
        "entered_at": entry.entered_at.isoformat(),
        "offer_id": entry.offer_id,
    }
