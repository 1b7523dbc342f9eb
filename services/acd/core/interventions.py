"""What a supervisor changes of somebody who waits: another queue, another priority, an agent at once."""

from __future__ import annotations

from ipcc.contracts.acd import ChangeEntry, OfferOutcome, PullEntry
from ipcc.errors import NotFound, NotNow
from services.acd.core import offers
from services.acd.core.admission import check_room, open_queue, refuse_other_medium
from services.acd.core.entries import Changes, describe, refuse_answered, tell_change
from services.acd.core.media import obstacle_for
from services.acd.core.rows import Entry
from services.acd.core.state import State
from services.acd.core.turn import Turn


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
