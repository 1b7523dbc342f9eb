"""Events of acd's own log to state. Decides nothing; what others say is taken in by ``learning.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ipcc.contracts.acd import (
    AcdPayload,
    AcdSnapshot,
    AgentChanged,
    AgentState,
    ContactHandled,
    EntryChanged,
    EntryEnded,
    EntryOutcome,
    EntryQueued,
    OfferAnswered,
    OfferEnded,
    OfferMade,
    OfferOutcome,
    OfferRinging,
    WaitForetold,
)
from ipcc.contracts.config import (
    VOICE,
)
from services.acd.core.callback_fold import FOLDS as CALLBACK_FOLDS
from services.acd.core.digital_fold import FOLDS as DIGITAL_FOLDS
from services.acd.core.digital_fold import without_pauses
from services.acd.core.last_agents import remember
from services.acd.core.load import worked
from services.acd.core.pauses import used
from services.acd.core.rows import (
    DEFAULT_HANDLE_S,
    EPOCH_ROW,
    SHARE_ROW,
    Agent,
    Contact,
    Entry,
    Offer,
    Pace,
    PastEntry,
    share_row,
)
from services.acd.core.rules import JOIN_LIMIT_S, NOT_HIS_DOING
from services.acd.core.state import State

# what the newest contact counts in a queue's pace
PACE_STEP = 0.05
ON_OFFER = frozenset({AgentState.OFFERED, AgentState.RINGING})


def evolve(state: State, event: AcdPayload, at: datetime) -> State:
    """``state`` after ``event`` of its own log, which happened ``at``. Changes the state given and returns it."""
    fold = _FOLDS.get(type(event))
    if fold is not None:
        fold(state, event, at)
    if event.cause is not None:
        place = f"{event.cause.topic}/{event.cause.partition}"
        if event.cause.offset >= state.offsets.get(place, 0):
            state.write(state.offsets, place, event.cause.offset + 1)
    return state


def _agent_changed(state: State, event: AgentChanged, at: datetime) -> None:
    old = state.agents.get(event.agent_id, Agent(event.agent_id))
    is_same = (old.state, old.reason) == (event.state, event.reason)
    paused_on, paused_s = (old.paused_on, old.paused_s) if is_same else used(old, at)
    state.write(
        state.agents,
        event.agent_id,
        replace(
            worked(old, event.state, at),
            state=event.state,
            since=old.since if is_same else at,
            reason=event.reason,
            then_reason=event.then_reason,
            phone_id=event.phone_id,
            offer_id=event.offer_id,
            call_id=event.call_id,
            until=event.until,
            limit_at=event.limit_at,
            overdue=event.overdue,
            paused_on=paused_on,
            paused_s=paused_s,
            idle_since=_idle_since(old, event, at),
            offered_epoch=_offered_epoch(state, old, event),
            uses=without_pauses(old.uses) if event.state is AgentState.READY else old.uses,
        ),
    )
    contact = state.contact_on(event.offer_id)
    if event.state is AgentState.WRAP_UP and contact is not None and contact.ended_at is None:
        state.write(state.contacts, contact.id, replace(contact, ended_at=at))


def _offered_epoch(state: State, old: Agent, event: AgentChanged) -> int:
    offer = state.offers.get(event.offer_id) if event.state is AgentState.OFFERED else None
    return offer.epoch if offer is not None else old.offered_epoch


def _idle_since(old: Agent, event: AgentChanged, at: datetime) -> datetime | None:
    if event.state in ON_OFFER:
        return old.idle_since
    if event.state is not AgentState.READY:
        return None
    # an offer that came to nothing without his doing does not cost him his place among the idle
    kept = old.state is AgentState.READY or (old.state in ON_OFFER and event.reason in NOT_HIS_DOING)
    return (old.idle_since if kept else None) or at


def _entry_queued(state: State, event: EntryQueued, at: datetime) -> None:
    state.write(
        state.entries,
        event.entry_id,
        Entry(
            id=event.entry_id,
            call_id=event.call_id,
            leg_id=event.leg_id,
            node_id=event.node_id,
            queue_id=event.queue_id,
            entered_at=event.entered_at,
            queued_at=at,
            priority=event.priority,
            skills=event.skills,
            language=event.language,
            caller_number=event.caller_number,
            caller_name=event.caller_name,
            attributes=event.attributes,
            also=event.also,
            ageing_s=event.ageing_s,
            preferred=event.preferred,
            last_agent=event.last_agent,
            medium=event.medium,
        ),
    )


def _wait_foretold(state: State, event: WaitForetold, at: datetime) -> None:
    entry = state.entries.get(event.entry_id)
    if entry is not None and event.low_s is not None and event.high_s is not None:
        state.write(state.entries, entry.id, replace(entry, expected=(event.low_s, event.high_s)))


def _entry_changed(state: State, event: EntryChanged, at: datetime) -> None:
    entry = state.entries.get(event.entry_id)
    if entry is not None:
        changed = replace(
            entry,
            queue_id=event.queue_id,
            priority=event.priority,
            ageing_s=event.ageing_s,
            step=event.step,
            preferred=event.preferred,
            also=tuple(queue for queue in entry.also if queue != event.queue_id),
        )
        state.write(state.entries, entry.id, changed)


def _offer_made(state: State, event: OfferMade, at: datetime) -> None:
    state.write(
        state.offers,
        event.offer_id,
        Offer(
            id=event.offer_id,
            entry_id=event.entry_id,
            call_id=event.call_id,
            queue_id=event.queue_id,
            agent_id=event.agent_id,
            phone_id=event.phone_id,
            node_id=event.node_id,
            epoch=event.epoch,
            made_at=at,
            deadline=event.deadline,
            medium=event.medium,
        ),
    )
    state.write(state.counters, EPOCH_ROW, max(state.epoch, event.epoch))
    entry = state.entries.get(event.entry_id)
    if entry is not None:
        tries = {**entry.tries, event.agent_id: entry.tries.get(event.agent_id, 0) + 1}
        state.write(state.entries, entry.id, replace(entry, offer_id=entry.offer_id or event.offer_id, tries=tries))
    agent = state.agents.get(event.agent_id)
    if event.medium != VOICE and agent is not None:
        state.write(state.agents, agent.id, replace(agent, offered_epoch=event.epoch))
    if event.share_cost:
        state.write(state.counters, SHARE_ROW, event.share_start)
        state.write(state.counters, share_row(event.queue_id), event.share_start + event.share_cost)


def _offer_ringing(state: State, event: OfferRinging, at: datetime) -> None:
    offer = state.offers.get(event.offer_id)
    if offer is not None:
        state.write(state.offers, offer.id, replace(offer, ringing_at=at))


def _offer_answered(state: State, event: OfferAnswered, at: datetime) -> None:
    offer = state.offers.get(event.offer_id)
    if offer is not None:
        deadline = at + timedelta(seconds=JOIN_LIMIT_S)
        state.write(state.offers, offer.id, replace(offer, answered_at=offer.answered_at or at, deadline=deadline))
    entry = state.entries.get(event.entry_id)
    if entry is not None and entry.answered_offer != event.offer_id:
        state.write(state.entries, entry.id, replace(entry, answered_offer=event.offer_id))


def _offer_ended(state: State, event: OfferEnded, at: datetime) -> None:
    offer = state.offers.get(event.offer_id)
    entry = state.entries.get(event.entry_id)
    state.erase(state.offers, event.offer_id)
    if event.outcome is OfferOutcome.ANSWERED and offer is not None and entry is not None:
        remember(state, entry, offer.agent_id, at)
        state.write(
            state.contacts,
            entry.id,
            Contact(
                id=entry.id,
                offer_id=offer.id,
                call_id=offer.call_id,
                queue_id=offer.queue_id,
                agent_id=offer.agent_id,
                node_id=offer.node_id,
                leg_id=entry.leg_id,
                joined_at=at,
                medium=offer.medium,
            ),
        )
    elif entry is not None and entry.offer_id == event.offer_id:
        state.write(state.entries, entry.id, replace(entry, offer_id=state.first_offer_of(entry.id)))


def _entry_ended(state: State, event: EntryEnded, at: datetime) -> None:
    is_lost = event.outcome is EntryOutcome.ABANDONED
    if is_lost or event.outcome is EntryOutcome.ANSWERED:
        pace = state.paces.get(event.queue_id) or Pace(event.queue_id, DEFAULT_HANDLE_S)
        state.write(state.paces, pace.id, replace(pace, lost=pace.lost + (is_lost - pace.lost) * PACE_STEP))
    entry = state.entries.get(event.entry_id)
    if entry is not None:
        state.erase(state.elsewhere, entry.leg_id)
    state.erase(state.entries, event.entry_id)
    state.forget_past(at)
    past = PastEntry(event.entry_id, event.call_id, event.queue_id, event.outcome, at, event.agent_id, event.target)
    if entry is not None:
        past = replace(past, expected=entry.expected)
    state.write(state.past, past.id, past)


def _contact_handled(state: State, event: ContactHandled, at: datetime) -> None:
    state.erase(state.contacts, event.entry_id)
    agent = state.agents.get(event.agent_id)
    if agent is not None:
        state.write(state.agents, agent.id, replace(agent, handled=agent.handled + 1))
    taken_s = (event.talk_ms + event.wrap_up_ms) / 1000
    pace = state.paces.get(event.queue_id) or Pace(event.queue_id, taken_s)
    state.write(state.paces, pace.id, replace(pace, handle_s=pace.handle_s + (taken_s - pace.handle_s) * PACE_STEP))


_FOLDS: dict[type, Callable[[State, Any, datetime], None]] = {
    AgentChanged: _agent_changed,
    EntryQueued: _entry_queued,
    EntryChanged: _entry_changed,
    WaitForetold: _wait_foretold,
    OfferMade: _offer_made,
    OfferRinging: _offer_ringing,
    OfferAnswered: _offer_answered,
    OfferEnded: _offer_ended,
    EntryEnded: _entry_ended,
    ContactHandled: _contact_handled,
    AcdSnapshot: lambda state, event, at: None,
    **CALLBACK_FOLDS,
    **DIGITAL_FOLDS,
}
