"""What we believe against what the switch shows: differences that stay are repaired, each by an event of its own.

``show channels`` is a table the switch fills from its own events: it lags behind, by more under load. So a difference counts only when
two looks in a row show it and no fact about the leg came between. What the table cannot tell is asked leg by leg: the
``unknown`` by ``uuid_dump``, the ``missing`` by ``uuid_exists``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from ipcc.call.fold import CallFold, Ending
from ipcc.call.model import Leg, Told
from ipcc.esl.headers import CallState, ChannelState, q850_of
from ipcc.esl.meaning import ChannelRow
from ipcc.ids import LegId, NodeId

LOST = "NORMAL_UNSPECIFIED"
"""The cause of an end that nobody heard."""
_CONNECTED = frozenset({CallState.ACTIVE, CallState.HELD, CallState.UNHELD})


class Doubt(NamedTuple):
    """One difference between belief and look; ``over`` is about a call, named by its first leg."""

    kind: str
    leg_id: LegId
    detail: str = ""


@dataclass(frozen=True)
class Findings:
    """What one look gave: repairs told already, and legs about which the switch must be asked."""

    told: tuple[Told, ...] = ()
    unknown: tuple[LegId, ...] = ()
    """On the switch, and either never told of or not as told: look at each."""
    missing: tuple[LegId, ...] = ()
    """Told as live and not on the switch: make sure of each, then end it."""
    ghosts: tuple[LegId, ...] = ()
    """Answered, on their way into a bridge that never came: nobody will hang them up (recorded: 06v)."""
    doubts: int = 0
    """Differences seen for the first time: look again soon."""


class Reconciliation:
    """Compares looks at one node with the book."""

    def __init__(self, node_id: NodeId) -> None:
        self._node_id = node_id
        self._doubts: frozenset[Doubt] = frozenset()
        self._mark = 0

    def compare(self, fold: CallFold, rows: Sequence[ChannelRow], mark: int, now: datetime) -> Findings:
        """``mark`` is ``fold.facts_taken`` when the switch was asked; ``rows`` is its answer."""
        found = frozenset(self._differences(fold, rows))
        sure = sorted(d for d in found & self._doubts if not fold.is_heard_since(d.leg_id, self._mark))
        doubts = len(found) - len(sure)
        self._doubts, self._mark = found, mark
        told: list[Told] = []
        for doubt in sure:
            told += _repair(fold, doubt, now)
        fold.carriers.keep(self._node_id, {row.leg_id for row in rows})
        new = tuple(row.leg_id for row in rows if _is_new(fold, row.leg_id))
        return Findings(
            told=tuple(told),
            unknown=(*new, *_of_kind(sure, "unanswered"), *_of_kind(sure, "newcomer")),
            missing=_of_kind(sure, "missing"),
            ghosts=_of_kind(sure, "ghost"),
            doubts=doubts,
        )

    def _differences(self, fold: CallFold, rows: Sequence[ChannelRow]) -> list[Doubt]:
        shown = {row.leg_id: row for row in rows}
        partners = _partners(rows)
        found = [Doubt("newcomer", leg_id) for leg_id in fold.newcomers if leg_id in shown]
        found += [
            Doubt("over", LegId(call.call_id))
            for call in fold.book.live_calls()
            if call.node_id == self._node_id and not call.live
        ]
        found += [
            Doubt("missing", leg_id)
            for leg_id, newcomer in fold.newcomers.items()
            if newcomer.node_id == self._node_id and leg_id not in shown
        ]
        for leg in fold.book.live_legs(self._node_id):
            row = shown.get(leg.leg_id)
            if row is None:
                found.append(Doubt("missing", leg.leg_id))
            else:
                found += _compare_leg(fold, leg, row, partners)
        return found


def _compare_leg(fold: CallFold, leg: Leg, row: ChannelRow, partners: dict[LegId, LegId | None]) -> list[Doubt]:
    if row.call_state not in _CONNECTED:
        return []
    if leg.answered_at is None:
        return [Doubt("unanswered", leg.leg_id)]
    found = []
    is_held = row.call_state == CallState.HELD
    if is_held != leg.is_held:
        found.append(Doubt("held" if is_held else "resumed", leg.leg_id))
    if leg.leg_id in partners:
        found += _compare_bridge(fold, leg, partners[leg.leg_id])
        if partners[leg.leg_id] is None and _is_ghost(leg, row):
            found.append(Doubt("ghost", leg.leg_id))
    return found


def _compare_bridge(fold: CallFold, leg: Leg, partner: LegId | None) -> list[Doubt]:
    if leg.bridged_to == partner:
        return []
    if partner is None:
        return [Doubt("parted", leg.leg_id)]
    other = fold.book.leg(partner)
    return [Doubt("joined", leg.leg_id, partner)] if other and other.is_live else []


def _partners(rows: Sequence[ChannelRow]) -> dict[LegId, LegId | None]:
    """Who hears whom, of the legs of which the table says it clearly: the two of a bridge share ``call_uuid``.

    Three with the same one are a transfer under way (recorded: 08h): who hears whom is not to be seen.
    """
    groups: defaultdict[str, list[LegId]] = defaultdict(list)
    for row in rows:
        if row.call_state in _CONNECTED:
            groups[row.call_uuid or row.leg_id].append(row.leg_id)
    partners: dict[LegId, LegId | None] = {}
    for legs in groups.values():
        if len(legs) == 1:
            partners[legs[0]] = None
        elif len(legs) == 2:
            partners.update({legs[0]: legs[1], legs[1]: legs[0]})
    return partners


def _is_ghost(leg: Leg, row: ChannelRow) -> bool:
    # a parked leg is in CS_EXECUTE or CS_PARK, one in a bridge names it as its application
    return row.state == ChannelState.SOFT_EXECUTE and row.application == "park" and leg.bridged_to is None


def _is_new(fold: CallFold, leg_id: LegId) -> bool:
    known = fold.book.leg(leg_id)
    return (known is None or known.is_lost) and leg_id not in fold.newcomers and leg_id not in fold.carriers


def _of_kind(doubts: Sequence[Doubt], kind: str) -> tuple[LegId, ...]:
    return tuple(doubt.leg_id for doubt in doubts if doubt.kind == kind)


def _repair(fold: CallFold, doubt: Doubt, now: datetime) -> list[Told]:
    if doubt.kind == "over":
        return fold.close(doubt.leg_id, _last_end(fold, doubt.leg_id) or Ending(now, LOST, resynced=True))
    leg = fold.book.leg(doubt.leg_id)
    if leg is None or not leg.is_live:
        return []
    if doubt.kind in ("held", "resumed"):
        fold.hold(leg, doubt.kind == "held", now, resynced=True)
    elif doubt.kind == "parted":
        fold.unbridge(leg, now, resynced=True)
    elif doubt.kind == "joined":
        other = fold.book.leg(doubt.detail)
        if other and other.is_live and leg.bridged_to != other.leg_id:
            fold.bridge(leg, other, now, resynced=True)
    return fold.drain()


def _last_end(fold: CallFold, call_id: LegId) -> Ending | None:
    """How the last leg of a call ended: the call ended then and so, whoever says it."""
    call = fold.book.call(call_id)
    legs = (fold.book.leg(leg_id) for leg_id in (call.leg_ids if call else ()))
    ended = [(leg.ended_at, leg.cause) for leg in legs if leg and leg.ended_at is not None]
    if not ended:
        return None
    at, cause = max(ended)
    return Ending(at, cause, q850_of(cause))
