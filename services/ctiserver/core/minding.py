"""Who was left behind when somebody hung up in the middle of a consult, a conference or a supervision; what becomes of him. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from ipcc.call.book import CallBook
from ipcc.call.model import Call, Leg
from ipcc.contracts.tags import LegRole
from ipcc.ids import LegId


class Remedy(StrEnum):
    """What is done for him."""

    JOIN = "join"  # with the other one who was left
    NET = "net"  # a customer with nobody left: to the safety net, where a human answers
    END = "end"


class Case(NamedTuple):
    """One leg left behind, and the remedy."""

    remedy: Remedy
    leg_id: LegId
    other_leg_id: LegId | None = None


def find_cases(book: CallBook, node_id: str) -> list[Case]:
    """Everybody on that node who is left behind now. What is in the middle of a verb looks so too: let it settle first."""
    cases: dict[LegId, Case] = {}
    calls = {leg.call_id for leg in book.live_legs(node_id) if leg.answered_at}
    for call_id in calls:
        call = book.call(call_id)
        if call:
            for case in _cases_of(book, call):
                cases.setdefault(case.leg_id, case)
    return [case for case in cases.values() if book.legs[case.leg_id].node_id == node_id]


def _cases_of(book: CallBook, call: Call) -> Iterator[Case]:
    known = [leg for leg in (book.leg(leg_id) for leg_id in call.leg_ids) if leg]
    live = [leg for leg in known if leg.is_live]
    rooms = Counter(leg.room for leg in live if leg.room)
    # one who consulted and is gone: his partners were told to stay when their bridge ends
    consulted = any(leg.consults and not leg.is_live for leg in known)
    joined: set[LegId] = set()
    for leg in live:
        if leg.answered_at is None or leg.leg_id in joined:
            continue
        case = _case_of(book, leg, live, rooms, consulted)
        if case:
            joined |= {leg.leg_id, case.other_leg_id or leg.leg_id}
            yield case


def _case_of(book: CallBook, leg: Leg, live: list[Leg], rooms: Counter[str], consulted: bool) -> Case | None:
    if leg.room:
        return Case(Remedy.END, leg.leg_id) if rooms[leg.room] == 1 else None
    if leg.role is LegRole.SUPERVISOR:
        target = book.leg(leg.supervises) if leg.supervises else None
        is_over = target is not None and not target.is_live and leg.bridged_to is None
        return Case(Remedy.END, leg.leg_id) if is_over else None
    if leg.is_waiting:
        return _case_of_waiting(book, leg, live)
    return _case_of_parted(leg, live) if _was_parted(leg) else _case_of_customer(leg, live, consulted)


def _case_of_waiting(book: CallBook, leg: Leg, live: list[Leg]) -> Case | None:
    if leg.in_flow:
        # not broken off because his agent hung up; where he goes at its end is decided then
        return None
    holder = book.leg(leg.waits_for) if leg.waits_for else None
    if leg.waits_for is None or (holder and holder.is_live):
        return None
    others = [other for other in live if other.leg_id != leg.leg_id and other.role is not LegRole.SUPERVISOR]
    if any(other.answered_at is None for other in others):
        # being dialled or on its way out: the next look knows more
        return None
    free = [other for other in others if not other.bridged_to and not other.room and other.waits_for is None]
    if free:
        return Case(Remedy.JOIN, leg.leg_id, free[0].leg_id)
    return Case(Remedy.NET if leg.role is LegRole.CUSTOMER else Remedy.END, leg.leg_id)


def _was_parted(leg: Leg) -> bool:
    """One of ours who talked, and talks to nobody now."""
    was_joined = leg.bridging.at is not None and leg.bridged_to is None and not leg.is_held
    return was_joined and leg.role in (LegRole.AGENT, LegRole.CONSULT)


def _case_of_parted(leg: Leg, live: list[Leg]) -> Case | None:
    if any(other.waits_for == leg.leg_id for other in live):
        return None
    if any(other.leg_id == leg.consults for other in live):
        return None
    is_left = leg.is_parked or leg.role is LegRole.CONSULT
    return Case(Remedy.END, leg.leg_id) if is_left else None


def _case_of_customer(leg: Leg, live: list[Leg], consulted: bool) -> Case | None:
    was_joined = leg.bridging.at is not None and leg.bridged_to is None
    is_left = leg.role is LegRole.CUSTOMER and was_joined and leg.is_parked and consulted and len(live) == 1
    return Case(Remedy.NET, leg.leg_id) if is_left else None
