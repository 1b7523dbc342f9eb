"""What the shell must carry out after the events are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RingAgent:
    """Dial the agent's phone; the leg's uuid is the offer's id. ``ring_s`` is the offer's whole time, in seconds."""

    offer_id: str
    entry_id: str
    call_id: str
    agent_id: str
    phone_id: str
    node_id: str
    caller_leg_id: str
    ring_s: int
    caller_number: str = ""
    caller_name: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JoinLegs:
    """Bridge caller and agent, and report whether it happened."""

    offer_id: str
    node_id: str
    caller_leg_id: str
    agent_leg_id: str


@dataclass(frozen=True, slots=True)
class EndLeg:
    """See to it that this leg is gone."""

    node_id: str
    leg_id: str
    cause: str


Effect = RingAgent | JoinLegs | EndLeg
