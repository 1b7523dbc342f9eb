"""What is kept of the sessions told on one partition, and what is forgotten so that it stays small."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ipcc.contracts.ivr import FlowReturned, NodeEntered, NodeLeft, SessionEnded, SessionStarted
from services.ivr.core import past as module
from services.ivr.core.past import LONGEST, Past
from services.ivr.core.place import Place, read_place, write_place

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def started(call: str, session: str, *, is_lent: bool = False) -> SessionStarted:
    return SessionStarted(
        call_id=call,
        session_id=session,
        flow_id="f",
        flow_version=1,
        entry_point="",
        node_id="fs1",
        leg_id=call,
        is_lent=is_lent,
    )


def ended(call: str, session: str) -> SessionEnded:
    return SessionEnded(call_id=call, session_id=session, outcome="hung_up", last_flow_node="menu")


def test_a_session_is_open_from_its_start_to_its_end_and_whoever_holds_it_sees_that_it_ended() -> None:
    known = Past()
    assert known.note(started("c1", "s1"), NOON, "ivr-0") == ("s1",)
    found = known.open["s1"]
    entered = NodeEntered(call_id="c1", session_id="s1", flow_node="wait", kind="queue", queue_id="retail")
    assert known.note(entered, NOON, "ivr-1") == ("s1",)
    assert (found.entered, found.replica, found.is_over) == (entered, "ivr-1", False)
    left = NodeLeft(call_id="c1", session_id="s1", flow_node="wait", kind="queue", outcome="hung_up")
    assert known.note(left, NOON) == ()
    assert known.note(ended("c1", "s1"), NOON) == ("s1",)
    assert found.is_over
    assert (list(known.open), list(known.calls), known.ended) == ([], ["c1"], {"c1": "s1"})
    # what comes late of a session that is over changes nothing
    assert known.note(entered, NOON) == ()
    assert known.note(ended("c1", "s1"), NOON) == ()


def test_a_leg_that_was_given_back_is_nobodys_even_if_the_end_of_its_session_is_never_told() -> None:
    known = Past()
    known.note(started("c1", "s1"), NOON)
    known.note(started("c1", "lent", is_lent=True), NOON)
    assert known.find("c1") is known.open["lent"]
    known.note(FlowReturned(call_id="c1", session_id="lent", leg_id="c1", flow_id="f", outcome="ok"), NOON)
    assert list(known.open) == ["s1"]
    assert list(known.lent) == ["lent"]


def test_a_callers_session_begun_anew_ends_the_first_but_not_one_on_his_lent_leg() -> None:
    known = Past()
    known.note(started("c1", "lent", is_lent=True), NOON)
    known.note(started("c1", "s1"), NOON)
    assert known.note(started("c1", "s2"), NOON) == ("s1", "s2")
    assert list(known.open) == ["lent", "s2"]


def test_a_session_older_than_any_call_can_be_is_over() -> None:
    known = Past()
    known.note(started("c1", "s1"), NOON)
    assert known.note(started("c2", "s2"), NOON + LONGEST + timedelta(seconds=1)) == ("s1", "s2")
    assert list(known.open) == ["s2"]
    assert known.given_up == 0


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOST_OPEN", "MOST_CALLS", "MOST_LENT"):
        monkeypatch.setattr(module, name, 3)
    known = Past()
    for number in range(10):
        known.note(started(f"c{number}", f"s{number}"), NOON)
        known.note(started(f"c{number}", f"l{number}", is_lent=True), NOON)
    assert list(known.open) == ["l8", "s9", "l9"]
    assert (len(known.calls), len(known.lent), len(known.ended)) == (3, 3, 3)
    assert known.given_up == 17


def test_a_place_is_read_as_it_was_written_and_what_is_missing_is_empty() -> None:
    place = Place({"account": "7"}, "zh", ("language", "menu"), 2, NOON)
    assert read_place(write_place(place)) == place
    assert read_place({}) == Place()
    long = Place(dict.fromkeys((f"v{n}" for n in range(99)), "x"), "zh", tuple(f"n{n}" for n in range(99)), 99, NOON)
    kept = read_place(write_place(long))
    assert (len(kept.variables), kept.path, kept.visits) == (40, tuple(f"n{n}" for n in range(79, 99)), 99)
