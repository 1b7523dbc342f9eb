"""An agent is no longer there: what becomes of those who wait for him alone, or where nobody is left."""

from __future__ import annotations

from datetime import timedelta

from ipcc.contracts.acd import AgentChanged, AgentState, EntryOutcome
from services.acd.core import entries
from services.acd.core.last_agents import is_away
from services.acd.core.overflow import is_unstaffed, unstaffed_rule
from services.acd.core.turn import Turn

_NOT_THERE = frozenset({AgentState.OUT, AgentState.NOT_READY})


def notice(turn: Turn) -> None:
    """Look through what was decided so far for agents who went out or on a pause."""
    changed = [event for event in turn.events if isinstance(event, AgentChanged)]
    for agent_id in dict.fromkeys(e.agent_id for e in changed if e.state in _NOT_THERE or e.then_reason):
        _stop_waiting_for(turn, agent_id)
    if any(event.state is AgentState.OUT for event in changed):
        _leave_unstaffed(turn)


def _stop_waiting_for(turn: Turn, agent_id: str) -> None:
    """Whoever waits for him alone, because he served them last, waits for everybody, unless he is back in time by himself."""
    state = turn.state
    for key in sorted(state.waits_for.get(agent_id, ())):
        entry = state.entries[key]
        queue = state.queues.get(entry.queue_id)
        patience = timedelta(seconds=queue.last_agent_wait_s if queue is not None else 0)
        if is_away(turn.agent(agent_id), entry.medium, entry.queued_at + patience):
            entries.tell_change(turn, entry, entries.Changes("last_agent_away", preferred=()))


def _leave_unstaffed(turn: Turn) -> None:
    """Who waits where nobody is left is sent where his queue says."""
    state = turn.state
    for queue in state.queues.values():
        rule = unstaffed_rule(queue)
        for entry in state.in_queue(queue.id) if rule is not None else ():
            # nobody waits on the line for one that is called back: it may wait for tomorrow's agents
            if rule is None or entry.offer_id or entry.callback is not None:
                continue
            if is_unstaffed(state, entry):
                entries.end(turn, entry, EntryOutcome.OVERFLOWED, target=rule.to)
