"""A contact's stay in a queue: taken in, left, abandoned, overflowed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ipcc.conditions import holds_for
from ipcc.contracts.acd import (
    AgentState,
    Enqueue,
    EntryChanged,
    EntryEnded,
    EntryOutcome,
    EntryQueued,
    LeaveQueue,
    OfferOutcome,
    WaitForetold,
)
from ipcc.contracts.config import VOICE
from ipcc.errors import Invalid, NotFound, NotNow
from services.acd.core import offers
from services.acd.core.admission import check_enqueue
from services.acd.core.estimate import COVERAGE, expected_wait
from services.acd.core.last_agents import last_agent
from services.acd.core.overflow import overflow_of
from services.acd.core.rows import Agent, Entry
from services.acd.core.state import State, opens_at, overflows_at, relaxes_at
from services.acd.core.turn import Turn, milliseconds

SAFETY = "safety"
_BY_COMMAND = (EntryOutcome.TRANSFERRED, EntryOutcome.OVERFLOWED)
# clocks of two machines may differ by so much; nobody is joined to the safety net so soon
SKEW = timedelta(seconds=1)


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
    check_enqueue(state, command, turn.now)
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
