"""Recordings on the simulated switch: begun, masked, limited, ended, and the lies the switch tells about them."""

import pytest

from ipcc.sim.outputs import RecordingStarted, RecordingStopped
from tests.unit.sim.bench import Bench


def stopped(bench: Bench) -> RecordingStopped:
    found = [output for output in bench.outputs if isinstance(output, RecordingStopped)]
    assert len(found) == 1
    return found[0]


def test_a_recording_is_told_when_it_begins_and_ends() -> None:
    bench = Bench()
    uuid = bench.call()
    assert bench.api("uuid_record", f"{uuid} start /r/a.wav") == "+OK Success\n"
    bench.run(2)
    assert bench.api("uuid_record", f"{uuid} stop /r/a.wav") == "+OK Success\n"
    bench.run(0.1)
    assert bench.one("RECORD_START", uuid).headers["Record-File-Path"] == "/r/a.wav"
    assert bench.one("RECORD_STOP", uuid).headers["Record-Completion-Cause"] == "success-maxtime"
    assert stopped(bench).ended - stopped(bench).started == pytest.approx(2, abs=0.05)


def test_a_second_start_says_ok_and_does_nothing() -> None:
    bench = Bench()
    uuid = bench.call()
    for _ in range(2):
        assert bench.api("uuid_record", f"{uuid} start /r/a.wav") == "+OK Success\n"
    bench.run(0.1)
    assert len(bench.events(uuid, "RECORD_START")) == 1


def test_masked_time_is_kept_and_announced_to_nobody() -> None:
    bench = Bench()
    uuid = bench.call()
    bench.api("uuid_record", f"{uuid} start /r/a.wav")
    bench.run(1)
    assert bench.api("uuid_record", f"{uuid} mask /r/a.wav") == "+OK Success\n"
    bench.run(1)
    assert bench.api("uuid_record", f"{uuid} unmask /r/a.wav") == "+OK Success\n"
    bench.run(1)
    bench.api("uuid_record", f"{uuid} stop /r/a.wav")
    bench.run(0.1)
    ((start, end),) = stopped(bench).masked
    assert start == pytest.approx(1, abs=0.01)
    assert end == pytest.approx(2, abs=0.01)
    assert [name for name in bench.names(uuid) if "RECORD" in name] == ["RECORD_START", "RECORD_STOP"]


def test_a_recording_still_masked_at_the_end_is_silent_to_the_end() -> None:
    bench = Bench()
    uuid = bench.call()
    bench.api("uuid_record", f"{uuid} start /r/a.wav")
    bench.api("uuid_record", f"{uuid} mask /r/a.wav")
    bench.run(1)
    bench.engine.phones.hang_up(uuid)
    bench.run(0.1)
    ((start, end),) = stopped(bench).masked
    assert start == 0
    assert end == pytest.approx(stopped(bench).ended - stopped(bench).started)


def test_the_stop_of_a_running_recording_comes_between_hangup_and_complete() -> None:
    bench = Bench()
    uuid = bench.call()
    bench.api("uuid_record", f"{uuid} start /r/a.wav")
    bench.run(0.5)
    bench.engine.phones.hang_up(uuid)
    bench.run(0.1)
    names = bench.names(uuid)
    assert names.index("CHANNEL_HANGUP") < names.index("RECORD_STOP") < names.index("CHANNEL_HANGUP_COMPLETE")


def test_a_limit_counts_seconds_of_the_clock() -> None:
    bench = Bench()
    uuid = bench.call()
    bench.run(0.3)
    bench.api("uuid_record", f"{uuid} start /r/a.wav 2")
    bench.run(3)
    assert 1 < stopped(bench).ended - stopped(bench).started < 2


def test_an_impossible_path_is_refused_without_event() -> None:
    bench = Bench()
    uuid = bench.call()
    assert bench.api("uuid_record", f"{uuid} start /proc/x.wav") == "-ERR Cannot record session!\n"
    assert bench.api("uuid_record", f"{uuid} start /r/x.mp3") == "-ERR Cannot record session!\n"
    bench.run(0.1)
    assert not bench.events(uuid, "RECORD_START")


def test_a_full_disk_says_nothing() -> None:
    bench = Bench()
    uuid = bench.call()
    assert bench.api("uuid_record", f"{uuid} start /full/a.wav") == "+OK Success\n"
    bench.run(1)
    assert bench.api("uuid_record", f"{uuid} stop /full/a.wav") == "+OK Success\n"
    bench.run(0.1)
    assert bench.events(uuid, "RECORD_START")
    assert not stopped(bench).written


def test_a_recording_shorter_than_wanted_is_thrown_away() -> None:
    bench = Bench()
    uuid = bench.call()
    bench.api("uuid_setvar", f"{uuid} RECORD_MIN_SEC 3")
    bench.api("uuid_record", f"{uuid} start /r/a.wav")
    bench.run(1)
    bench.api("uuid_record", f"{uuid} stop /r/a.wav")
    bench.run(0.1)
    assert not stopped(bench).kept
    assert bench.one("RECORD_STOP", uuid).headers["Record-Completion-Cause"] == "input-too-short"


def test_a_recording_ordered_with_the_leg_starts_with_the_answer() -> None:
    bench = Bench()
    bench.dial(execute_on_answer="'record_session /r/agent.wav'", RECORD_STEREO="true")
    bench.answered()
    started = next(output for output in bench.outputs if isinstance(output, RecordingStarted))
    assert (started.uuid, started.path, started.stereo) == ("agent", "/r/agent.wav", True)
    names = bench.names("agent")
    assert names.index("CHANNEL_ANSWER") < names.index("RECORD_START") < names.index("CHANNEL_PARK")
