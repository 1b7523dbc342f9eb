"""When a recording counts as good, how long it is waited for, and what its file may be called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.record.core.policy import WAIT_FOR_FILE, Audio, fault, is_id, is_overdue, location

ENDED = datetime(2026, 3, 2, 23, 59, tzinfo=UTC)


def audio(duration_ms: int) -> Audio:
    return Audio(duration_ms, 2, 8000, 44 + duration_ms * 32)


@given(st.integers(0, 7_200_000))
def test_a_recording_as_long_as_the_talk_is_good(talk_ms: int) -> None:
    assert fault(audio(max(1, talk_ms)), talk_ms) is None


@pytest.mark.parametrize(
    ("recorded_ms", "talk_ms", "wrong"),
    [
        (0, 0, "empty"),
        (0, 60_000, "empty"),
        (57_500, 60_000, None),
        (57_499, 60_000, "too_short"),
        (20, 1_500, None),
        (90_000, 60_000, None),
    ],
)
def test_what_lacks_more_than_the_grid_explains_is_too_short(recorded_ms: int, talk_ms: int, wrong: str | None) -> None:
    assert fault(audio(recorded_ms), talk_ms) == wrong


def test_the_spool_is_waited_for_and_not_longer() -> None:
    assert not is_overdue(ENDED, ENDED + WAIT_FOR_FILE)
    assert is_overdue(ENDED, ENDED + WAIT_FOR_FILE + timedelta(milliseconds=1))


def test_the_store_is_ordered_by_day() -> None:
    assert location("leg-1", ENDED) == "2026/03/02/leg-1.wav"


@given(st.text(max_size=80))
def test_what_names_a_file_holds_no_folder(text: str) -> None:
    if is_id(text):
        assert text.isascii()
        assert not set("/\\.\n\0 ") & set(text)
        assert 1 <= len(text) <= 64


def test_uuids_are_ids() -> None:
    assert is_id("0192f0c4-6f6b-7d1e-8a3b-2f6f1c9e0d11")
