"""The one way into the core: ``decide`` an input against a state; ``advance`` does the same and keeps the new state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ipcc.contracts.acd import (
    AcdPayload,
    ChangeEntry,
    EndWrapUp,
    Enqueue,
    InputRef,
    LeaveQueue,
    OfferOutcome,
    PullEntry,
    SetNotReady,
    SetReady,
    SignIn,
    SignOut,
)
from ipcc.contracts.call import CallEnded, LegAnswered, LegEnded, LegRinging, LegsBridged, PhoneChanged
from ipcc.contracts.callback import CallbackOutcome, CancelCallback, RequestCallback
from ipcc.contracts.config import VOICE, ConfigChanged
from ipcc.contracts.digital import AcceptOffer, DeclineOffer, EndContact
from services.acd.core import absences, agents, callbacks, customers, digital, entries, interventions, offers
from services.acd.core.effects import Effect, EndLeg
from services.acd.core.inputs import (
    Bridged,
    Joined,
    JoinFailed,
    LegsSeen,
    NodeChanged,
    PickedUp,
    Rang,
    RingFailed,
    TakenOver,
    TimePassed,
)
from services.acd.core.learning import learn
from services.acd.core.reconciliation import STRAY_CAUSE, reconcile, take_over
from services.acd.core.routing import match
from services.acd.core.rows import Entry, Offer
from services.acd.core.state import State
from services.acd.core.turn import Turn

LOST = "NETWORK_OUT_OF_ORDER"


@dataclass(frozen=True)
class Decision:
    """Events to store, effects to carry out once they are stored, and the answer to a command."""

    events: tuple[AcdPayload, ...]
    effects: tuple[Effect, ...]
    result: dict[str, Any]


def decide(state: State, given: object, now: datetime, cause: InputRef | None = None) -> Decision:
    """What follows from ``given``; ``state`` is left as it was. Raises Refused for a command that cannot be done."""
    return _run(state, given, now, cause, keep=False)


def advance(state: State, given: object, now: datetime, cause: InputRef | None = None) -> Decision:
    """Like ``decide``, and ``state`` is afterwards what learning ``given`` and folding the events make of it."""
    return _run(state, given, now, cause, keep=True)


def _run(state: State, given: object, now: datetime, cause: InputRef | None, *, keep: bool) -> Decision:
    with state.trial(keep=keep):
        turn = Turn(state, now, cause)
        learn(state, given, now)
        handle = _HANDLERS.get(type(given))
        if handle is not None:
            handle(turn, given)
            absences.notice(turn)
            match(turn)
        return Decision(tuple(turn.events), tuple(turn.effects), turn.result)


def _time_passed(turn: Turn, given: TimePassed) -> None:
    state = turn.state
    for at, table, key in state.due(turn.now):
        if table == "offers" and key in state.offers and state.offers[key].deadline == at:
            _expire(turn, state.offers[key])
        elif table == "agents" and state.agents[key].until == at:
            agents.time_up(turn, state.agents[key])
        elif table == "pauses":
            agents.run_over(turn, state.agents[key])
        elif table == "contacts" and key in state.contacts:
            digital.time_up(turn, state.contacts[key])
        elif table == "entries" and key in state.entries and not state.entries[key].offer_id:
            _grow_old(turn, state.entries[key])


def _grow_old(turn: Turn, entry: Entry) -> None:
    if callbacks.pass_time(turn, entry):
        entries.grow_old(turn, turn.state.entries[entry.id])


def _expire(turn: Turn, offer: Offer) -> None:
    # while the link is cut nobody knows whether they are talking: the look that follows its return tells
    if not turn.state.is_up(offer.node_id):
        return
    if offer.customer_leg:
        turn.do(EndLeg(offer.node_id, offer.customer_leg, "NO_ANSWER"))
        callbacks.miss(turn, offer, CallbackOutcome.NO_ANSWER, "NO_ANSWER")
    else:
        offers.expire(turn, offer)


def _rung(turn: Turn, leg_id: str) -> Offer | None:
    """The offer whose agent is rung as that leg; nothing a switch says is about an offer in writing."""
    offer = turn.state.offers.get(leg_id)
    return offer if offer is not None and offer.is_by_phone else None


def _dialling(turn: Turn, leg_id: str) -> Offer | None:
    """The offer for which a customer is being dialled as that leg."""
    return turn.state.offers.get(turn.state.by_customer.get(leg_id, ""))


def _rang(turn: Turn, given: Rang) -> None:
    offer = _rung(turn, given.offer_id)
    if offer is not None:
        offers.ring(turn, offer)
    elif _dialling(turn, given.offer_id) is None:
        _end_late_leg(turn, given.node_id, given.offer_id)


def _picked_up(turn: Turn, given: PickedUp) -> None:
    offer = _rung(turn, given.offer_id)
    called_back = _dialling(turn, given.offer_id)
    if offer is not None:
        offers.answer(turn, offer)
    elif called_back is not None:
        callbacks.hear_answer(turn, called_back)
    else:
        _end_late_leg(turn, given.node_id, given.offer_id)


def _end_late_leg(turn: Turn, node_id: str, leg_id: str) -> None:
    # the order to end it may have come before the leg itself; a customer who was called back and waits, or talks, is no such leg
    is_served = turn.state.by_leg.get(leg_id) or any(c.leg_id == leg_id for c in turn.state.contacts.values())
    if turn.state.contact_on(leg_id) is None and not is_served:
        turn.do(EndLeg(node_id, leg_id, STRAY_CAUSE))


def _joined(turn: Turn, given: Joined) -> None:
    offer = _rung(turn, given.offer_id)
    if offer is not None:
        offers.fulfil(turn, offer)


def _ring_failed(turn: Turn, given: RingFailed) -> None:
    offer = _rung(turn, given.offer_id)
    called_back = _dialling(turn, given.offer_id)
    if offer is not None:
        offers.lose_leg(turn, offer, given.cause)
    elif called_back is not None:
        callbacks.miss(turn, called_back, customers.outcome_of(given.cause), given.cause)


def _join_failed(turn: Turn, given: JoinFailed) -> None:
    offer = _rung(turn, given.offer_id)
    if offer is None:
        _part(turn, given)
        return
    entry = turn.state.entries[offer.entry_id]
    if entry.is_to_be_dialled:
        return  # nobody was to be joined yet
    if not given.is_caller_alive:
        entries.abandon(turn, entry)
    elif entry.leg_id in turn.state.elsewhere:
        entries.give_away(turn, entry)
    elif not given.is_agent_alive:
        offers.lose_leg(turn, offer, offers.NORMAL_CLEARING)
    else:
        offers.end(turn, offer, OfferOutcome.FAILED, "the switch did not join the legs")


def _part(turn: Turn, given: JoinFailed) -> None:
    """The bridge was told first, and then the caller found gone: the agent's leg may stand there alone, and nothing would tell it."""
    contact = turn.state.contact_on(given.offer_id)
    if contact is not None and given.is_agent_alive and not given.is_caller_alive:
        turn.do(EndLeg(contact.node_id, given.offer_id, offers.NORMAL_CLEARING))


