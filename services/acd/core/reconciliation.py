"""What we believe against what is on a switch: after a takeover and every few seconds anyway.

The switch is right about what exists; we are right about what should exist.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ipcc.contracts.acd import OfferOutcome
from ipcc.contracts.callback import CallbackOutcome
from services.acd.core import agents, callbacks, entries, offers
from services.acd.core.effects import EndLeg
from services.acd.core.inputs import LegsSeen, SeenLeg, TakenOver
from services.acd.core.rows import Contact, Offer
from services.acd.core.turn import Turn

# what happened this short a time before the switch was asked may not show in its answer yet
GRACE = timedelta(seconds=3)
NOTHING = timedelta()
STRAY_CAUSE = "NORMAL_TEMPORARY_FAILURE"


def take_over(turn: Turn, given: TakenOver) -> None:
    """Repair what changed while nobody owned the domain, before anything new is decided."""
    agents.settle(turn)
    for seen in given.looks:
        reconcile(turn, seen)


def reconcile(turn: Turn, seen: LegsSeen) -> None:
    """Take in what was found; end what nobody remembers and forget what is gone."""
    state = turn.state
    for leg in seen.legs.values():
        if (leg.offer_id and _is_stray(turn, leg)) or _is_stray_customer(turn, leg):
            turn.do(EndLeg(seen.node_id, leg.leg_id, STRAY_CAUSE))
    # in an order of their own, so that the same state decides the same however it was built
    for contact in sorted((c for c in state.contacts.values() if c.node_id == seen.node_id), key=lambda c: c.id):
        _check_contact(turn, contact, seen)
    for offer in sorted((o for o in state.offers.values() if o.node_id == seen.node_id), key=lambda o: o.epoch):
        if offer.id in state.offers:
            _check_offer(turn, offer, seen)
    for entry in sorted((e for e in state.entries.values() if e.node_id == seen.node_id), key=lambda e: e.order):
        if entry.leg_id not in seen.legs and _is_settled(entry.queued_at, seen) and entry.id in state.entries:
            entries.abandon(turn, state.entries[entry.id])


def _is_settled(at: datetime, seen: LegsSeen) -> bool:
    # after a takeover no order of ours is under way; what came after the question is not in its answer all the same
    return at <= seen.asked_at - (NOTHING if seen.is_takeover else GRACE)


def _check_offer(turn: Turn, offer: Offer, seen: LegsSeen) -> None:
    if offer.customer_leg:
        _check_customer(turn, offer, seen)
    if offer.id in turn.state.offers:
        _check_agent(turn, turn.state.offers[offer.id], seen)


def _check_customer(turn: Turn, offer: Offer, seen: LegsSeen) -> None:
    """Whoever is called back was dialled for it: answered, still ringing, or not there (any more)."""
    leg = seen.legs.get(offer.customer_leg)
    if leg is not None and leg.is_answered:
        callbacks.hear_answer(turn, offer)
    elif leg is None and _is_settled(offer.answered_at or offer.made_at, seen):
        # nobody knows what became of the try, or it was never begun: it counts for nothing
        callbacks.miss(turn, offer, CallbackOutcome.WITHDRAWN, "the leg was not found on the switch")


def _check_agent(turn: Turn, offer: Offer, seen: LegsSeen) -> None:
    leg = seen.legs.get(offer.id)
    entry = turn.state.entries[offer.entry_id]
    if not offer.has_agent_leg:
        return
    if leg is None:
        if _is_settled(offer.answered_at or offer.made_at, seen):
            # unless the caller left, too, he is offered anew: to dial again under the same name is never safe
            gone = entry.leg_id not in seen.legs and not entry.is_to_be_dialled
            outcome = OfferOutcome.CALLER_GONE if gone else OfferOutcome.WITHDRAWN
            offers.end(turn, offer, outcome, "the leg was not found on the switch", is_leg_gone=True)
    elif leg.partner and leg.partner == entry.leg_id:
        offers.fulfil(turn, offer)
    elif offer.customer_leg:
        pass  # he waits for the customer to answer
    elif leg.is_answered:
        _check_answered(turn, offer, seen)
    else:
        offers.ring(turn, offer)


def _check_answered(turn: Turn, offer: Offer, seen: LegsSeen) -> None:
    entry = turn.state.entries[offer.entry_id]
    if entry.leg_id not in seen.legs and _is_settled(entry.queued_at, seen) and not entry.is_to_be_dialled:
        return  # the check of entries ends both
    if offer.answered_at is None:
        offers.answer(turn, offer)
    elif seen.is_takeover:
        offers.join_again(turn, offer)


def _check_contact(turn: Turn, contact: Contact, seen: LegsSeen) -> None:
    leg = seen.legs.get(contact.offer_id)
    if contact.ended_at is not None or not _is_settled(contact.joined_at, seen):
        return
    if leg is None:
        agents.end_talk(turn, contact)
    elif not leg.partner and contact.leg_id not in seen.legs:
        # the caller is gone and left the agent's leg behind (recorded fact 6)
        turn.do(EndLeg(seen.node_id, leg.leg_id, STRAY_CAUSE))


def _is_stray_customer(turn: Turn, leg: SeenLeg) -> bool:
    # one who has answered is never ended for our forgetting: he talks, is on hold, or the safety net has him soon
    if not leg.customer_of or leg.is_answered:
        return False
    return leg.leg_id not in turn.state.by_customer


def _is_stray(turn: Turn, leg: SeenLeg) -> bool:
    # a leg in conversation is left alone even if we do not know it: its caller is being served
    if leg.partner or leg.offer_id in turn.state.offers:
        return False
    contact = turn.state.contact_on(leg.offer_id)
    return contact is None or contact.ended_at is not None
