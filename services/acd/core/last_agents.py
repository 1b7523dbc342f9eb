"""Who served a customer last, remembered as long and for as many as is bounded here; and whether a caller should wait for him.

A customer is known by his id, where a flow has told one, else by his number; neither is kept, only a digest of it.
"""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta
from hashlib import blake2s

from ipcc.contracts.acd import AgentState, Enqueue
from ipcc.contracts.config import VOICE, Queue
from services.acd.core.needs import misfit, need_in
from services.acd.core.rows import Agent, Entry, Served
from services.acd.core.state import State

# so many customers are remembered, the newest, and none longer; a queue may ask for less (``last_agent_within_s``)
SERVED_KEPT = 20_000
SERVED_AGE = timedelta(days=31)


def remember(state: State, entry: Entry, agent_id: str, at: datetime) -> None:
    """``agent_id`` and the customer of ``entry`` hear each other since ``at``."""
    for key in _keys(entry.attributes.get("customer_id", ""), entry.caller_number):
        state.write(state.served, key, Served(key, agent_id, at))
    ages = state.ages["served"]
    while ages and (len(state.served) > SERVED_KEPT or at - ages[0][0] >= SERVED_AGE or not _is_newest(state, ages[0])):
        age = heapq.heappop(ages)
        if _is_newest(state, age):
            state.erase(state.served, age[1])


def _is_newest(state: State, age: tuple[datetime, str]) -> bool:
    found = state.served.get(age[1])
    return found is not None and found.at == age[0]


def last_agent(state: State, command: Enqueue, queue: Queue, now: datetime) -> str:
    """The agent who served this customer last, if the queue lets him wait for that one and he may come free in time; else ""."""
    patience = timedelta(seconds=queue.last_agent_wait_s)
    keys = _keys(command.attributes.get("customer_id", ""), command.caller_number)
    served = state.served.get(keys[0]) if keys else None
    if not patience or served is None or now - served.at > timedelta(seconds=queue.last_agent_within_s):
        return ""
    agent = state.agents.get(served.agent_id, Agent(served.agent_id))
    return "" if is_away(agent, queue.medium, now + patience) or _is_unfit(state, agent, command, queue) else agent.id


def is_away(agent: Agent, medium: str, until: datetime) -> bool:
    """Whether there is no hope of him before ``until``: signed out, or on a pause that does not end by itself until then."""
    if agent.state is AgentState.OUT:
        return True
    pause_ends = agent.until if agent.state is AgentState.NOT_READY else until
    if medium == VOICE and agent.then_reason:
        return True
    return pause_ends is None or pause_ends > until


def _is_unfit(state: State, agent: Agent, command: Enqueue, queue: Queue) -> bool:
    asked = Entry(
        id=command.entry_id,
        call_id=command.call_id,
        leg_id=command.leg_id,
        node_id=command.node_id,
        queue_id=queue.id,
        entered_at=command.entered_at,
        queued_at=command.entered_at,
        skills=command.skills,
        language=command.language,
        medium=queue.medium,
    )
    return bool(misfit(state, agent, need_in(queue, asked)))


def _keys(customer_id: str, number: str) -> list[str]:
    known = (("customer", customer_id), ("number", number))
    return [blake2s(f"{kind}:{value}".encode(), digest_size=16).hexdigest() for kind, value in known if value]