def _leg_ringing(turn: Turn, fact: LegRinging) -> None:
    offer = _rung(turn, fact.leg_id)
    if offer is not None:
        offers.ring(turn, offer)


def _leg_answered(turn: Turn, fact: LegAnswered) -> None:
    offer = _rung(turn, fact.leg_id)
    called_back = _dialling(turn, fact.leg_id)
    if offer is not None:
        offers.answer(turn, offer)
    elif called_back is not None:
        callbacks.hear_answer(turn, called_back)


def _legs_bridged(turn: Turn, fact: LegsBridged) -> None:
    for one, other in ((fact.leg_id, fact.other_leg_id), (fact.other_leg_id, fact.leg_id)):
        offer = _rung(turn, one)
        if offer is not None and turn.state.entries[offer.entry_id].leg_id == other:
            offers.fulfil(turn, offer)
            return


def _bridged(turn: Turn, given: Bridged) -> None:
    """The same, and besides: whoever waits and talks to somebody who is no offer of ours is served elsewhere."""
    state = turn.state
    pairs = ((given.leg_id, given.other_leg_id), (given.other_leg_id, given.leg_id))
    _legs_bridged(turn, LegsBridged(call_id="", leg_id=given.leg_id, node_id="", other_leg_id=given.other_leg_id))
    for mine, other in pairs:
        for entry in [state.entries[key] for key in sorted(state.by_leg.get(mine, ()))]:
            if entries.is_served_elsewhere(state, entry, other, given.at):
                entries.meet_elsewhere(turn, entry)


