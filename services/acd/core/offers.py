"""An offer from its making to its end: rung, answered, joined, or one of the ways it fails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Any

from ipcc.contracts.acd import (
    AgentState,
    EntryEnded,
    EntryOutcome,
    OfferAnswered,
    OfferEnded,
    OfferMade,
    OfferOutcome,
    OfferRinging,
)
from ipcc.contracts.config import VOICE, Queue
from services.acd.core import customers
from services.acd.core.contacts import capacity_of, count
from services.acd.core.effects import EndLeg, JoinLegs, RingAgent
from services.acd.core.freedom import freedom
from services.acd.core.media import ON_THE_TELEPHONE
from services.acd.core.moves import Given
from services.acd.core.naming import offer_id_of
from services.acd.core.rows import Agent, Entry, Offer
from services.acd.core.rules import RING_MARGIN_S, outcome_of, rest_after
from services.acd.core.turn import Become, Turn, milliseconds

NORMAL_CLEARING = "NORMAL_CLEARING"


@dataclass(frozen=True, slots=True)
class Reason:
    """By which queue an entry is offered, and why; and the turn this was of a queue that has a share."""

    queue_id: str
    why: dict[str, Any]
    share_start: int = 0
    share_cost: int = 0


def make(turn: Turn, entry: Entry, agent: Agent, reason: Reason) -> None:
    """Reserve ``agent`` for ``entry`` and have his phone rung; one in writing is only told, to his desktop."""
    queue = turn.state.queues[reason.queue_id]
    epoch = turn.state.epoch + 1
    offer_id = offer_id_of(turn.state.domain, entry.id, epoch)
    is_by_phone = entry.medium == VOICE
    ring_s = queue.ring_s + (RING_MARGIN_S if is_by_phone else 0)
    call_id = customers.call_for(turn.state, entry, offer_id)
    turn.tell(
        OfferMade,
        offer_id=offer_id,
        entry_id=entry.id,
        call_id=call_id,
        queue_id=queue.id,
        agent_id=agent.id,
        phone_id=agent.phone_id if is_by_phone else "",
        node_id=customers.node_for(turn.state, entry, agent) if is_by_phone else "",
        epoch=epoch,
        deadline=turn.now + timedelta(seconds=ring_s),
        caller_number=entry.caller_number,
        caller_name=entry.caller_name,
        attributes=dict(entry.attributes),
        why=reason.why,
        share_start=reason.share_start,
        share_cost=reason.share_cost,
        medium=entry.medium,
        capacity=max(1, capacity_of(turn, agent.id, entry.medium)),
    )
    if not is_by_phone:
        count(turn, turn.state.offers[offer_id], offered=1)
        return
    turn.move(agent, Given.OFFER, Become(AgentState.OFFERED, offer_id=offer_id, call_id=call_id))
    offer, entry = turn.state.offers[offer_id], turn.state.entries[entry.id]
    if entry.is_to_be_dialled and customers.rules_of(turn.state, entry).first == "customer":
        customers.dial(turn, offer, entry)
    else:
        ring_agent(turn, offer, entry)


def ring_agent(turn: Turn, offer: Offer, entry: Entry) -> None:
    """Have his phone rung."""
    queue = turn.state.queues[offer.queue_id]
    turn.do(
        RingAgent(
            offer_id=offer.id,
            entry_id=entry.id,
            call_id=offer.call_id,
            agent_id=offer.agent_id,
            phone_id=offer.phone_id,
            node_id=offer.node_id,
            caller_leg_id=entry.leg_id,
            ring_s=ceil(queue.ring_s + RING_MARGIN_S),
            caller_number=entry.caller_number,
            caller_name=entry.caller_name,
            attributes=entry.attributes,
            music=queue.music if entry.is_to_be_dialled else "",
        )
    )


def ring(turn: Turn, offer: Offer) -> None:
    """His phone rings."""
    if offer.ringing_at is not None or offer.answered_at is not None or not offer.is_by_phone:
        return
    turn.tell(OfferRinging, offer_id=offer.id, entry_id=offer.entry_id, agent_id=offer.agent_id)
    agent = turn.agent(offer.agent_id)
    if agent.offer_id == offer.id and turn.allows(agent, Given.RING):
        become = Become(
            AgentState.RINGING, then_reason=agent.then_reason, offer_id=agent.offer_id, call_id=agent.call_id
        )
        turn.move(agent, Given.RING, become)


def answer(turn: Turn, offer: Offer) -> None:
    """He picked up: join the legs, or dial the customer who is called back; whoever else was rung for the caller is let go.

    Hearing it again changes nothing.
    """
    if offer.answered_at is not None or not offer.has_agent_leg:
        return
    _let_others_go(turn, offer)
    entry = turn.state.entries[offer.entry_id]
    if entry.is_to_be_dialled:
        turn.tell(OfferAnswered, offer_id=offer.id, entry_id=offer.entry_id, agent_id=offer.agent_id)
        customers.dial(turn, turn.state.offers[offer.id], entry)
        return
    join_again(turn, offer)


def join_again(turn: Turn, offer: Offer) -> None:
    """Have them joined in the time a joining has, which begins now: an earlier owner may have run out of it."""
    turn.tell(OfferAnswered, offer_id=offer.id, entry_id=offer.entry_id, agent_id=offer.agent_id)
    join(turn, offer)


def join(turn: Turn, offer: Offer) -> None:
    """Have the legs bridged."""
    entry = turn.state.entries[offer.entry_id]
    turn.do(JoinLegs(offer.id, offer.node_id, entry.leg_id, offer.id))


def fulfil(turn: Turn, offer: Offer) -> None:
    """Agent and caller hear each other: the entry leaves its queue, answered."""
    entry = turn.state.entries[offer.entry_id]
    if entry.is_to_be_dialled or not offer.is_by_phone:
        return  # nobody is on the line whom he could hear
    settle(turn, offer)
    agent = turn.agent(offer.agent_id)
    if agent.offer_id == offer.id and turn.allows(agent, Given.JOIN):
        become = Become(
            AgentState.TALKING, then_reason=agent.then_reason, offer_id=agent.offer_id, call_id=agent.call_id
        )
        turn.move(agent, Given.JOIN, become)


def settle(turn: Turn, offer: Offer) -> None:
    """He has it: whoever else was offered it is let go, and the entry leaves its queue, answered."""
    entry = turn.state.entries[offer.entry_id]
    _let_others_go(turn, offer)
    _tell_end(turn, offer, OfferOutcome.ANSWERED, "")
    turn.tell(
        EntryEnded,
        entry_id=entry.id,
        call_id=entry.call_id,
        queue_id=entry.queue_id,
        outcome=EntryOutcome.ANSWERED,
        wait_ms=milliseconds(turn.now - entry.entered_at),
        agent_id=offer.agent_id,
        offer_id=offer.id,
    )


def _let_others_go(turn: Turn, offer: Offer) -> None:
    for key in list(turn.state.offers_of.get(offer.entry_id, ())):
        if key != offer.id:
            end(turn, turn.state.offers[key], OfferOutcome.WITHDRAWN, f"{offer.agent_id} was first")


def lose_leg(turn: Turn, offer: Offer, cause: str) -> None:
    """The agent's leg is gone, or never came to be, before he was joined."""
    if offer.answered_at is not None and cause == NORMAL_CLEARING:
        # he picked up and hung up again
        end(turn, offer, OfferOutcome.DECLINED, cause, is_leg_gone=True)
    else:
        end(turn, offer, outcome_of(cause), cause, is_leg_gone=True)


