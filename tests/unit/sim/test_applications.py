"""Applications driven by sendmsg: playing, keying, waiting, setting, moving."""

import pytest

from ipcc.sim.channels import Message
from ipcc.sim.outputs import DigitsSent
from tests.unit.sim.bench import Bench


def execute(
    bench: Bench, uuid: str, app: str, argument: str = "", event_uuid: str = "x", *, lock: bool = False
) -> None:
    assert bench.engine.execute(uuid, Message("execute", app, argument, event_uuid, lock=lock)) == "+OK"


def keyed(bench: Bench, uuid: str, keys: str, gap: float = 0.2) -> None:
    for key in keys:
        bench.engine.phones.press(uuid, key)
        bench.run(gap)


def tasks(bench: Bench) -> list[int]:
    """What waits to be done later, but for what the switch does by itself."""
    return [number for number, task in bench.engine.kernel.scheduler.tasks.items() if task.group != "mod_hash"]


def complete(bench: Bench, event_uuid: str = "x") -> str | None:
    for event in bench.events(name="CHANNEL_EXECUTE_COMPLETE"):
        if event.headers["Application-UUID"] == event_uuid:
            return str(event.headers["Application-Response"])
    return None


def test_the_event_uuid_comes_back_as_application_uuid() -> None:
    bench = Bench()
    uuid = bench.call()
    execute(bench, uuid, "playback", "/s/one.wav", "mine")
    bench.run(0.9)
    assert complete(bench, "mine") is None
    bench.run(0.3)
    assert complete(bench, "mine") == "FILE PLAYED"


def test_nothing_of_a_command_happens_before_its_reply() -> None:
    bench = Bench()
    uuid = bench.call()
    bench.forget()
    execute(bench, uuid, "set", "a=b")
    assert bench.engine.take() == []


def test_a_missing_file_is_not_found_and_the_call_stays() -> None:
    bench = Bench()
    uuid = bench.call()
    execute(bench, uuid, "playback", "/s/nothing.wav")
    bench.run(0.1)
    assert complete(bench) == "FILE NOT FOUND"
    assert bench.api("uuid_exists", uuid) == "true"


def test_an_unknown_application_ends_the_call() -> None:
    bench = Bench()
    uuid = bench.call()
    execute(bench, uuid, "nosuchapp")
    bench.run(0.1)
    assert bench.one("CHANNEL_HANGUP", uuid).headers["Hangup-Cause"] == "DESTINATION_OUT_OF_ORDER"


def test_unlocked_commands_run_inside_one_another_and_locked_ones_in_order() -> None:
    bench = Bench()
    uuid = bench.call()
    execute(bench, uuid, "playback", "/s/one.wav", "first")
    bench.run(0.1)
    execute(bench, uuid, "set", "a=b", "inner")
    bench.run(0.1)
    assert complete(bench, "inner") == "_none_"
    assert complete(bench, "first") is None
    bench.run(2)
    execute(bench, uuid, "playback", "/s/one.wav", "locked", lock=True)
    bench.run(0.1)
    execute(bench, uuid, "set", "a=c", "after", lock=True)
    bench.run(0.1)
    assert complete(bench, "after") is None
    bench.run(1)
    assert complete(bench, "after") == "_none_"


def test_endless_music_ends_with_an_error_that_is_none_when_the_leg_is_joined() -> None:
    bench = Bench()
    caller = bench.call()
    execute(bench, caller, "playback", "local_stream://moh")
    bench.dial()
    bench.answered()
    bench.api("uuid_bridge", f"{caller} agent")
    bench.run(0.2)
    assert complete(bench) == "PLAYBACK ERROR"
    assert bench.one("CHANNEL_BRIDGE").headers["Unique-ID"] == caller


def test_uuid_break_stops_the_sound() -> None:
    bench = Bench()
    uuid = bench.call()
    execute(bench, uuid, "playback", "/s/ten.wav")
    bench.run(1)
    assert bench.api("uuid_break", uuid) == "+OK\n"
    bench.run(0.1)
    assert complete(bench) == "FILE PLAYED"


