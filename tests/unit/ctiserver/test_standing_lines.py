"""Which nailed-up lines are hung up: those whose agent is gone, when nobody talks on them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.ctiserver.core.standing_lines import NAILING_UP, StandingLines

T0 = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LINE, OTHER = "line-1", "line-2"
LI = {LINE: "li"}


def lines(stays: timedelta = timedelta()) -> StandingLines:
    made = StandingLines(stays)
    assert made.judge([LINE], LI, (), T0) == []
    return made


def test_who_signs_out_leaves_no_line_behind() -> None:
    assert lines().judge([LINE], {}, (), T0 + SECOND) == [LINE]


def test_a_line_stands_as_long_as_is_set_for_its_agent_to_come_back() -> None:
    kept = lines(stays=60 * SECOND)
    assert kept.judge([LINE], {}, (), T0 + SECOND) == []
    assert kept.owner_of(LINE) == "li"
    assert kept.judge([LINE], LI, (), T0 + 50 * SECOND) == []
    assert kept.judge([LINE], {}, (), T0 + 61 * SECOND) == []
    assert kept.judge([LINE], {}, (), T0 + 121 * SECOND) == [LINE]


def test_a_talk_on_it_is_not_ended_by_a_sign_out() -> None:
    kept = lines()
    assert kept.judge([LINE], {}, {LINE}, T0 + SECOND) == []
    assert kept.judge([LINE], {}, (), T0 + 2 * SECOND) == [LINE]


def test_a_line_just_made_waits_for_its_agent_to_be_signed_in_but_not_for_ever() -> None:
    made = StandingLines(timedelta())
    made.belong(LINE, "li")
    assert made.judge([LINE], {}, (), T0) == []
    assert made.of("li") == [LINE]
    assert made.judge([LINE], {}, (), T0 + NAILING_UP) == [LINE]


def test_of_two_lines_of_an_agent_the_one_he_is_not_at_is_ended() -> None:
    made = lines()
    assert made.judge([LINE, OTHER], {OTHER: "li"}, (), T0 + SECOND) == [LINE]


def test_a_line_that_dropped_is_nobodys() -> None:
    made = lines()
    assert made.judge([], {}, (), T0 + SECOND) == []
    assert made.owner_of(LINE) == ""