def expire(turn: Turn, offer: Offer) -> None:
    """Its time is up: he did not answer, or answered and was never joined."""
    if offer.answered_at is None:
        end(turn, offer, OfferOutcome.NO_ANSWER, "NO_ANSWER")
    else:
        end(turn, offer, OfferOutcome.FAILED, "joining was never reported")


def end(turn: Turn, offer: Offer, outcome: OfferOutcome, cause: str, *, is_leg_gone: bool = False) -> None:
    """End it unfulfilled: the agent goes where its queue says, the entry back to its place with its clock."""
    customers.let_be(turn, offer)
    _tell_end(turn, offer, outcome, cause)
    if not is_leg_gone and offer.has_agent_leg:
        turn.do(EndLeg(offer.node_id, offer.id, _kill_cause(outcome)))
    if not offer.is_by_phone:
        _free_place(turn, offer, outcome)
        return
    agent = turn.agent(offer.agent_id)
    if agent.offer_id == offer.id and turn.allows(agent, Given.OFFER_END):
        state, reason, until = rest_after(outcome, _queue(turn, offer), turn.now)
        become = freedom(turn, agent, Become(state, reason, until=until))
        turn.move(agent, Given.OFFER_END, become)


def _free_place(turn: Turn, offer: Offer, outcome: OfferOutcome) -> None:
    """He did not take one in writing: he goes where its queue says; while he is on the telephone he is only offered no more of it."""
    state, reason, until = rest_after(outcome, _queue(turn, offer), turn.now)
    is_his_doing = state is AgentState.NOT_READY
    is_on_the_telephone = turn.agent(offer.agent_id).state in ON_THE_TELEPHONE
    count(turn, offer, offered=-1, pause=reason if is_his_doing and is_on_the_telephone else None)
    agent = turn.agent(offer.agent_id)
    if is_his_doing and agent.state is AgentState.READY:
        turn.move(agent, Given.BE_NOT_READY, Become(state, reason, until=until))


def _queue(turn: Turn, offer: Offer) -> Queue:
    # one that was never administered in this life of the service falls back to the contract's defaults
    return turn.state.queues.get(offer.queue_id) or Queue(id="unknown", name="unknown")


def _kill_cause(outcome: OfferOutcome) -> str:
    # with this cause a phone that cannot show "missed call" for a call that went elsewhere does not
    return "NO_ANSWER" if outcome is OfferOutcome.NO_ANSWER else "ORIGINATOR_CANCEL"


def _tell_end(turn: Turn, offer: Offer, outcome: OfferOutcome, cause: str) -> None:
    rang_until = offer.answered_at or turn.now
    ring_ms = milliseconds(rang_until - offer.ringing_at) if offer.ringing_at else 0
    turn.tell(
        OfferEnded,
        offer_id=offer.id,
        entry_id=offer.entry_id,
        call_id=offer.call_id,
        queue_id=offer.queue_id,
        agent_id=offer.agent_id,
        outcome=outcome,
        ring_ms=ring_ms,
        cause_text=cause,
        medium=offer.medium,
    )
