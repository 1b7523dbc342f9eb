"""What acd is told besides commands and facts from the bus: results of its own orders to the switch, and the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Look at the timers."""


@dataclass(frozen=True, slots=True)
class NodeChanged:
    """The link to a switch came up or went down."""

    node_id: str
    is_up: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rang:
    """The agent's phone rings, or that of a customer who is called back: ``offer_id`` is the leg's name."""

    offer_id: str
    node_id: str


@dataclass(frozen=True, slots=True)
class PickedUp:
    """The agent answered, or the customer who is called back: ``offer_id`` is the leg's name."""

    offer_id: str
    node_id: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Agent and caller hear each other."""

    offer_id: str


@dataclass(frozen=True, slots=True)
class Bridged:
    """Two legs hear each other since ``at``, as ctiserver tells it, early or late."""

    leg_id: str
    other_leg_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RingFailed:
    """There is no such leg (any more), an agent's or a called-back customer's: ``cause`` is FreeSWITCH's name of the Q.850 cause."""

    offer_id: str
    cause: str


@dataclass(frozen=True, slots=True)
class JoinFailed:
    """They were not joined in time; both legs were looked up."""

    offer_id: str
    is_caller_alive: bool
    is_agent_alive: bool


@dataclass(frozen=True, slots=True)
class SeenLeg:
    """A channel found on a switch. ``offer_id`` is its tag, for legs to agents; ``partner`` the leg it is bridged to;
    ``customer_of`` the offer for which a customer was called back on it."""

    leg_id: str
    is_answered: bool
    partner: str = ""
    offer_id: str = ""
    customer_of: str = ""


@dataclass(frozen=True, slots=True)
class LegsSeen:
    """Every channel of a node as it was ``asked_at``. ``is_takeover``: nobody else is carrying out orders for this domain."""

    node_id: str
    asked_at: datetime
    legs: Mapping[str, SeenLeg] = field(default_factory=dict)
    is_takeover: bool = False


@dataclass(frozen=True, slots=True)
class TakenOver:
    """This owner begins: what others say was learnt, and these are all switches that could be asked."""

    looks: tuple[LegsSeen, ...] = ()
