"""Legs that only carry one of another node are told of at no time: not when heard, not when found by looking."""

from __future__ import annotations

from dataclasses import replace

from ipcc.call.fold import CallFold
from ipcc.call.resync import Reconciliation
from ipcc.esl import meaning as m
from ipcc.ids import LegId, NodeId
from tests.unit.call.test_tagged_legs import FS1, at, ended, inbound, outbound, parked_caller, take

CARRIES = {"ipcc_role": "transport"}
IN, OUT = LegId("came-in"), LegId("goes-out")


def row(leg: LegId) -> m.ChannelRow:
    return m.ChannelRow(leg, "inbound", "CS_EXECUTE", "ACTIVE", 0, application="park", call_uuid="")


def carried(fold: CallFold) -> list[object]:
    return list(
        take(
            fold,
            m.LegCreated(IN, at(0), inbound()),
            m.LegCreated(OUT, at(0.1), outbound(CARRIES)),
            m.LegRinging(OUT, at(0.2)),
            m.LegRinging(IN, at(0.2)),
            m.LegAnswered(OUT, at(1)),
            m.LegAnswered(IN, at(1), CARRIES),
            m.LegsBridged(IN, at(1.1), OUT),
        )
    )


def test_nothing_is_told_from_their_first_event_to_their_last() -> None:
    fold = CallFold()
    assert carried(fold) == []
    assert (
        take(fold, m.LegsUnbridged(IN, at(2), OUT), ended(OUT, 2, outbound(CARRIES)), m.LegGone(OUT, at(2), "")) == []
    )
    assert take(fold, ended(IN, 2, inbound(CARRIES)), m.LegGone(IN, at(2), "")) == []
    assert (fold.carriers.legs, fold.newcomers, fold.wanted) == ({}, {}, {})


def test_one_that_ends_before_it_is_answered_is_not_told_either() -> None:
    fold = CallFold()
    take(fold, m.LegCreated(IN, at(0), inbound()))
    facts = inbound(CARRIES)
    gone = replace(ended(IN, 1, facts, "USER_BUSY"), times=m.LegTimes(created_at=at(0)))
    assert take(fold, gone, m.LegGone(IN, at(1), "")) == []


def test_those_found_by_looking_are_asked_about_once() -> None:
    fold, looks = CallFold(), Reconciliation(FS1)
    parked_caller(fold)
    found = looks.compare(fold, [row(IN), row(LegId("caller"))], fold.facts_taken, at(3))
    assert found.unknown == (IN,)
    snapshot = m.LegSnapshot(IN, at(3), inbound(CARRIES), "CS_EXECUTE", True, False, m.LegTimes(created_at=at(0)))
    assert fold.adopt(FS1, snapshot, at(3)) == []
    again = looks.compare(fold, [row(IN), row(LegId("caller"))], fold.facts_taken, at(4))
    assert (IN in again.unknown, again.told) == (False, ())
    looks.compare(fold, [row(LegId("caller"))], fold.facts_taken, at(5))
    assert fold.carriers.legs == {}


LINE_TAGS = {**CARRIES, "ipcc_line": "li"}


def test_a_nailed_up_line_is_no_party_of_a_call_and_stands_until_it_is_gone() -> None:
    fold, line = CallFold(), LegId("line")
    facts = outbound(LINE_TAGS)
    assert (
        take(fold, m.LegCreated(line, at(0), facts), m.LegAnswered(line, at(1)), m.LegParked(line, at(1), facts)) == []
    )
    assert (fold.carriers.lines_at(FS1), fold.carriers.lines_at(NodeId("fs2"))) == ([line], [])
    assert take(fold, ended(line, 2, facts)) == []
    assert fold.carriers.lines_at(FS1) == [line]
    assert take(fold, m.LegGone(line, at(2), "")) == []
    assert fold.carriers.lines_at(FS1) == []


def test_a_nailed_up_line_found_by_looking_is_known_as_one() -> None:
    fold, line = CallFold(), LegId("line")
    snapshot = m.LegSnapshot(line, at(3), outbound(LINE_TAGS), "CS_EXECUTE", True, False, m.LegTimes(created_at=at(0)))
    assert fold.adopt(FS1, snapshot, at(3)) == []
    assert fold.carriers.lines_at(FS1) == [line]


def test_the_half_that_takes_a_line_is_known_by_its_name_before_its_dialplan_ran() -> None:
    fold, half = CallFold(), LegId("half")
    name = "loopback/line-01a22149-e6de-7091-88dc-3624e37a2f58"
    assert take(fold, m.LegCreated(half, at(0), replace(inbound(), address=f"{name}-b"))) == []
    assert take(fold, ended(half, 1, inbound()), m.LegGone(half, at(1), "")) == []
    contact = outbound({"ipcc_call_id": "caller", "ipcc_role": "agent", "ipcc_agent_id": "li"})
    parked_caller(fold)
    assert take(fold, m.LegCreated(LegId("contact"), at(1), replace(contact, address=f"{name}-a")))
