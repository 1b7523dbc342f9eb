"""A contact's stay in a queue: taken in, left, abandoned, overflowed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ipcc.conditions import holds_for
from ipcc.contracts.acd import (
    AgentState,
    ChangeEntry,
    Enqueue,
    EntryChanged,
    EntryEnded,
    EntryOutcome,
    EntryQueued,
    LeaveQueue,
    OfferOutcome,
    PullEntry,
    WaitForetold,
)
from ipcc.contracts.config import VOICE, Queue
from ipcc.errors import Invalid, NotFound, NotNow
from services.acd.core import offers
from services.acd.core.estimate import COVERAGE, expected_wait
from services.acd.core.last_agents import last_agent
from services.acd.core.media import obstacle_for
from services.acd.core.overflow import closed_now, overflow_of
from services.acd.core.rows import Agent, Entry
from services.acd.core.state import State, opens_at, overflows_at, relaxes_at
from services.acd.core.turn import Turn, milliseconds

MAX_ATTRIBUTES = 64
MAX_TEXT = 1_000
SAFETY = "safety"
_BY_COMMAND = (EntryOutcome.TRANSFERRED, EntryOutcome.OVERFLOWED)
# clocks of two machines may differ by so much; nobody is joined to the safety net so soon
SKEW = timedelta(seconds=1)
# these become parts of commands to the switch
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.:-]{0,99}")


def enqueue(turn: Turn, command: Enqueue) -> None:
    """Take a contact in. Repeating it answers the same and changes nothing."""
    state = turn.state
    if command.entry_id in state.entries or command.entry_id in state.past:
        turn.result = describe(state, command.entry_id)
        return
    if command.entry_id in state.contacts:
        # repeated long after the answer (its end is forgotten by then): the caller talks, he must not be rung for again
        turn.result = {"entry_id": command.entry_id, "outcome": EntryOutcome.ANSWERED.value}
        return
    _check_enqueue(state, command, turn.now)
    take_in(turn, command)
    entry = state.entries[command.entry_id]
    rule = overflow_of(state, entry, turn.now)
    if rule is not None:
        end(turn, entry, EntryOutcome.OVERFLOWED, target=rule.to)
    else:
        foretell(turn, entry)
    turn.result = describe(state, command.entry_id)


def take_in(turn: Turn, command: Enqueue) -> None:
    """It stands in its queue from now on."""
    turn.tell(
        EntryQueued,
        entry_id=command.entry_id,
        call_id=command.call_id,
        leg_id=command.leg_id,
        node_id=command.node_id,
        queue_id=command.queue_id,
        # a clock that is ahead must not put anybody behind those who come later
        entered_at=min(command.entered_at, turn.now),
        language=command.language,
        caller_number=command.caller_number,
        caller_name=command.caller_name,
        attributes=command.attributes,
        medium=turn.state.queues[command.queue_id].medium,
        **_terms(turn.state, command, turn.now),
    )


def foretell(turn: Turn, entry: Entry) -> None:
    """Tell how long it will wait, if it will."""
    if any(lane.idle for lane in turn.state.lanes.of_entry(entry.id)):
        return
    expected = expected_wait(turn.state, entry)
    turn.tell(
        WaitForetold,
        entry_id=entry.id,
        call_id=entry.call_id,
        queue_id=entry.queue_id,
        position=turn.state.position(entry),
        coverage=COVERAGE,
        low_s=expected.low_s if expected else None,
        high_s=expected.high_s if expected else None,
    )


def _terms(state: State, command: Enqueue, now: datetime) -> dict[str, Any]:
    """By which rules it is served: what the command says, and the first precedence of its queue that holds."""
    queue = state.queues[command.queue_id]
    here = [a for a in command.preferred if state.agents.get(a, Agent(a)).state is not AgentState.OUT]
    wanted = tuple(here) if queue.preferred_wait_s else ()
    # whom a flow names comes before whom we remember
    last = "" if wanted else last_agent(state, command, queue, now)
    terms: dict[str, Any] = {
        "priority": command.priority,
        "skills": command.skills,
        "also": tuple(dict.fromkeys(q for q in command.also if q != command.queue_id)),
        "ageing_s": queue.ageing_s,
        # nobody waits for those who are not here
        "preferred": (last,) if last else wanted,
        "last_agent": last,
    }
    known = {**command.attributes, "caller_number": command.caller_number, "language": command.language}
    for rule in queue.precedence:
        if holds_for(rule.when, {**known, "priority": command.priority}):
            terms["priority"] = rule.priority or command.priority
            terms["skills"] = {**command.skills, **rule.skills}
            terms["precedence"] = rule.when
            break
    return terms


def check_terms(state: State, command: Enqueue) -> None:
    """Refuse what is too long or unknown in it. Raises Invalid."""
    for name in ("entry_id", "call_id"):
        if not _ID.fullmatch(getattr(command, name)):
            raise Invalid("acd.bad_id", f"{name} is not an id", field=name)
    _check_texts(command)
    for skill, level in command.skills.items():
        if skill not in state.skills or not 1 <= level <= 10:
            raise Invalid("acd.unknown_skill", f"there is no skill {skill} at level {level}", skill=skill)


def _check_enqueue(state: State, command: Enqueue, now: datetime) -> None:
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


def _check_texts(command: Enqueue) -> None:
    texts = (command.caller_name, command.caller_number, command.language, *command.attributes.values())
    if len(command.attributes) > MAX_ATTRIBUTES or any(len(t) > MAX_TEXT for t in (*texts, *command.attributes)):
        raise Invalid(
            "acd.too_much", f"at most {MAX_ATTRIBUTES} attributes and {MAX_TEXT} characters in any", field="attributes"
        )


def check_room(state: State, queue: Queue) -> None:
    """Raises NotNow when as many wait in ``queue`` as it lets."""
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
    is_gone = command.outcome is EntryOutcome.ABANDONED
    # that a caller has hung up is told by his leg alone
    if command.outcome not in _BY_COMMAND and not (is_gone and entry.medium != VOICE):
        raise Invalid("acd.bad_outcome", f"a contact is not {command.outcome} by command", field="outcome")
    refuse_answered(turn.state, entry)
    offer_outcome = OfferOutcome.CALLER_GONE if is_gone else OfferOutcome.WITHDRAWN
    end(turn, entry, command.outcome, target=command.target, offer_outcome=offer_outcome)
    turn.result = describe(turn.state, entry.id)


def _is_being_answered(state: State, entry: Entry) -> bool:
    return any(state.offers[key].answered_at is not None for key in state.offers_of.get(entry.id, ()))


def refuse_answered(state: State, entry: Entry) -> None:
    """Raises NotNow when an agent has picked up for it."""
    if _is_being_answered(state, entry):
        raise NotNow("acd.being_answered", "an agent has picked up", entry_id=entry.id)


def abandon(turn: Turn, entry: Entry) -> None:
    """The caller hung up while he waited; if an agent's phone rings for him, it stops."""
    end(turn, entry, EntryOutcome.ABANDONED, offer_outcome=OfferOutcome.CALLER_GONE)


