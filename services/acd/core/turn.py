"""One input being decided: the state as it changes under the events told so far, and what is to be done afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ipcc.contracts.acd import AcdPayload, AgentChanged, AgentState, InputRef
from ipcc.errors import IllegalMove
from services.acd.core.effects import Effect
from services.acd.core.fold import evolve
from services.acd.core.moves import Given, Stay, look_up
from services.acd.core.pauses import limit_at
from services.acd.core.rows import Agent
from services.acd.core.state import State


@dataclass(frozen=True, slots=True)
class Become:
    """What an agent is to become. Fields left out keep nothing: each state starts with what is given here."""

    state: AgentState
    reason: str = ""
    then_reason: str = ""
    phone_id: str | None = None
    offer_id: str = ""
    call_id: str = ""
    until: datetime | None = None
    overdue: bool = False


@dataclass
class Turn:
    """Collects the events and effects of one decision; every event told is folded at once, so that later steps see it."""

    state: State
    now: datetime
    cause: InputRef | None = None
    events: list[AcdPayload] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)

    def tell(self, kind: type[AcdPayload], **fields: Any) -> None:
        """Something is so from now on."""
        event = kind(domain=self.state.domain, cause=self.cause, **fields)
        evolve(self.state, event, self.now)
        self.events.append(event)

    def do(self, effect: Effect) -> None:
        """Something must be carried out once the events are stored."""
        self.effects.append(effect)

    def agent(self, agent_id: str) -> Agent:
        """The agent's row; one never seen is out."""
        return self.state.agents.get(agent_id, Agent(agent_id))

    def allows(self, agent: Agent, given: Given) -> bool:
        """Whether ``given`` moves him; False when it changes nothing. Raises NotNow when it is refused."""
        return not isinstance(look_up(agent.id, agent.state, given), Stay)

    def move(self, agent: Agent, given: Given, to: Become) -> None:
        """Move him, by the table."""
        row = look_up(agent.id, agent.state, given)
        if isinstance(row, Stay) or to.state not in row.to:
            raise IllegalMove(f"agent {agent.id}", agent.state, f"{given} to {to.state}")
        is_paused = to.state is AgentState.NOT_READY
        goes_on = is_paused and agent.state is AgentState.NOT_READY and agent.reason == to.reason
        limit = limit_at(self.state, agent, to.reason, self.now) if is_paused and not goes_on else None
        self.tell(
            AgentChanged,
            limit_at=agent.limit_at if goes_on else limit,
            overdue=to.overdue or (goes_on and agent.overdue),
            agent_id=agent.id,
            state=to.state,
            reason=to.reason,
            then_reason=to.then_reason,
            phone_id=agent.phone_id if to.phone_id is None else to.phone_id,
            offer_id=to.offer_id,
            call_id=to.call_id,
            until=to.until,
        )


def milliseconds(span: timedelta) -> int:
    """Whole milliseconds, never below zero: clocks of two machines may differ."""
    return max(0, round(span.total_seconds() * 1000))
