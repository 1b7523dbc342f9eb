"""The running switch: its time, people, files and the commands only a simulated switch has."""

import array
import asyncio
import json
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ipcc.sim.channels import Message
from ipcc.sim.dialplan import parse_dialplan
from ipcc.sim.media import spool_on_disk
from ipcc.sim.outputs import Output, SimEvent
from ipcc.sim.people import Caller, Keys, PhoneScript
from ipcc.sim.settings import EngineSettings, User
from ipcc.sim.switch import SimSwitch, SwitchOptions
from tests.support.until import until
from tests.unit.sim.bench import DIALPLAN, SOUNDS_S


@pytest.fixture
async def switch(tmp_path: Path) -> AsyncIterator[SimSwitch]:
    settings = EngineSettings(
        dialplan=parse_dialplan(DIALPLAN),
        users=(User("1001", "127.0.0.1"),),
        sounds=SOUNDS_S.get,
        spool=spool_on_disk(tmp_path),
    )
    made = SimSwitch(settings, SwitchOptions(speed=50, files_root=tmp_path))
    await made.start()
    yield made
    await made.stop()


def heard(switch: SimSwitch) -> list[Output]:
    outputs: list[Output] = []
    switch.add_listener(outputs.append)
    return outputs


def named(outputs: list[Output], name: str) -> list[SimEvent]:
    return [output for output in outputs if isinstance(output, SimEvent) and output.name == name]


async def test_a_caller_and_an_agent_talk_are_recorded_and_part(switch: SimSwitch, tmp_path: Path) -> None:
    outputs = heard(switch)
    assert switch.register("1001")
    switch.set_phone(PhoneScript("1001", answer_after_s=0.5))
    uuid = switch.place_call(Caller("13800000001", "9001", context="test", talk_s=3))
    switch.bgapi("originate", "{origination_uuid=agent}user/1001 &park()", "job")
    await until(lambda: bool(named(outputs, "BACKGROUND_JOB")))
    assert switch.api("uuid_record", f"{uuid} start /r/a.wav") == "+OK Success\n"
    assert switch.api("uuid_bridge", f"{uuid} agent") == "+OK agent\n"
    await until(lambda: len(named(outputs, "CHANNEL_DESTROY")) == 2)
    assert named(outputs, "RECORD_STOP")
    with wave.open(str(tmp_path / "r" / "a.wav"), "rb") as sound:
        assert 3 <= sound.getnframes() / 8000 < 6


async def test_the_file_is_complete_when_its_end_is_told(switch: SimSwitch, tmp_path: Path) -> None:
    lengths: list[int] = []

    def hear(output: Output) -> None:
        if isinstance(output, SimEvent) and output.name == "RECORD_STOP":
            with wave.open(str(tmp_path / "r" / "a.wav"), "rb") as sound:
                lengths.append(sound.getnframes())

    switch.add_listener(hear)
    uuid = switch.place_call(Caller("13800000001", "9001", context="test", hang_up_after_s=7))
    switch.api("uuid_record", f"{uuid} start /r/a.wav")
    await until(lambda: bool(lengths))
    assert lengths[0] > 6 * 8000


async def test_a_caller_says_his_message_and_his_silence_ends_it_and_the_file_holds_both(
    switch: SimSwitch, tmp_path: Path
) -> None:
    outputs = heard(switch)
    (tmp_path / "r").mkdir()
    uuid = switch.place_call(Caller("13800000001", "9001", context="test", says_s=12.0)) or ""
    await until(lambda: bool(named(outputs, "CHANNEL_PARK")))
    assert switch.execute(uuid, Message("execute", "record", "/r/a.wav 60 200 3")) == "+OK"
    stopped = (await until(lambda: named(outputs, "RECORD_STOP")))[0]
    assert stopped.headers["variable_silence_hits_exhausted"] == "true"
    assert int(str(stopped.headers["variable_record_seconds"])) >= 14
    with wave.open(str(tmp_path / "r" / "a.wav"), "rb") as sound:
        said = array.array("h", sound.readframes(sound.getnframes()))
    assert len(said) / 8000 == pytest.approx(int(str(stopped.headers["variable_record_ms"])) / 1000, abs=0.05)
    is_heard = [any(said[at : at + 8000]) for at in range(0, len(said) - 8000, 8000)]
    assert is_heard == sorted(is_heard, reverse=True)
    assert sum(is_heard) >= 12
    assert not any(is_heard[-2:])


async def test_other_processes_move_people_by_commands(switch: SimSwitch) -> None:
    outputs = heard(switch)
    assert switch.api("sim_register", "1001") == "+OK\n"
    assert switch.api("sim_phone", json.dumps({"number": "1001", "answer_after_s": 0.1})) == "+OK\n"
    answer = switch.api("sim_call", json.dumps({"number": "13800000001", "dialled": "91001", "context": "test"}))
    assert isinstance(answer, str)
    uuid = answer.removeprefix("+OK ").strip()
    await until(lambda: bool(named(outputs, "CHANNEL_BRIDGE")))
    state = switch.api("sim_state", "")
    assert isinstance(state, str)
    assert len(json.loads(state)["channels"]) == 2
    assert switch.api("sim_digits", f"{uuid} 5") == "+OK\n"
    await until(lambda: bool(named(outputs, "DTMF")))
    assert switch.api("sim_hangup", uuid) == "+OK\n"
    await until(lambda: len(named(outputs, "CHANNEL_DESTROY")) == 2)


async def test_wrong_orders_to_people_are_refused_with_the_place(switch: SimSwitch) -> None:
    assert switch.api("sim_call", "{}") == "-ERR number: Field required\n"
    assert str(switch.api("sim_phone", "nonsense")).startswith("-ERR")


async def test_a_caller_keys_what_the_prompt_asks_for(switch: SimSwitch) -> None:
    outputs = heard(switch)
    caller = Caller("13800000001", "9001", context="test", keys=(Keys("42#", prompt="one.wav"),))
    uuid = switch.place_call(caller)
    wanted = "1 4 1 5000 # /s/one.wav silence_stream://100 pin \\d+"
    assert switch.execute(str(uuid), Message("execute", "play_and_get_digits", wanted)) == "+OK"
    await until(lambda: switch.variable(str(uuid), "pin") == "42")
    assert len(named(outputs, "DTMF")) == 3


async def test_a_frozen_switch_stands_still_and_catches_up(switch: SimSwitch) -> None:
    outputs = heard(switch)
    switch.freeze()
    switch.place_call(Caller("13800000001", "9001", context="test"))
    await asyncio.sleep(0)
    assert outputs == []
    switch.thaw()
    await until(lambda: bool(named(outputs, "CHANNEL_PARK")))