def test_a_sequence_of_sounds_plays_as_one() -> None:
    bench = Bench()
    uuid = bench.call()
    execute(bench, uuid, "playback", "file_string:///s/one.wav!/s/half.wav!silence_stream://250")
    bench.run(1.7)
    assert complete(bench) is None
    bench.run(0.2)
    assert complete(bench) == "FILE PLAYED"


PAGD = "play_and_get_digits"


def test_keys_that_fit_are_the_result() -> None:
    bench = Bench()
    uuid = bench.call()
    execute(bench, uuid, PAGD, "1 4 2 2000 # /s/one.wav /s/half.wav pin ^\\d+$ 1000")
    bench.run(0.3)
    keyed(bench, uuid, "12#")
    assert complete(bench) == "_none_"
    assert bench.api("uuid_getvar", f"{uuid} pin") == "12"
    assert bench.api("uuid_getvar", f"{uuid} read_result") == "success"
    assert bench.api("uuid_getvar", f"{uuid} read_terminator_used") == "#"
    assert [event.headers["DTMF-Digit"] for event in bench.events(uuid, "DTMF")] == ["1", "2", "#"]


def test_the_longest_input_ends_without_a_terminator() -> None:
    bench = Bench()
    uuid = bench.call()
    execute(bench, uuid, PAGD, "1 2 1 2000 # /s/one.wav /s/half.wav pin ^\\d+$ 1000")
    bench.run(0.3)
    keyed(bench, uuid, "42")
    assert bench.api("uuid_getvar", f"{uuid} pin") == "42"
    assert bench.api("uuid_getvar", f"{uuid} read_terminator_used") == "_undef_"


def test_silence_is_failure_after_all_tries() -> None:
    bench = Bench()
    uuid = bench.call()
    execute(bench, uuid, PAGD, "1 4 2 2000 # /s/one.wav /s/half.wav pin ^\\d+$ 1000")
    bench.run(6.9)
    assert complete(bench) is None
    bench.run(0.3)
    assert complete(bench) == "_none_"
    assert bench.api("uuid_getvar", f"{uuid} pin") == "_undef_"
    assert bench.api("uuid_getvar", f"{uuid} read_result") == "failure"
    assert [event.headers["Playback-File-Path"] for event in bench.events(uuid, "PLAYBACK_START")] == [
        "/s/one.wav",
        "/s/half.wav",
        "/s/one.wav",
        "/s/half.wav",
    ]


def test_wrong_keys_are_kept_apart_and_the_next_try_counts() -> None:
    bench = Bench()
    uuid = bench.call()
    execute(bench, uuid, PAGD, "1 4 2 2000 # /s/one.wav /s/half.wav pin ^12$ 1000")
    bench.run(0.3)
    keyed(bench, uuid, "99#")
    bench.run(0.6)
    keyed(bench, uuid, "12#")
    assert bench.api("uuid_getvar", f"{uuid} pin_invalid") == "99"
    assert bench.api("uuid_getvar", f"{uuid} pin") == "12"


def test_keys_typed_ahead_are_taken_and_no_prompt_plays() -> None:
    bench = Bench()
    uuid = bench.call("9002")
    bench.api("uuid_answer", uuid)
    execute(bench, uuid, "sleep", "500", "s")
    bench.run(0.1)
    for key in "12#":
        bench.engine.phones.press(uuid, key)
    execute(bench, uuid, PAGD, "1 4 1 2000 # /s/one.wav /s/half.wav pin ^\\d+$ 1000", "p", lock=True)
    bench.run(0.2)
    assert bench.api("uuid_getvar", f"{uuid} pin") == "12"
    assert not bench.events(uuid, "PLAYBACK_START")


