"""An event of a switch that comes twice is taken once."""

from __future__ import annotations

from services.ctiserver.core.duplicates import Duplicates


def test_the_same_number_of_the_same_life_of_a_switch_is_taken_once() -> None:
    known = Duplicates()
    assert [known.is_repeated("core", number) for number in ("7", "9", "8", "9", "7")] == [False] * 3 + [True] * 2


def test_a_switch_that_was_started_anew_counts_anew() -> None:
    known = Duplicates()
    assert not known.is_repeated("first", "7")
    assert not known.is_repeated("second", "7")
    assert known.is_repeated("first", "7")


def test_what_bears_no_number_is_never_known_and_memory_is_bounded() -> None:
    known = Duplicates(remembered=2)
    assert not known.is_repeated("core", "")
    assert not known.is_repeated("core", "")
    assert [known.is_repeated("core", number) for number in ("1", "2", "3", "1", "3")] == [False] * 4 + [True]
