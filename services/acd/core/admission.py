"""What a queue lets in: refused by name are texts too long, unknown skills, queues and switches, and a queue that is full or closed."""

from __future__ import annotations

import re
from datetime import datetime

from ipcc.contracts.acd import Enqueue
from ipcc.contracts.config import VOICE, Queue
from ipcc.errors import Invalid, NotFound, NotNow
from services.acd.core.overflow import closed_now
from services.acd.core.state import State

MAX_ATTRIBUTES = 64
MAX_TEXT = 1_000
# these become parts of commands to the switch
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.:-]{0,99}")


def check_enqueue(state: State, command: Enqueue, now: datetime) -> None:
    """Raises why it is not taken in: Invalid, NotFound or NotNow."""
    check_terms(state, command)
    queue = open_queue(state, command.queue_id)
    for other_id in command.also:
        refuse_other_medium(open_queue(state, other_id), queue.medium)
    _check_line(state, command, queue)
    for other in state.by_call.get(command.call_id, ()):
        raise NotNow("acd.already_queued", f"the call waits already as entry {other}", entry_id=other)
    check_room(state, queue)
    closed = closed_now(state, queue, now)
    if closed and all(rule.when != "closed" for rule in queue.overflow):
        raise NotNow("acd.closed", f"{queue.id} is {closed}", queue_id=queue.id)


def check_terms(state: State, command: Enqueue) -> None:
    """Refuse what is too long or unknown in it. Raises Invalid."""
    for name in ("entry_id", "call_id"):
        if not _ID.fullmatch(getattr(command, name)):
            raise Invalid("acd.bad_id", f"{name} is not an id", field=name)
    _check_texts(command)
    for skill, level in command.skills.items():
        if skill not in state.skills or not 1 <= level <= 10:
            raise Invalid("acd.unknown_skill", f"there is no skill {skill} at level {level}", skill=skill)


def _check_texts(command: Enqueue) -> None:
    texts = (command.caller_name, command.caller_number, command.language, *command.attributes.values())
    if len(command.attributes) > MAX_ATTRIBUTES or any(len(t) > MAX_TEXT for t in (*texts, *command.attributes)):
        raise Invalid(
            "acd.too_much", f"at most {MAX_ATTRIBUTES} attributes and {MAX_TEXT} characters in any", field="attributes"
        )


def _check_line(state: State, command: Enqueue, queue: Queue) -> None:
    """A caller has a leg on a switch of ours; a contact in writing has none. Raises what is wrong with it."""
    if queue.medium != VOICE:
        if command.leg_id or command.node_id:
            raise Invalid("acd.wrong_medium", f"{queue.id} is for {queue.medium}, not for calls", queue_id=queue.id)
        return
    for name in ("leg_id", "node_id"):
        if not _ID.fullmatch(getattr(command, name)):
            raise Invalid("acd.bad_id", f"{name} is not an id", field=name)
    if state.nodes and command.node_id not in state.nodes:
        raise NotFound("acd.unknown_node", f"there is no switch {command.node_id}", node_id=command.node_id)
    if command.leg_id in state.gone or command.call_id in state.gone:
        raise NotNow("acd.caller_gone", "the caller has hung up", call_id=command.call_id)


def refuse_other_medium(queue: Queue, medium: str) -> None:
    """Raises Invalid when contacts of ``medium`` have no place in ``queue``."""
    if queue.medium != medium:
        raise Invalid("acd.wrong_medium", f"{queue.id} is for {queue.medium}, not for {medium}", queue_id=queue.id)


def open_queue(state: State, queue_id: str) -> Queue:
    """The queue, if it takes anybody in. Raises NotFound."""
    queue = state.queues.get(queue_id)
    if queue is None or queue_id in state.removed_queues:
        raise NotFound("acd.unknown_queue", f"there is no queue {queue_id}", queue_id=queue_id)
    return queue


def check_room(state: State, queue: Queue) -> None:
    """Raises NotNow when as many wait in ``queue`` as it lets."""
    waiting = len(state.queued(queue.id))
    if waiting >= queue.max_waiting:
        raise NotNow("acd.queue_full", f"{waiting} wait in {queue.id} already", queue_id=queue.id, waiting=waiting)
