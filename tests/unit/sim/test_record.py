"""The record application: what ends it, what it leaves in variables, and whom it costs his call."""

from __future__ import annotations

import runpy

import pytest

from ipcc.cli.plan import ROOT
from ipcc.sim.channels import Message
from ipcc.sim.outputs import RecordingStopped
from ipcc.sim.site import SPOOL_FOLDERS
from tests.unit.sim.bench import Bench

PATH = "/r/message.wav"


def recording(argument: str, **variables: str) -> tuple[Bench, str]:
    """A caller who is recorded since now."""
    bench = Bench()
    uuid = bench.call()
    for name, value in variables.items():
        bench.api("uuid_setvar", f"{uuid} {name} {value}")
    bench.engine.execute(uuid, Message("execute", "record", argument))
    bench.run(0.05)
    return bench, uuid


def left(bench: Bench, uuid: str, name: str) -> str:
    return bench.api("uuid_getvar", f"{uuid} {name}")


def stopped(bench: Bench) -> RecordingStopped | None:
    return next((output for output in bench.outputs if isinstance(output, RecordingStopped)), None)


def test_somebody_who_speaks_on_is_recorded_to_the_limit_and_up_to_a_second_more() -> None:
    bench, uuid = recording(f"{PATH} 2 200 1")
    bench.run(3)
    found = stopped(bench)
    assert found
    assert 2 < found.ended - found.started <= 3
    assert left(bench, uuid, "silence_hits_exhausted") == "false"
    assert left(bench, uuid, "record_seconds") == "2"
    assert bench.api("uuid_exists", uuid) == "true"


def test_silence_ends_it_when_it_has_lasted_long_enough_at_a_stretch() -> None:
    bench, uuid = recording(f"{PATH} 20 200 2")
    bench.run(1)
    bench.engine.phones.speak(uuid, speaks=False)
    bench.run(1.9)
    bench.engine.phones.speak(uuid)
    bench.run(1)
    bench.engine.phones.speak(uuid, speaks=False)
    bench.run(1.9)
    assert stopped(bench) is None
    bench.run(0.2)
    found = stopped(bench)
    assert found
    assert found.ended - found.started == pytest.approx(5.9, abs=0.1)
    assert [round(end - start, 1) for start, end in found.masked] == [1.9, 2.0]
    assert left(bench, uuid, "silence_hits_exhausted") == "true"
    assert left(bench, uuid, "record_ms") == str(round((found.ended - found.started) * 50) * 20)


def test_without_a_number_of_seconds_three_seconds_of_silence_end_it() -> None:
    bench, uuid = recording(f"{PATH} 20 200")
    bench.engine.phones.speak(uuid, speaks=False)
    bench.run(2.9)
    assert stopped(bench) is None
    bench.run(0.2)
    assert stopped(bench)


@pytest.mark.parametrize("argument", [PATH, f"{PATH} 20", f"{PATH} 20 0 1"])
def test_without_a_threshold_nobody_is_too_silent(argument: str) -> None:
    bench, uuid = recording(argument)
    bench.engine.phones.speak(uuid, speaks=False)
    bench.run(10)
    assert stopped(bench) is None


def test_what_is_louder_than_any_voice_as_a_threshold_makes_everybody_silent() -> None:
    bench, _ = recording(f"{PATH} 20 30000 2")
    bench.run(2.1)
    assert stopped(bench)


@pytest.mark.parametrize(("terminators", "ends"), [("", "*"), ("#", "#"), ("any", "7"), ("none", ""), ("12", "2")])
def test_a_key_ends_it_if_it_is_among_the_terminators(terminators: str, ends: str) -> None:
    bench, uuid = recording(PATH, **({"playback_terminators": terminators} if terminators else {}))
    for key in "*#72":
        bench.engine.phones.press(uuid, key)
        bench.run(0.1)
    first = next(
        (key for key in "*#72" if key in {"": "*", "any": "*#72", "none": ""}.get(terminators, terminators)), ""
    )
    assert bool(stopped(bench)) == bool(ends)
    assert left(bench, uuid, "playback_terminator_used") == (first or "_undef_")


def test_a_folder_that_is_not_there_costs_the_call_and_nothing_is_told_of_a_recording() -> None:
    bench, uuid = recording("/nofolder/a.wav 2")
    assert bench.one("CHANNEL_HANGUP", uuid).headers["Hangup-Cause"] == "DESTINATION_OUT_OF_ORDER"
    assert not bench.events(name="RECORD_START")


def test_whoever_is_transferred_or_bridged_while_he_is_recorded_is_hung_up() -> None:
    bench, uuid = recording(PATH)
    bench.api("uuid_transfer", f"{uuid} 9001 XML test")
    bench.run(0.1)
    assert bench.one("CHANNEL_HANGUP", uuid).headers["Hangup-Cause"] == "DESTINATION_OUT_OF_ORDER"
    names = bench.names(uuid)
    assert names.index("RECORD_STOP") < names.index("CHANNEL_HANGUP")


def test_who_hangs_up_is_told_as_he_did() -> None:
    bench, uuid = recording(PATH)
    bench.run(1)
    bench.engine.phones.hang_up(uuid)
    bench.run(0.1)
    assert bench.one("CHANNEL_HANGUP", uuid).headers["Hangup-Cause"] == "NORMAL_CLEARING"
    assert bench.one("CHANNEL_HANGUP_COMPLETE", uuid).headers["variable_record_seconds"] == "1"


def test_the_simulated_spool_has_the_folders_the_installer_makes() -> None:
    assert runpy.run_path(str(ROOT / "freeswitch" / "scripts" / "install"))["SPOOL_FOLDERS"] == SPOOL_FOLDERS
