"""The simulated switch does what the recorded one did."""

import functools

import pytest

from tests.traces import recorded
from tests.traces.deviations import DEVIATIONS
from tests.traces.differences import compare
from tests.traces.replay import Result, replay
from tools import replay_page

PROMISED = [name for name in recorded.names() if replay_page.is_promised(name)]


@functools.cache
def result(name: str) -> Result:
    return replay(name)


@pytest.mark.parametrize("name", PROMISED)
def test_a_promised_recording_replays(name: str) -> None:
    found = result(name)
    assert not found.unexplained, "\n".join(map(str, found.unexplained))


def test_every_reason_for_a_difference_is_still_needed() -> None:
    used = {reason for name in PROMISED for _, reason in result(name).explained}
    assert used == {deviation.reason for deviation in DEVIATIONS}


def test_the_page_of_all_recordings_is_up_to_date() -> None:
    page = replay_page.page([result(name) for name in recorded.names()])
    assert replay_page.PAGE.read_text() == page, "stale: run python -m tools.replay_page"


def test_a_difference_is_noticed() -> None:
    """The comparison itself: one event and one reply changed by hand must be told."""
    found = result("03b-park-uuid_kill")
    expected = found.expected["in"]
    got = replay("03b-park-uuid_kill").got["in"]
    got.replies[5] += "x"
    got.streams["A"].pop(3)
    told = [str(difference).split(":")[0] for difference in compare("in", expected, got, [])]
    assert told == ["[in] reply 5", "[in] leg A"]