def is_served_elsewhere(state: State, entry: Entry, other_leg_id: str, at: datetime) -> bool:
    """Whether a bridge of its leg with ``other_leg_id`` since ``at`` means that somebody who is no offer of ours talks to it.

    A bridge from before it was queued (with the agent who sent it here) says nothing, however late it is told; nor does one with
    an agent of ours, whose joining was given up before it was told.
    """
    is_ours = other_leg_id in state.offers or other_leg_id == entry.answered_offer
    return not is_ours and at > entry.queued_at + SKEW


def meet_elsewhere(turn: Turn, entry: Entry) -> None:
    """It leaves for whoever talks to it; while an agent of ours is being joined that joining has the last word."""
    turn.state.write(turn.state.elsewhere, entry.leg_id, True)
    if not _is_being_answered(turn.state, entry):
        give_away(turn, entry)


def give_away(turn: Turn, entry: Entry) -> None:
    """The safety net, or another service, has joined it to somebody."""
    end(turn, entry, EntryOutcome.TRANSFERRED, target=SAFETY)


def grow_old(turn: Turn, entry: Entry) -> None:
    """What becomes of an entry by waiting alone: sent elsewhere, no longer for preferred agents only, rules relaxed."""
    queue = turn.state.queues[entry.queue_id]
    overflow_at = overflows_at(entry, queue)
    if overflow_at is not None and overflow_at <= turn.now:
        end(turn, entry, EntryOutcome.OVERFLOWED, target=queue.overflow_to or "")
        return
    open_at = opens_at(entry, queue)
    if open_at is not None and open_at <= turn.now:
        why = "last_agent_wait_over" if entry.last_agent else "preferred_wait_over"
        entry = tell_change(turn, entry, Changes(why, preferred=()))
    while (relax_at := relaxes_at(entry, queue)) is not None and relax_at <= turn.now:
        entry = tell_change(turn, entry, Changes("relaxed", step=entry.step + 1))


