"""Calls and legs as values. A leg's state is worked out from what is known of it, so no order of facts can make an illegal one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from ipcc.contracts.call import CallPayload, Direction
from ipcc.contracts.tags import LegRole
from ipcc.ids import CallId, LegId, NodeId


class LegState(StrEnum):
    """The connection states of CSTA (ECMA-269, 6.1.5)."""

    NULL = "null"  # gone, after it was connected
    INITIATED = "initiated"
    ALERTING = "alerting"
    CONNECTED = "connected"
    HELD = "held"
    QUEUED = "queued"  # answered, parked on the switch, nobody at the other end
    FAILED = "failed"  # gone without ever having been connected


class Tick(NamedTuple):
    """The newest changes of one kind that were taken: when the switch saw them, and which they were.

    The switch's clock moves in steps of 20 ms, so several changes share a moment; one of them coming again must be known.
    """

    at: datetime | None = None
    names: frozenset[str] = frozenset()

    def is_stale(self, name: str, at: datetime) -> bool:
        """Whether a change was overtaken by a newer one or is the same again."""
        return self.at is not None and (at < self.at or (at == self.at and name in self.names))

    def taken(self, name: str, at: datetime) -> Tick:
        """With one change more."""
        return Tick(at, (self.names | {name}) if at == self.at else frozenset({name}))


@dataclass(frozen=True, slots=True)
class FlowStay:
    """Where somebody is who was sent to a flow, and since when."""

    session_id: str
    flow_id: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Leg:
    """One channel, as it was told. Times are the switch's."""

    leg_id: LegId
    call_id: CallId
    node_id: NodeId
    role: LegRole
    started_at: datetime
    address: str = field(default="", repr=False)
    owner: str = ""
    offer_id: str = ""
    agent_id: str = ""
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    cause: str = ""
    is_lost: bool = False
    """Told as ended because its switch was not reached: it may be there again."""
    hangup_cause: str = ""
    """Why it is being hung up, while the switch has not yet closed its record."""
    bridged_to: LegId | None = None
    is_held: bool = False
    is_parked: bool = False
    is_waiting: bool = False
    """Set aside with music by call control: for ``waits_for``, or parked for anybody."""
    waits_for: LegId | None = None
    in_flow: FlowStay | None = None
    consults: LegId | None = None
    """The leg it dialled beside the one that waits for it."""
    is_muted: bool = False
    room: str = ""
    """The conference it takes part in."""
    supervises: LegId | None = None
    supervision: str = ""
    bridging: Tick = field(default_factory=Tick)
    holding: Tick = field(default_factory=Tick)

    @property
    def is_live(self) -> bool:
        """Whether its end has not been told."""
        return self.ended_at is None

    @property
    def state(self) -> LegState:
        """Where the leg stands."""
        if self.ended_at is not None:
            return LegState.FAILED if self.answered_at is None else LegState.NULL
        if self.answered_at is None:
            return LegState.INITIATED if self.rang_at is None else LegState.ALERTING
        if self.is_held:
            return LegState.HELD
        return LegState.QUEUED if self.is_parked and self.bridged_to is None else LegState.CONNECTED


@dataclass(frozen=True, slots=True)
class Call:
    """Everything between one customer arriving and everyone gone. ``data`` is what the business attached."""

    call_id: CallId
    node_id: NodeId
    direction: Direction
    arrived_at: datetime
    caller_number: str = field(default="", repr=False)
    caller_name: str = field(default="", repr=False)
    dialled_number: str = field(default="", repr=False)
    trunk: str = ""
    owner: str = ""
    data: Mapping[str, str] = field(default_factory=dict, repr=False)
    leg_ids: tuple[LegId, ...] = ()
    live: frozenset[LegId] = frozenset()
    ended_at: datetime | None = None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """Something to be published: ``at`` becomes the time of its envelope."""

    payload: CallPayload
    at: datetime