def test_a_hang_up_while_keying_leaves_the_keys_of_until_then_and_a_failure() -> None:
    bench = Bench()
    uuid = bench.call()
    execute(bench, uuid, PAGD, "1 4 2 2000 # /s/one.wav /s/half.wav pin ^\\d+$ 1000")
    bench.run(0.3)
    keyed(bench, uuid, "1")
    bench.engine.phones.hang_up(uuid)
    bench.run(0.2)
    variables = bench.one("CHANNEL_HANGUP_COMPLETE", uuid).headers
    assert variables["variable_pin"] == "1"
    assert variables["variable_read_result"] == "failure"


def test_a_hang_up_before_any_key_leaves_nothing() -> None:
    bench = Bench()
    uuid = bench.call()
    execute(bench, uuid, PAGD, "1 4 2 2000 # /s/one.wav /s/half.wav pin ^\\d+$ 1000")
    bench.run(0.3)
    bench.engine.phones.hang_up(uuid)
    bench.run(0.2)
    assert "variable_pin" not in bench.one("CHANNEL_HANGUP_COMPLETE", uuid).headers


def test_what_ended_a_recording_is_told_and_forgotten_by_the_next() -> None:
    bench = Bench()
    uuid = bench.call()
    bench.api("uuid_setvar", f"{uuid} playback_terminators 0123456789*#")
    for key in ("5", ""):
        execute(bench, uuid, "record", "/spool/a.wav 2 200 2", f"r{key}")
        bench.run(0.5)
        if key:
            keyed(bench, uuid, key)
        bench.run(2)
        assert complete(bench, f"r{key}") == "_none_"
        assert bench.api("uuid_getvar", f"{uuid} playback_terminator_used") == (key or "_undef_")


def test_read_gives_its_keys_or_failure() -> None:
    bench = Bench()
    uuid = bench.call()
    execute(bench, uuid, "read", "1 4 /s/one.wav r1 3000 #", "r1")
    bench.run(0.2)
    keyed(bench, uuid, "77#")
    execute(bench, uuid, "read", "1 4 /s/one.wav r2 1500 #", "r2")
    bench.run(2.4)
    assert complete(bench, "r2") is None
    bench.run(0.2)
    assert bench.api("uuid_getvar", f"{uuid} r1") == "77"
    assert bench.api("uuid_getvar", f"{uuid} r2") == "_undef_"
    assert bench.api("uuid_getvar", f"{uuid} read_result") == "failure"


def test_say_without_sound_files_ends_at_once() -> None:
    bench = Bench()
    uuid = bench.call()
    execute(bench, uuid, "say", "en number iterated 123")
    bench.run(0.1)
    assert complete(bench) == "_none_"


def test_keys_pressed_in_a_bridge_go_to_the_partner() -> None:
    bench = Bench()
    caller = bench.bridged()
    bench.engine.phones.press(caller, "5", by_info=True, samples=1280)
    bench.run(0.1)
    assert DigitsSent("agent", "5") in bench.outputs
    assert bench.one("DTMF", caller).headers["DTMF-Source"] == "ENDPOINT"


@pytest.mark.parametrize(
    ("app", "argument", "name", "value"),
    [
        ("set", "a=b=c", "a", "b=c"),
        ("multiset", "a=1 b=2", "b", "2"),
        ("multiset", "^^|a=1|b=two words", "b", "two words"),
        ("export", "a=1", "a", "1"),
        ("set", "a=${destination_number}-${uuid:0:0}x", "a", "9001-"),
    ],
)
def test_variables_are_set_by_their_applications(app: str, argument: str, name: str, value: str) -> None:
    bench = Bench()
    uuid = bench.call()
    execute(bench, uuid, app, argument)
    bench.run(0.1)
    assert bench.api("uuid_getvar", f"{uuid} {name}").startswith(value)