def _leg_ended(turn: Turn, fact: LegEnded) -> None:
    if fact.resynced and fact.cause == LOST and turn.state.is_up(fact.node_id):
        # ctiserver has lost sight of a switch that we see: our own look finds out who is still there (LegsSeen)
        return
    offer = _rung(turn, fact.leg_id)
    contact = turn.state.contact_on(fact.leg_id)
    called_back = _dialling(turn, fact.leg_id)
    if offer is not None:
        offers.lose_leg(turn, offer, fact.cause)
    elif called_back is not None:
        callbacks.miss(turn, called_back, customers.outcome_of(fact.cause), fact.cause)
    elif contact is not None and contact.medium == VOICE:
        agents.end_talk(turn, contact)
    else:
        for key in sorted(turn.state.by_leg.get(fact.leg_id, ())):
            entries.abandon(turn, turn.state.entries[key])


def _call_ended(turn: Turn, fact: CallEnded) -> None:
    is_hearsay = fact.resynced and fact.cause == LOST
    for entry in _entries_of(turn, fact.call_id):
        if is_hearsay and turn.state.is_up(entry.node_id):
            continue
        if entry.callback is None:
            entries.abandon(turn, entry)
        else:
            callbacks.caller_left(turn, entry)


def _entries_of(turn: Turn, call_id: str) -> list[Entry]:
    return [turn.state.entries[key] for key in sorted(turn.state.by_call.get(call_id, ()))]


def _config_changed(turn: Turn, given: ConfigChanged) -> None:
    if given.kind == "user" and given.object_id not in turn.state.users:
        agents.hear_removed(turn, given.object_id)


def _node_changed(turn: Turn, given: NodeChanged) -> None:
    """Nothing but routing follows."""


_HANDLERS: dict[type, Callable[[Turn, Any], None]] = {
    # commands
    Enqueue: entries.enqueue,
    LeaveQueue: entries.leave,
    ChangeEntry: interventions.change,
    PullEntry: interventions.pull,
    RequestCallback: callbacks.request,
    CancelCallback: callbacks.cancel,
    SignIn: agents.sign_in,
    SignOut: agents.sign_out,
    SetReady: agents.set_ready,
    SetNotReady: agents.set_not_ready,
    EndWrapUp: agents.end_wrap_up,
    AcceptOffer: digital.accept,
    DeclineOffer: digital.decline,
    EndContact: digital.end_contact,
    # facts of others
    LegRinging: _leg_ringing,
    LegAnswered: _leg_answered,
    LegsBridged: _legs_bridged,
    Bridged: _bridged,
    LegEnded: _leg_ended,
    CallEnded: _call_ended,
    PhoneChanged: agents.hear_phone,
    ConfigChanged: _config_changed,
    # our own
    TimePassed: _time_passed,
    NodeChanged: _node_changed,
    Rang: _rang,
    PickedUp: _picked_up,
    Joined: _joined,
    RingFailed: _ring_failed,
    JoinFailed: _join_failed,
    LegsSeen: reconcile,
    TakenOver: take_over,
}
