"""A recorded call leads to the same call record through the recording and through the simulated switch."""

from __future__ import annotations

import pytest

from tests.traces.records import both
from tests.unit.call.recordings import WITH_CALLS
from tools.replay_page import is_promised

# hundreds of calls at once, clients that do not read: of the protocol, not of calls; what is told of legs under such load comes in
# an order of its own
LOAD = "13"
SCENARIOS = [name for name in WITH_CALLS if is_promised(name) and not name.startswith(LOAD)]
# two frames and what scheduling added on the recorded machine
LATE_MS = 60


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_call_record_is_the_same(name: str) -> None:
    theirs, ours = both(name)
    assert ours.lines == theirs.lines
    assert ours.talk_ms == pytest.approx(theirs.talk_ms, abs=LATE_MS)


def test_there_is_something_to_compare() -> None:
    records = [both(name)[0] for name in SCENARIOS if name.startswith(("05a", "06", "07"))]
    kinds = {line.split(" ")[0] for record in records for lines in record.lines.values() for line in lines}
    assert {"LegsBridged", "LegsUnbridged", "LegHeld", "LegResumed", "LegRinging", "LegEnded", "CallEnded"} <= kinds
