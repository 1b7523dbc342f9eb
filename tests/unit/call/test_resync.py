"""Looks at the switch against the book: what is missing, what is new, what is left over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import orjson

from ipcc.call.fold import CallFold, Ending
from ipcc.call.model import LegState
from ipcc.call.resync import Findings, Reconciliation
from ipcc.contracts import call as told
from ipcc.esl import meaning as m
from ipcc.esl.listing import channels_from_json
from ipcc.ids import LegId, NodeId
from tests.traces import recorded
from tests.traces.frames import timed
from tests.unit.call.recordings import facts_of
from tests.unit.call.test_tagged_legs import (
    AGENT,
    AGENT_TAGS,
    CALLER,
    CUSTOMER_TAGS,
    FS1,
    at,
    ended,
    inbound,
    outbound,
    parked_caller,
    take,
)


def row(leg_id: str, call_state: str = "ACTIVE", call_uuid: str = "", **more: str) -> m.ChannelRow:
    return m.ChannelRow(
        LegId(leg_id), "inbound", more.pop("state", "CS_EXECUTE"), call_state, 0, call_uuid=call_uuid, **more
    )


def look(fold: CallFold, reconciliation: Reconciliation, *rows: m.ChannelRow, times: int = 1) -> Findings:
    found = Findings()
    for _ in range(times):
        found = reconciliation.compare(fold, rows, fold.facts_taken, at(60))
    return found


def joined() -> CallFold:
    fold = CallFold()
    parked_caller(fold)
    take(fold, m.LegAnswered(CALLER, at(0.1), CUSTOMER_TAGS))
    take(fold, m.LegCreated(AGENT, at(3), outbound(AGENT_TAGS)), m.LegAnswered(AGENT, at(5), AGENT_TAGS))
    take(fold, m.LegsBridged(CALLER, at(5.1), AGENT))
    return fold


BRIDGED = (row("caller", call_uuid="caller"), row("agent-leg", call_uuid="caller"))


def test_a_look_that_agrees_finds_nothing() -> None:
    assert look(joined(), Reconciliation(FS1), *BRIDGED, times=3) == Findings()


def test_a_leg_missing_in_one_look_is_doubted_and_in_two_is_asked_about() -> None:
    fold, reconciliation = joined(), Reconciliation(FS1)
    first = look(fold, reconciliation, BRIDGED[0])
    assert (first.missing, first.doubts > 0) == ((), True)
    assert look(fold, reconciliation, BRIDGED[0]).missing == (AGENT,)


def test_a_leg_of_which_a_fact_came_between_two_looks_is_not_missing() -> None:
    fold, reconciliation = joined(), Reconciliation(FS1)
    look(fold, reconciliation, BRIDGED[0])
    take(fold, m.LegHeld(AGENT, at(9)))
    assert look(fold, reconciliation, BRIDGED[0]).missing == ()


def test_a_lost_leg_ends_once_with_its_call_and_its_own_word_comes_too_late() -> None:
    fold = joined()
    out = [
        *fold.lose(AGENT, Ending(at(60), "NORMAL_UNSPECIFIED", 31)),
        *fold.lose(CALLER, Ending(at(60), "NORMAL_UNSPECIFIED")),
    ]
    out += take(fold, ended(AGENT, 50, outbound(AGENT_TAGS)), m.LegGone(CALLER, at(50), "X"))
    kinds = [type(item.payload) for item in out]
    assert kinds == [told.LegsUnbridged, told.LegEnded, told.LegEnded, told.CallEnded]
    assert all(item.payload.resynced for item in out)


def test_a_leg_whose_hangup_was_heard_keeps_its_cause_when_its_record_never_comes() -> None:
    fold = joined()
    take(fold, m.LegHungUp(AGENT, at(9), "USER_BUSY", 17))
    ends = [item.payload for item in fold.lose(AGENT, Ending(at(60), "NORMAL_UNSPECIFIED"))]
    assert [end.cause for end in ends if isinstance(end, told.LegEnded)] == ["USER_BUSY"]


def test_an_unknown_leg_is_looked_at_and_told_as_found() -> None:
    fold = CallFold()
    assert look(fold, Reconciliation(FS1), row("caller")).unknown == (CALLER,)
    times = m.LegTimes(created_at=at(0), answered_at=at(1))
    found = m.LegSnapshot(CALLER, at(60), inbound(CUSTOMER_TAGS), "CS_EXECUTE", True, True, times, is_parked=True)
    out = fold.adopt(FS1, found, at(60))
    kinds = [(type(item.payload), item.at) for item in out]
    assert kinds == [
        (told.CallArrived, at(0)),
        (told.LegStarted, at(0)),
        (told.LegAnswered, at(1)),
        (told.LegHeld, at(60)),
    ]
    assert all(item.payload.resynced for item in out)
    assert fold.adopt(FS1, found, at(61)) == []


def test_a_leg_that_ended_after_the_look_is_not_told_again() -> None:
    fold = CallFold()
    parked_caller(fold)
    take(fold, ended(CALLER, 2, inbound(CUSTOMER_TAGS)))
    found = m.LegSnapshot(CALLER, at(1), inbound(CUSTOMER_TAGS), "CS_EXECUTE", True, False, m.LegTimes())
    assert fold.adopt(FS1, found, at(3)) == []
    assert look(fold, Reconciliation(FS1), row("caller"), times=2).unknown == ()


def test_a_bridge_and_a_hold_not_heard_are_found_by_two_looks() -> None:
    fold, reconciliation = joined(), Reconciliation(FS1)
    take(fold, m.LegsUnbridged(CALLER, at(6), AGENT))
    rows = (BRIDGED[0], replace(BRIDGED[1], call_state="HELD"))
    assert look(fold, reconciliation, *rows).told == ()
    found = look(fold, reconciliation, *rows)
    assert [type(item.payload) for item in found.told] == [told.LegHeld, told.LegsBridged]
    assert fold.book.legs[AGENT].state is LegState.HELD
    assert look(fold, reconciliation, *rows, times=2) == Findings()
    # the clock of the look is ahead: what the switch says next counts all the same
    assert take(fold, m.LegResumed(AGENT, at(8)))


def test_a_bridge_that_is_over_is_found_by_two_looks() -> None:
    fold, reconciliation = joined(), Reconciliation(FS1)
    rows = (row("caller", call_uuid="caller"), row("agent-leg", call_uuid="agent-leg"))
    look(fold, reconciliation, *rows)
    found = look(fold, reconciliation, *rows)
    assert [type(item.payload) for item in found.told] == [told.LegsUnbridged]


def test_three_legs_with_one_call_uuid_prove_nothing() -> None:
    fold = joined()
    rows = (*BRIDGED, row("third", call_uuid="caller"))
    assert look(fold, Reconciliation(FS1), *rows, times=2).told == ()


def test_an_inbound_leg_whose_dialplan_never_parks_is_told_after_two_looks() -> None:
    fold, reconciliation = CallFold(), Reconciliation(FS1)
    take(fold, m.LegCreated(CALLER, at(0), inbound()))
    assert look(fold, reconciliation, row("caller", "RINGING")).unknown == ()
    assert look(fold, reconciliation, row("caller", "RINGING")).unknown == (CALLER,)


def test_legs_of_another_node_are_not_missing_here() -> None:
    fold = joined()
    assert look(fold, Reconciliation(NodeId("fs2")), times=2) == Findings()


def test_a_call_whose_end_was_not_told_before_a_crash_is_over_after_two_looks() -> None:
    before = CallFold()
    told_then = parked_caller(before) + take(before, ended(CALLER, 2, inbound(CUSTOMER_TAGS)))
    for number in (1, len(told_then) - 1):
        fold, reconciliation = CallFold(), Reconciliation(FS1)
        for item in told_then[:number]:
            fold.book.apply(item.payload, item.at)
        assert look(fold, reconciliation).told == ()
        found = look(fold, reconciliation)
        assert [type(item.payload) for item in found.told] == [told.CallEnded]
        # where the last leg's end was told, the call ended then: whoever says it says the same
        assert number == 1 or list(found.told) == told_then[-1:]
        assert look(fold, reconciliation, times=2) == Findings()


def test_the_ghost_leg_of_the_recorded_race_is_found() -> None:
    name = "06v-bridge-race-stuck"
    fold, reconciliation = CallFold(), Reconciliation(FS1)
    facts = facts_of(name)
    last = facts[-1].at
    take(fold, *[fact for fact in facts if fact.at < last - timedelta(seconds=5)])
    ghost = next(iter(fold.book.live_legs()))
    bodies = [frame.body for frame in timed(recorded.load(name)) if frame.body.startswith(b'{"row_count"')]
    assert orjson.loads(bodies[0])["row_count"] == 1
    rows = channels_from_json(bodies[0].decode())
    assert look(fold, reconciliation, *rows).ghosts == ()
    assert look(fold, reconciliation, *rows).ghosts == (ghost.leg_id,)
