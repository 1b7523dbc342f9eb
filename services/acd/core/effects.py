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
    music: str = ""
    """What he hears until a customer who is called back answers; "" for silence."""

    @property
    def leg_id(self) -> str:
        """The leg that is dialled."""
        return self.offer_id


@dataclass(frozen=True, slots=True)
class DialCustomer:
    """Dial a customer who is called back. ``greeting_language``: he is told who calls, in this language, and then hears ``music``
    until an agent answers; "" when an agent is there already. ``ring_s``: how long his phone rings, in seconds. ``gateway``: the way
    out by the dial plan; "" is the one of the settings. Without a ``phone_number`` the dial plan lets nobody be dialled any more."""

    leg_id: str
    offer_id: str
    entry_id: str
    call_id: str
    node_id: str
    phone_number: str = field(repr=False)
    ring_s: int
    gateway: str = ""
    greeting_language: str = ""
    music: str = ""


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


Effect = RingAgent | DialCustomer | JoinLegs | EndLeg
