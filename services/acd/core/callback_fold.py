"""Events of callbacks to state; decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ipcc.contracts.callback import (
    CallbackDialled,
    CallbackOutcome,
    CallbackPaused,
    CallbackRequested,
    CallbackResumed,
    CallbackTried,
)
from services.acd.core.rows import Callback
from services.acd.core.state import State


def _requested(state: State, event: CallbackRequested, at: datetime) -> None:
    entry = state.entries.get(event.entry_id)
    if entry is None:
        return
    state.erase(state.elsewhere, entry.leg_id)
    callback = Callback(event.closes_at, event.paused_until, event.stretch_ends_at)
    # the caller's leg and its switch mean nothing to it any more: he may hang up
    changed = replace(entry, leg_id="", node_id="", caller_number=event.phone_number, callback=callback)
    if event.caller_name:
        changed = replace(changed, caller_name=event.caller_name)
    state.write(state.entries, entry.id, changed)


def _paused(state: State, event: CallbackPaused, at: datetime) -> None:
    entry = state.entries.get(event.entry_id)
    if entry is not None and entry.callback is not None:
        callback = replace(entry.callback, paused_until=event.paused_until, stretch_ends_at=None)
        state.write(state.entries, entry.id, replace(entry, callback=callback))


def _resumed(state: State, event: CallbackResumed, at: datetime) -> None:
    entry = state.entries.get(event.entry_id)
    if entry is not None and entry.callback is not None:
        callback = replace(entry.callback, paused_until=None, stretch_ends_at=event.stretch_ends_at)
        state.write(state.entries, entry.id, replace(entry, callback=callback))


def _dialled(state: State, event: CallbackDialled, at: datetime) -> None:
    offer = state.offers.get(event.offer_id)
    if offer is not None:
        state.write(state.offers, offer.id, replace(offer, customer_leg=event.leg_id, deadline=event.deadline))


def _tried(state: State, event: CallbackTried, at: datetime) -> None:
    offer = state.offers.get(event.offer_id)
    if offer is not None:
        deadline = event.deadline or offer.deadline
        state.write(state.offers, offer.id, replace(offer, customer_leg="", deadline=deadline))
    entry = state.entries.get(event.entry_id)
    callback = entry.callback if entry is not None else None
    if entry is None or callback is None:
        return
    if event.outcome is CallbackOutcome.ANSWERED:
        # he is on the line: from now on he waits like a caller
        callback = replace(callback, call_id=event.call_id, tries=event.tries)
        entry = replace(entry, leg_id=event.leg_id, node_id=event.node_id)
    else:
        paused_until = event.paused_until or callback.paused_until
        callback = replace(callback, paused_until=paused_until, tries=event.tries)
    state.write(state.entries, entry.id, replace(entry, callback=callback))


FOLDS: Mapping[type, Callable[[State, Any, datetime], None]] = {
    CallbackRequested: _requested,
    CallbackPaused: _paused,
    CallbackResumed: _resumed,
    CallbackDialled: _dialled,
    CallbackTried: _tried,
}
