"""What happens to agents by themselves: signing in and out, pauses, wrap-up, and the state of their phones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from ipcc.contracts.acd import (
    AgentState,
    EndWrapUp,
    OfferOutcome,
    SetNotReady,
    SetReady,
    SignIn,
    SignOut,
)
from ipcc.contracts.call import PhoneChanged
from ipcc.contracts.config import VOICE
from ipcc.errors import NotFound, NotNow
from services.acd.core import digital, offers, pauses
from services.acd.core.contacts import tell_handled
from services.acd.core.freedom import freedom
from services.acd.core.moves import Given
from services.acd.core.places import can_be_rung, is_known, lost_at, needs_phone
from services.acd.core.rows import Agent, Contact
from services.acd.core.rules import LINE_LOST, PHONE_LOST, REMOVED, SIGNED_IN
from services.acd.core.turn import Become, Turn

FREE = frozenset({AgentState.READY, AgentState.NOT_READY})


def sign_in(turn: Turn, command: SignIn) -> None:
    """He is here. Repeating it changes nothing; at another phone it moves him there while he is free."""
    _check_sign_in(turn, command)
    agent = turn.agent(command.agent_id)
    if agent.state is not AgentState.OUT and agent.phone_id == command.phone_id:
        turn.result = describe(agent)
        return
    if turn.allows(agent, Given.SIGN_IN):
        turn.move(agent, Given.SIGN_IN, _arrival(turn, agent, command))
    turn.result = describe(turn.agent(agent.id))


def _check_sign_in(turn: Turn, command: SignIn) -> None:
    user = turn.state.users.get(command.agent_id)
    if user is None or not (user.skills or "agent" in user.roles):
        raise NotFound("acd.unknown_agent", f"there is no agent {command.agent_id}", agent_id=command.agent_id)
    if not command.phone_id and not needs_phone(user):
        return
    if not is_known(turn.state, command.phone_id):
        raise NotFound("acd.unknown_phone", f"there is no phone {command.phone_id}", phone_id=command.phone_id)
    for other in sorted(turn.state.at_phone.get(command.phone_id, set()) - {command.agent_id}):
        raise NotNow("acd.phone_taken", f"{other} is signed in at phone {command.phone_id}", phone_id=command.phone_id)


def _arrival(turn: Turn, agent: Agent, command: SignIn) -> Become:
    for contact in (turn.state.contacts[key] for key in sorted(turn.state.talks_of_agent.get(agent.id, ()))):
        if contact.ended_at is None and contact.medium == VOICE:
            # he was signed out by force in the middle of a conversation that still goes on
            return Become(
                AgentState.TALKING,
                phone_id=command.phone_id,
                offer_id=contact.offer_id,
                call_id=contact.call_id,
            )
    if agent.state is AgentState.NOT_READY and agent.reason not in (PHONE_LOST, LINE_LOST):
        return Become(AgentState.NOT_READY, agent.reason, phone_id=command.phone_id, until=agent.until)
    if agent.state is AgentState.OUT and not command.ready:
        return Become(AgentState.NOT_READY, SIGNED_IN, phone_id=command.phone_id)
    if not can_be_rung(turn.state, command.phone_id):
        return Become(AgentState.NOT_READY, lost_at(command.phone_id), phone_id=command.phone_id)
    return Become(AgentState.READY, phone_id=command.phone_id)


def sign_out(turn: Turn, command: SignOut) -> None:
    """He goes. By force also out of an offer (withdrawn) or a conversation (which goes on without him in our books)."""
    leave(turn, command.agent_id, Given.FORCE_OUT if command.force else Given.SIGN_OUT)
    turn.result = describe(turn.agent(command.agent_id))


def leave(turn: Turn, agent_id: str, given: Given, reason: str = "") -> None:
    """Sign him out by ``given``."""
    agent = turn.agent(agent_id)
    if not turn.allows(agent, given):
        return
    if given is Given.SIGN_OUT:
        digital.refuse_engaged(agent)
    offer = turn.state.offers.get(agent.offer_id)
    if agent.state is AgentState.WRAP_UP:
        _finish_contact(turn, agent, "")
    turn.move(agent, given, Become(AgentState.OUT, reason, phone_id=""))
    if offer is not None:
        offers.end(turn, offer, OfferOutcome.WITHDRAWN, "the agent was signed out")
    digital.let_go(turn, agent_id)


def set_ready(turn: Turn, command: SetReady) -> None:
    """He takes contacts; in a contact it takes back the pause asked for, in wrap-up it ends the wrap-up."""
    agent = turn.agent(command.agent_id)
    if turn.allows(agent, Given.BE_READY):
        if agent.state is AgentState.NOT_READY and not can_be_rung(turn.state, agent.phone_id):
            raise NotNow(
                "acd.phone_not_registered", f"phone {agent.phone_id} is not registered", phone_id=agent.phone_id
            )
        if agent.state is AgentState.WRAP_UP:
            _finish_contact(turn, agent, "")
            agent = replace(agent, then_reason="")
            turn.move(agent, Given.BE_READY, freedom(turn, agent, Become(AgentState.READY)))
        elif agent.state is AgentState.NOT_READY:
            turn.move(agent, Given.BE_READY, Become(AgentState.READY))
        elif agent.then_reason:
            turn.move(agent, Given.BE_READY, _same(agent, then_reason=""))
    turn.result = describe(turn.agent(agent.id))


def set_not_ready(turn: Turn, command: SetNotReady) -> None:
    """He takes no contacts, for a reason; in a contact it holds from the end of wrap-up."""
    agent = turn.agent(command.agent_id)
    if turn.allows(agent, Given.BE_NOT_READY):
        pauses.check(turn.state, agent, command.reason, command.by)
        if agent.state in FREE:
            if (agent.state, agent.reason, agent.until) != (AgentState.NOT_READY, command.reason, None):
                turn.move(agent, Given.BE_NOT_READY, Become(AgentState.NOT_READY, command.reason))
        elif agent.then_reason != command.reason:
            turn.move(agent, Given.BE_NOT_READY, _same(agent, then_reason=command.reason))
    turn.result = describe(turn.agent(agent.id))


def end_wrap_up(turn: Turn, command: EndWrapUp) -> None:
    """After-call work is done; or that after a contact in writing, which changes nothing else of him."""
    if command.entry_id:
        digital.end_wrap_up(turn, command)
        return
    agent = turn.agent(command.agent_id)
    if turn.allows(agent, Given.WRAP_UP_END):
        _finish_contact(turn, agent, command.code)
        turn.move(agent, Given.WRAP_UP_END, freedom(turn, agent, Become(AgentState.READY)))
    turn.result = describe(turn.agent(agent.id))


def end_talk(turn: Turn, contact: Contact) -> None:
    """The agent's leg is gone: wrap-up, if his queue gives any and he is still here."""
    agent = turn.agent(contact.agent_id)
    if contact.ended_at is not None:
        return
    if agent.offer_id != contact.offer_id or not turn.allows(agent, Given.TALK_END):
        tell_handled(turn, contact, "")
        return
    queue = turn.state.queues.get(contact.queue_id)
    if queue is None or queue.wrap_up_s == 0:
        tell_handled(turn, contact, "")
        turn.move(agent, Given.TALK_END, freedom(turn, agent, Become(AgentState.READY)))
        return
    until = turn.now + timedelta(seconds=queue.wrap_up_s)
    turn.move(agent, Given.TALK_END, _same(agent, state=AgentState.WRAP_UP, until=until))


