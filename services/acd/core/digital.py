"""Contacts in writing: offered at the desktop, taken or declined there, ended by the service that owns the conversation.

Nothing of it has a leg: no switch is told anything, and none tells anything.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ipcc.contracts.acd import AgentState, EndWrapUp, EntryOutcome, OfferOutcome
from ipcc.contracts.config import VOICE
from ipcc.contracts.digital import AcceptOffer, ContactEnded, DeclineOffer, EndContact
from ipcc.errors import NotFound, NotNow
from services.acd.core import offers
from services.acd.core.contacts import count, tell_handled
from services.acd.core.entries import describe
from services.acd.core.rows import Agent, Contact, Offer
from services.acd.core.turn import Turn


def accept(turn: Turn, command: AcceptOffer) -> None:
    """He takes it: the entry leaves its queue, answered. Repeating it answers the same and changes nothing."""
    contact = turn.state.contact_on(command.offer_id)
    if contact is not None and contact.agent_id == command.agent_id and contact.medium != VOICE:
        turn.result = _describe_contact(contact)
        return
    offer = _offer(turn, command.agent_id, command.offer_id)
    offers.settle(turn, offer)
    count(turn, offer, offered=-1, serving=1)
    turn.result = _describe_contact(turn.state.contacts[offer.entry_id])


def decline(turn: Turn, command: DeclineOffer) -> None:
    """He does not take it: the entry goes back to its place with its clock, he where its queue says."""
    offer = _offer(turn, command.agent_id, command.offer_id)
    offers.end(turn, offer, OfferOutcome.DECLINED, "declined at the desktop")
    turn.result = {"offer_id": offer.id, "entry_id": offer.entry_id, "outcome": OfferOutcome.DECLINED.value}


def _offer(turn: Turn, agent_id: str, offer_id: str) -> Offer:
    offer = turn.state.offers.get(offer_id)
    if offer is None or offer.agent_id != agent_id:
        raise NotFound("acd.unknown_offer", f"agent {agent_id} has no offer {offer_id}", offer_id=offer_id)
    if offer.is_by_phone:
        raise NotNow("acd.by_phone", "a call is answered or declined at the phone", offer_id=offer_id)
    return offer


def end_contact(turn: Turn, command: EndContact) -> None:
    """The conversation is over: wrap-up, if its queue gives any and its agent is still here."""
    contact = turn.state.contacts.get(command.entry_id)
    if contact is None:
        turn.result = _describe_absent(turn, command.entry_id)
        return
    if contact.medium == VOICE:
        raise NotNow("acd.by_phone", "a call ends when its legs do", entry_id=contact.id)
    if contact.ended_at is None:
        _end(turn, contact)
    turn.result = _describe_contact(turn.state.contacts.get(contact.id, contact))


def _describe_absent(turn: Turn, entry_id: str) -> dict[str, Any]:
    past = turn.state.past.get(entry_id)
    if past is not None and past.outcome is EntryOutcome.ANSWERED:
        return describe(turn.state, entry_id)
    if entry_id in turn.state.entries:
        raise NotNow("acd.not_answered", "no agent has taken it: let it leave its queue", entry_id=entry_id)
    raise NotFound("acd.unknown_contact", f"nobody serves {entry_id}", entry_id=entry_id)


def _end(turn: Turn, contact: Contact) -> None:
    queue = turn.state.queues.get(contact.queue_id)
    wrap_up_s = queue.wrap_up_s if queue is not None else 0
    if wrap_up_s == 0 or turn.agent(contact.agent_id).state is AgentState.OUT:
        tell_handled(turn, contact, "")
        return
    turn.tell(
        ContactEnded,
        entry_id=contact.id,
        call_id=contact.call_id,
        queue_id=contact.queue_id,
        agent_id=contact.agent_id,
        medium=contact.medium,
        until=turn.now + timedelta(seconds=wrap_up_s),
    )
    count(turn, contact, serving=-1, wrapping=1)


def end_wrap_up(turn: Turn, command: EndWrapUp) -> None:
    """His work on one contact is done. Told again, it changes nothing."""
    contact = turn.state.contacts.get(command.entry_id)
    if contact is not None and contact.agent_id == command.agent_id and contact.medium != VOICE:
        if contact.ended_at is None:
            raise NotNow("acd.still_talking", "the conversation is not over", entry_id=contact.id)
        tell_handled(turn, contact, command.code)
    elif command.entry_id not in turn.state.past:
        raise NotFound("acd.unknown_contact", f"agent {command.agent_id} serves no {command.entry_id}")
    turn.result = {"agent_id": command.agent_id, "entry_id": command.entry_id}


def time_up(turn: Turn, contact: Contact) -> None:
    """The time for his work on it is over."""
    tell_handled(turn, contact, "")


def refuse_engaged(agent: Agent) -> None:
    """Raises NotNow when he holds anything in writing."""
    if agent.in_writing:
        raise NotNow(
            "acd.agent_engaged", "the agent has contacts in writing: end them first, or force", agent_id=agent.id
        )


def let_go(turn: Turn, agent_id: str) -> None:
    """He is signed out by force: offers are taken back, work after contacts is over; conversations go on in our books."""
    state = turn.state
    if not turn.agent(agent_id).in_writing:
        return
    for offer in sorted((o for o in state.offers.values() if o.agent_id == agent_id), key=lambda o: o.epoch):
        if not offer.is_by_phone and offer.id in state.offers:
            offers.end(turn, offer, OfferOutcome.WITHDRAWN, "the agent was signed out")
    for contact in [state.contacts[key] for key in sorted(state.talks_of_agent.get(agent_id, ()))]:
        if contact.medium != VOICE and contact.ended_at is not None:
            tell_handled(turn, contact, "")


def _describe_contact(contact: Contact) -> dict[str, Any]:
    return {
        "entry_id": contact.id,
        "agent_id": contact.agent_id,
        "queue_id": contact.queue_id,
        "medium": contact.medium,
        "is_over": contact.ended_at is not None,
        "until": contact.until.isoformat() if contact.until else None,
    }