@dataclass(frozen=True, slots=True)
class Changes:
    """What becomes different of an entry, and why; None stays as it is."""

    reason: str
    by: str = ""
    queue_id: str | None = None
    priority: int | None = None
    step: int | None = None
    preferred: tuple[str, ...] | None = None


def tell_change(turn: Turn, entry: Entry, to: Changes) -> Entry:
    """It is served by other rules from now on; the entry as it is then."""
    turn.tell(
        EntryChanged,
        entry_id=entry.id,
        call_id=entry.call_id,
        queue_id=entry.queue_id if to.queue_id is None else to.queue_id,
        from_queue_id=entry.queue_id,
        priority=entry.priority if to.priority is None else to.priority,
        ageing_s=entry.ageing_s if to.queue_id is None else turn.state.queues[to.queue_id].ageing_s,
        step=entry.step if to.step is None else to.step,
        preferred=entry.preferred if to.preferred is None else to.preferred,
        reason=to.reason,
        by=to.by,
    )
    return turn.state.entries[entry.id]


def change(turn: Turn, command: ChangeEntry) -> None:
    """Move it to another queue or give it another priority; an offer that is out is taken back when it moves."""
    state = turn.state
    entry = _waiting(state, command.entry_id)
    refuse_answered(state, entry)
    if command.queue_id is not None and command.queue_id != entry.queue_id:
        queue = open_queue(state, command.queue_id)
        refuse_other_medium(queue, entry.medium)
        check_room(state, queue)
        for key in list(state.offers_of.get(entry.id, ())):
            offers.end(turn, state.offers[key], OfferOutcome.WITHDRAWN, "the caller was moved")
        entry = state.entries[entry.id]
        entry = tell_change(turn, entry, Changes("moved", command.by, queue_id=queue.id, step=0, preferred=()))
    if command.priority is not None and command.priority != entry.priority:
        entry = tell_change(turn, entry, Changes("reprioritised", command.by, priority=command.priority))
    turn.result = describe(state, entry.id)


def pull(turn: Turn, command: PullEntry) -> None:
    """Offer it to one agent now: declared as an exception to the order of the queue, named in the offer."""
    state = turn.state
    entry = _waiting(state, command.entry_id)
    if entry.offer_id:
        raise NotNow("acd.being_offered", "it is being offered already", entry_id=entry.id)
    if entry.is_paused:
        raise NotNow("acd.callback_paused", "its customer may not be dialled yet", entry_id=entry.id)
    agent = turn.agent(command.agent_id)
    user = state.users.get(agent.id)
    obstacle = obstacle_for(user, agent, entry.medium) if user is not None else f"is {agent.state.value}"
    if obstacle:
        raise NotNow("acd.agent_not_ready", f"agent {agent.id} {obstacle}", agent_id=agent.id)
    if entry.queue_id not in state.queues or not state.is_up(entry.node_id):
        raise NotNow("acd.switch_down", f"switch {entry.node_id} takes no commands", node_id=entry.node_id)
    why = {"rule": "pulled", "by": command.by, "candidates": [], "inverted_by": {"pulled": state.position(entry) - 1}}
    offers.make(turn, entry, agent, offers.Reason(entry.queue_id, why))
    turn.result = describe(state, entry.id)


def _waiting(state: State, entry_id: str) -> Entry:
    entry = state.entries.get(entry_id)
    if entry is None:
        raise NotFound("acd.unknown_entry", f"there is no entry {entry_id}", entry_id=entry_id)
    return entry


def end(
    turn: Turn,
    entry: Entry,
    outcome: EntryOutcome,
    *,
    target: str = "",
    offer_outcome: OfferOutcome = OfferOutcome.WITHDRAWN,
) -> None:
    """Take the entry out, and back the offer that is out for it."""
    for key in list(turn.state.offers_of.get(entry.id, ())):
        offers.end(turn, turn.state.offers[key], offer_outcome, "")
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
        left = {"entry_id": entry_id, "queue_id": past.queue_id, "position": 0, "outcome": past.outcome.value}
        return {**left, "target": past.target} if past.target else left
    entry = state.entries[entry_id]
    asked_back = {"is_callback": True} if entry.callback is not None else {}
    return {
        **asked_back,
        "entry_id": entry_id,
        "queue_id": entry.queue_id,
        "position": state.position(entry),
        "entered_at": entry.entered_at.isoformat(),
        "offer_id": entry.offer_id,
        "expected_s": list(entry.expected) if entry.expected else None,
    }