def time_up(turn: Turn, agent: Agent) -> None:
    """The state he is in ends by itself: wrap-up, or a pause after an offer that failed."""
    if not turn.allows(agent, Given.TIME_UP):
        return
    if agent.state is AgentState.WRAP_UP:
        _finish_contact(turn, agent, "")
    turn.move(agent, Given.TIME_UP, freedom(turn, agent, Become(AgentState.READY)))


def run_over(turn: Turn, agent: Agent) -> None:
    """The time his reason is good for is over: he stays not ready, and everybody is told."""
    if turn.allows(agent, Given.LIMIT):
        turn.move(agent, Given.LIMIT, Become(agent.state, agent.reason, until=agent.until, overdue=True))


def hear_phone(turn: Turn, fact: PhoneChanged) -> None:
    """Nobody is ready without a working phone (I9); who lost only his phone is ready again when it is back."""
    for agent in [turn.state.agents[key] for key in sorted(turn.state.at_phone.get(fact.phone_id, ()))]:
        if not fact.registered:
            if turn.allows(agent, Given.PHONE_LOST):
                turn.move(agent, Given.PHONE_LOST, Become(AgentState.NOT_READY, lost_at(fact.phone_id)))
        elif agent.reason in (PHONE_LOST, LINE_LOST) and turn.allows(agent, Given.PHONE_BACK):
            turn.move(agent, Given.PHONE_BACK, Become(AgentState.READY))


def settle(turn: Turn) -> None:
    """Bring every agent in line with users and phones as they were learnt while nobody owned the domain."""
    for agent in sorted(turn.state.agents.values(), key=lambda a: a.id):
        if agent.id not in turn.state.users:
            hear_removed(turn, agent.id)
        elif agent.state in FREE:
            works = can_be_rung(turn.state, agent.phone_id)
            hear_phone(turn, PhoneChanged(phone_id=agent.phone_id, registered=works))


def hear_removed(turn: Turn, agent_id: str) -> None:
    """He is no longer among the users: out, now or when his contact is over."""
    if turn.agent(agent_id).state in FREE:
        leave(turn, agent_id, Given.FORCE_OUT, REMOVED)


def describe(agent: Agent) -> dict[str, Any]:
    """What a command about an agent answers."""
    return {
        "agent_id": agent.id,
        "state": agent.state.value,
        "reason": agent.reason,
        "then_reason": agent.then_reason,
        "phone_id": agent.phone_id,
        "until": agent.until.isoformat() if agent.until else None,
        "limit_at": agent.limit_at.isoformat() if agent.limit_at else None,
        "overdue": agent.overdue,
    }


def _same(agent: Agent, **changes: Any) -> Become:
    kept = Become(agent.state, agent.reason, agent.then_reason, None, agent.offer_id, agent.call_id, agent.until)
    return replace(kept, **changes)


def _finish_contact(turn: Turn, agent: Agent, code: str) -> None:
    contact = turn.state.contact_on(agent.offer_id)
    if contact is not None:
        tell_handled(turn, contact, code)