def test_unset_variables_are_gone() -> None:
    bench = Bench()
    uuid = bench.call()
    bench.api("uuid_setvar_multi", f"{uuid} a=1;b=2;c=3")
    execute(bench, uuid, "unset", "a")
    execute(bench, uuid, "multiunset", "b c")
    bench.run(0.1)
    assert [bench.api("uuid_getvar", f"{uuid} {name}") for name in "abc"] == ["_undef_"] * 3


def test_a_transfer_leaves_the_application_and_begins_anew() -> None:
    bench = Bench()
    uuid = bench.call()
    assert bench.api("uuid_transfer", f"{uuid} fallback XML test") == "+OK\n"
    bench.run(2)
    assert bench.one("CHANNEL_HANGUP", uuid).headers["Hangup-Cause"] == "USER_BUSY"
    assert bench.one("CHANNEL_HANGUP", uuid).headers["Caller-RDNIS"] == "9001"


def test_a_transfer_to_nowhere_says_ok_and_ends_the_call() -> None:
    bench = Bench()
    uuid = bench.call()
    assert bench.api("uuid_transfer", f"{uuid} 7777 XML test") == "+OK\n"
    bench.run(0.1)
    assert bench.one("CHANNEL_HANGUP", uuid).headers["Hangup-Cause"] == "NO_ROUTE_DESTINATION"


def test_the_safety_net_catches_a_call_nobody_serves() -> None:
    bench = Bench()
    uuid = bench.call("9500")
    bench.run(4)
    assert bench.api("uuid_getvar", f"{uuid} destination_number") == "9500"
    bench.run(1.2)
    assert bench.api("uuid_getvar", f"{uuid} destination_number") == "fallback"


def test_the_safety_net_is_taken_down_and_put_up_by_the_uuid() -> None:
    bench = Bench()
    uuid = bench.call("9500")
    assert bench.api("sched_del", uuid) == "+OK Deleted: 1\n"
    assert bench.api("sched_transfer", f"+9 {uuid} fallback XML test") == "+OK\n"
    bench.run(7)
    assert bench.api("uuid_getvar", f"{uuid} destination_number") == "9500"
    bench.run(2)
    assert bench.api("uuid_getvar", f"{uuid} destination_number") == "fallback"


def test_hooks_of_answer_and_bridge_run_api_commands() -> None:
    bench = Bench()
    uuid = bench.call("9002")
    bench.api("uuid_setvar", f"{uuid} api_on_answer_1 sched_transfer +60 ${{uuid}} fallback XML test")
    bench.api("uuid_setvar", f"{uuid} api_before_bridge_1 sched_del ${{uuid}}")
    bench.api("uuid_answer", uuid)
    bench.run(0.1)
    assert len(tasks(bench)) == 1
    bench.dial()
    bench.answered()
    bench.api("uuid_bridge", f"{uuid} agent")
    bench.run(0.2)
    assert not tasks(bench)


def test_uuid_broadcast_plays_inside_what_runs() -> None:
    bench = Bench()
    uuid = bench.call()
    assert bench.api("uuid_broadcast", f"{uuid} /s/half.wav aleg") == "+OK Message sent\n"
    bench.run(1)
    assert bench.one("PLAYBACK_START", uuid).headers["Playback-File-Path"] == "/s/half.wav"
    assert bench.names(uuid)[-1] == "CHANNEL_EXECUTE_COMPLETE"


def test_what_was_ordered_is_never_heard_by_one_who_is_bridged_during_its_lead_frames() -> None:
    """FreeSWITCH 1.10.12: uuid_bridge up to 90 ms after uuid_broadcast, and the file never begins."""
    bench = Bench()
    uuid = bench.call()
    bench.api("uuid_answer", uuid)
    bench.dial()
    bench.answered()
    bench.run(0.2)
    bench.api("uuid_broadcast", f"{uuid} local_stream://ipcc aleg")
    bench.run(0.02)
    bench.api("uuid_bridge", f"{uuid} agent")
    bench.run(1)
    assert not bench.events(uuid, "PLAYBACK_START")
