"""One caller is recorded: what ends it, what the switch says of it, what is in the file, and what costs him his call."""

from __future__ import annotations

import array
import wave
from pathlib import Path

import pytest

from ipcc.esl.wire import SwitchEvent
from tests.live.bench import Arrival, Bench
from tests.live.people import End
from tests.support.until import until

RATE = 8000
# the mean amplitude below which the product hears silence (services/ivr/switch.py)
QUIET = 200


async def answered(bench: Bench) -> Arrival:
    """A caller whom nobody serves, answered by hand."""
    call = await bench.call()
    await bench.ear.api(f"uuid_answer {call.id}")
    await until(lambda: call.line.is_answered, what="answered")
    return call


async def record(bench: Bench, call: Arrival, path: Path, rest: str) -> None:
    """Let the switch record; returns when it has begun, or ended the call."""
    order = f"sendmsg {call.id}\ncall-command: execute\nexecute-app-name: record\nexecute-app-arg: {path} {rest}"
    assert (await bench.ear.order(order)).startswith("+OK")
    begun = {"Record_File_Path": str(path)}
    await until(
        lambda: bench.ear.heard("RECORD_START", call.id, **begun) or bench.ear.heard("CHANNEL_HANGUP", call.id),
        what="it records",
    )


async def ended(bench: Bench, call: Arrival, path: Path) -> SwitchEvent:
    """The switch's word on the recording's end."""
    found = await until(
        lambda: bench.ear.heard("RECORD_STOP", call.id, Record_File_Path=str(path)), 15, "the recording's end"
    )
    return found[0]


def loudness(path: Path) -> list[float]:
    """The mean amplitude of each tenth of a second."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        samples = array.array("h", file.readframes(file.getnframes()))
    step = RATE // 10
    return [sum(map(abs, samples[at : at + step])) / step for at in range(0, len(samples) - step, step)]


async def test_the_limit_the_silence_or_a_key_ends_a_recording_and_the_file_holds_what_was_said(
    unserved: Bench,
) -> None:
    bench = unserved
    folder = bench.plan.spool_dir / "messages"
    call = await answered(bench)

    limited = folder / f"limited-{call.id}.wav"
    await record(bench, call, limited, f"2 {QUIET} 1")
    told = await ended(bench, call, limited)
    assert 1800 < int(told.get("variable_record_ms")) <= 3100
    assert told.get("variable_record_seconds") == str(int(told.get("variable_record_ms")) // 1000)
    assert told.get("variable_silence_hits_exhausted") == "false"

    silent = folder / f"silent-{call.id}.wav"
    await record(bench, call, silent, f"30 {QUIET} 2")
    await call.line.speak(speaks=False)
    told = await ended(bench, call, silent)
    assert told.get("variable_silence_hits_exhausted") == "true"
    assert 1700 < int(told.get("variable_record_ms")) < 15_000

    keyed = folder / f"keyed-{call.id}.wav"
    await bench.ear.api(f"uuid_setvar {call.id} playback_terminators any")
    await record(bench, call, keyed, "30")
    await call.line.press("5")
    told = await ended(bench, call, keyed)
    assert told.get("variable_playback_terminator_used") == "5"
    assert told.get("variable_silence_hits_exhausted") == "false"

    assert await bench.ear.api(f"uuid_exists {call.id}") == "true"
    spoken, fallen_silent = loudness(limited), loudness(silent)
    assert min(spoken[2:-1]) > QUIET
    assert max(fallen_silent[-15:]) < QUIET
    for path in (limited, silent, keyed):
        path.unlink()


@pytest.mark.parametrize("how", ["no such folder", "transferred", "joined to somebody"])
async def test_what_a_switch_cannot_do_while_or_when_it_records_costs_the_caller_his_call(
    unserved: Bench, how: str
) -> None:
    bench = unserved
    call = await answered(bench)
    other = await answered(bench)
    path = bench.plan.spool_dir / ("nowhere" if how == "no such folder" else "messages") / f"lost-{call.id}.wav"
    await record(bench, call, path, f"30 {QUIET} 20")
    if how == "transferred":
        await bench.ear.api(f"uuid_transfer {call.id} park XML suite")
    elif how == "joined to somebody":
        await bench.ear.api(f"uuid_bridge {call.id} {other.id}")
    await until(lambda: call.line.end is End.BYE, what="the switch hangs up")
    [told] = await until(lambda: bench.ear.heard("CHANNEL_HANGUP", call.id), what="its cause")
    assert told.get("Hangup-Cause") == "DESTINATION_OUT_OF_ORDER"
    begun = bench.ear.heard("RECORD_START", call.id)
    assert len(begun) == len(bench.ear.heard("RECORD_STOP", call.id)) == (how != "no such folder")
    assert path.exists() == (how != "no such folder")
    path.unlink(missing_ok=True)
    # the one he was to be joined to stands on the switch for ever: nobody takes him
    await bench.ear.api(f"uuid_kill {other.id}")
