"""Hold, listening in, transfers and rooms: what the recordings do not show."""

from ipcc.sim.channels import Eavesdrop, Message
from ipcc.sim.outputs import DigitsSent, RecordingStopped
from tests.unit.sim.bench import DIALPLAN, Bench

ROOM = (
    '<extension name="room"><condition field="destination_number" expression="^(room\\d)$">'
    '<action application="conference" data="$1@test"/><action application="park"/></condition></extension></context>'
)


def rooms() -> Bench:
    return Bench(DIALPLAN.replace("</context>", ROOM))


def actions(bench: Bench, uuid: str | None = None) -> list[str]:
    found = [event for event in bench.events(uuid, "CUSTOM") if event.subclass == "conference::maintenance"]
    return [str(event.headers["Action"]) for event in found]


def supervised(bench: Bench, **variables: str) -> tuple[str, Eavesdrop]:
    """A bridged call and a supervisor who listens to the caller."""
    caller = bench.bridged()
    bench.engine.phones.register("1003", "127.0.0.1:6103")
    bench.dial(f"user/1003 &eavesdrop({caller})", "boss", **variables)
    bench.answered("boss")
    ear = bench.engine.kernel.channels["boss"].eavesdrop
    assert ear is not None
    return caller, ear


# --- hold --------------------------------------------------------------------------------------------------------


def test_an_agent_who_hangs_up_on_a_held_caller_ends_the_call() -> None:
    bench = Bench()
    caller = bench.bridged()
    assert bench.api("uuid_hold", "agent") == "+OK Success\n"
    bench.run(0.5)
    bench.engine.phones.hang_up("agent")
    bench.run(0.5)
    assert bench.names("agent")[-5:-2] == ["CHANNEL_UNHOLD", "CHANNEL_HANGUP", "CHANNEL_CALLSTATE"]
    assert bench.one("CHANNEL_HANGUP", caller).headers["Hangup-Cause"] == "NORMAL_CLEARING"
    assert bench.api("show", "channels count") == "\n0 total.\n"


def test_who_leaves_while_he_holds_ends_the_other_one_although_he_should_park() -> None:
    bench = Bench()
    caller = bench.bridged()
    bench.api("uuid_setvar", f"{caller} park_after_bridge true")
    bench.api("uuid_hold", "agent")
    bench.run(0.5)
    bench.api("uuid_kill", "agent")
    bench.run(0.5)
    assert bench.one("CHANNEL_HANGUP", caller).headers["Hangup-Cause"] == "NORMAL_CLEARING"


def test_the_one_left_on_hold_goes_where_the_other_leg_says() -> None:
    bench = Bench()
    caller = bench.bridged()
    bench.api("uuid_setvar", "agent hold_hangup_xfer_exten 9001:XML:test")
    bench.api("uuid_hold", "agent")
    bench.run(0.5)
    bench.api("uuid_kill", "agent")
    bench.run(0.5)
    assert bench.names(caller)[-1] == "CHANNEL_PARK"


def test_a_leg_is_held_once_and_let_go_once() -> None:
    bench = Bench()
    bench.bridged()
    answers = [bench.api("uuid_hold", text) for text in ("agent", "agent", "off agent", "off agent")]
    assert answers == ["+OK Success\n", "-ERR Operation failed\n"] * 2


def test_the_partner_of_a_held_leg_hears_its_hold_music_until_it_is_back() -> None:
    bench = Bench()
    caller = bench.bridged()
    bench.api("uuid_setvar", "agent hold_music local_stream://wait")
    bench.engine.phones.hold("agent")
    bench.run(1.0)
    bench.engine.phones.resume("agent")
    bench.run(0.6)
    assert bench.one("PLAYBACK_START", caller).headers["Playback-File-Path"] == "local_stream://wait"
    assert bench.one("PLAYBACK_STOP", caller).headers["Playback-Status"] == "break"
    assert bench.one("CHANNEL_UNHOLD").headers["Unique-ID"] == "agent"


def test_time_on_hold_is_reported() -> None:
    bench = Bench()
    bench.bridged()
    bench.api("uuid_hold", "agent")
    bench.run(3.0)
    bench.api("uuid_hold", "off agent")
    bench.run(0.1)
    bench.api("uuid_kill", "agent")
    bench.run(0.5)
    assert bench.one("CHANNEL_HANGUP_COMPLETE", "agent").headers["variable_hold_accum_seconds"] == "3"


# --- listening in ------------------------------------------------------------------------------------------------


def test_keys_change_who_hears_the_supervisor() -> None:
    bench = Bench()
    _, ear = supervised(bench)
    heard = []
    for key in "1230":
        bench.engine.phones.press("boss", key)
        bench.run(0.1)
        heard.append((ear.speaks_to_target, ear.speaks_to_partner))
    assert heard == [(False, True), (True, False), (True, True), (False, False)]


def test_without_keys_the_supervisor_stays_as_he_was_told() -> None:
    bench = Bench()
    _, ear = supervised(bench, eavesdrop_enable_dtmf="false", eavesdrop_whisper_aleg="true")
    bench.engine.phones.press("boss", "3")
    bench.run(0.1)
    assert (ear.speaks_to_target, ear.speaks_to_partner) == (False, True)
    assert bench.events("boss", "DTMF") == []


def test_the_supervisor_leaves_with_the_call() -> None:
    bench = Bench()
    caller, _ = supervised(bench)
    assert "<function>eavesdrop</function>" in bench.api("uuid_buglist", caller)
    bench.engine.phones.hang_up(caller)
    bench.run(0.5)
    assert bench.api("show", "channels count") == "\n0 total.\n"


def test_a_supervisor_of_another_group_hears_nothing() -> None:
    bench = Bench()
    caller = bench.bridged()
    bench.api("uuid_setvar", f"{caller} eavesdrop_group red,blue")
    bench.engine.phones.register("1003", "127.0.0.1:6103")
    bench.dial(f"user/1003 &eavesdrop({caller})", "boss", eavesdrop_require_group="green")
    bench.answered("boss")
    assert bench.one("CHANNEL_HANGUP", "boss").headers["Hangup-Cause"] == "NORMAL_CLEARING"


# --- transfers ---------------------------------------------------------------------------------------------------


def test_a_phone_sends_its_partner_elsewhere_and_is_let_go() -> None:
    bench = Bench()
    caller = bench.bridged()
    bench.api("uuid_setvar", "agent force_transfer_context test")
    bench.engine.phones.refer("agent", "9001")
    bench.run(0.5)
    assert bench.one("CHANNEL_HANGUP_COMPLETE", "agent").headers["variable_transfer_disposition"] == "recv_replace"
    assert bench.names(caller)[-1] == "CHANNEL_PARK"


def test_each_side_goes_to_a_place_of_its_own() -> None:
    bench = Bench()
    caller = bench.bridged()
    assert bench.api("uuid_dual_transfer", f"{caller} 9001/XML/test park/inline") == "+OK\n"
    bench.run(0.5)
    assert [bench.names(uuid)[-1] for uuid in (caller, "agent")] == ["CHANNEL_PARK", "CHANNEL_PARK"]


# --- rooms -------------------------------------------------------------------------------------------------------


def test_both_sides_of_a_call_meet_a_third_in_a_room() -> None:
    bench = rooms()
    caller = bench.bridged()
    bench.api("uuid_transfer", f"{caller} -both room1 XML test")
    third = bench.call("room1", number="13800000002")
    assert bench.api("conference", "room1 count") == "3"
    for uuid in (caller, "agent", third):
        assert actions(bench, uuid)[0] == "add-member"
    bench.engine.phones.hang_up(third)
    bench.run(0.5)
    assert bench.api("conference", "room1 count") == "2"


def test_who_is_kicked_goes_on_with_his_dialplan() -> None:
    bench = rooms()
    caller = bench.call("room1")
    assert bench.api("conference", "room1 kick all") == "+OK kicked 1\n"
    bench.run(0.2)
    assert bench.names(caller)[-1] == "CHANNEL_PARK"
    assert actions(bench)[-1] == "conference-destroy"


def test_a_locked_room_lets_nobody_in() -> None:
    bench = rooms()
    bench.call("room1")
    bench.api("conference", "room1 lock")
    late = bench.call("room1", number="13800000002")
    assert actions(bench, late) == []
    assert bench.api("conference", "room1 count") == "1"


def test_a_room_ends_with_the_last_one_who_ends_it() -> None:
    bench = rooms()
    customer = bench.call("room1")
    bench.dial("user/1001 &conference(room1@test+flags{endconf|moderator})")
    bench.answered()
    bench.engine.phones.hang_up("agent")
    bench.run(0.5)
    assert bench.names(customer)[-1] == "CHANNEL_PARK"
    assert bench.api("conference", "list") == "+OK No active conferences.\n"


def test_a_member_is_sent_to_another_room() -> None:
    bench = rooms()
    bench.call("room1")
    bench.call("room1", number="13800000002")
    assert bench.api("conference", "room1 transfer room2@test 1 9") == (
        "+OK Member '1' sent to conference room2@test.\n-ERR No Member 9 in conference room1.\n"
    )
    bench.run(0.2)
    assert bench.api("conference", "room2 list").startswith("3;sofia/external/13800000001@")
    assert bench.api("conference", "room1 list").startswith("2;")


def test_the_floor_goes_to_who_speaks_when_its_holder_is_silent() -> None:
    bench = rooms()
    first, second = bench.call("room1"), bench.call("room1", number="13800000002")
    bench.engine.phones.speak(second)
    bench.engine.phones.speak(first)
    bench.run(0.1)
    assert bench.api("conference", "room1 list").splitlines()[0].split(";")[5] == "hear|speak|talking|floor"
    assert actions(bench, first)[-1] == "start-talking"


def test_who_is_muted_is_not_heard_until_he_may_speak_again() -> None:
    bench = rooms()
    uuid = bench.call("room1")
    bench.api("conference", "room1 mute last")
    bench.engine.phones.speak(uuid)
    bench.run(0.2)
    assert "start-talking" not in actions(bench, uuid)
    bench.api("conference", "room1 tmute 1")
    bench.run(0.2)
    assert actions(bench, uuid)[-2:] == ["unmute-member", "start-talking"]


def test_a_room_that_ends_closes_its_recording() -> None:
    bench = rooms()
    uuid = bench.call("room1")
    bench.api("conference", "room1 record /r/room.wav")
    bench.api("conference", "room1 record /proc/nope.wav")
    bench.run(2.0)
    bench.engine.phones.hang_up(uuid)
    bench.run(0.5)
    stopped = [output for output in bench.outputs if isinstance(output, RecordingStopped)]
    assert [(output.path, round(output.ended - output.started)) for output in stopped] == [("/r/room.wav", 2)]


def test_commands_a_room_does_not_know_are_refused() -> None:
    bench = rooms()
    bench.call("room1")
    answers = [bench.api("conference", text) for text in ("room1 dance", "room1 mute 7", "room1 mute x", "room2 list")]
    assert answers == [
        "-ERR Conference command 'dance' not found.\n",
        "-ERR Non-Existant ID 7\n",
        "-ERR Non-Existant member\n",
        "-ERR Conference room2 not found\n",
    ]


# --- consulting --------------------------------------------------------------------------------------------------


def consulting(bench: Bench) -> tuple[str, str]:
    """A caller on hold while his agent talks to a third; the uuids of caller and third."""
    caller = bench.bridged()
    bench.engine.phones.register("1002", "127.0.0.1:6102")
    bench.engine.execute("agent", Message("execute", "att_xfer", "user/1002"))
    bench.run(0.2)
    third = bench.invited()[-1].uuid
    bench.answered(third)
    assert bench.one("CHANNEL_BRIDGE", "agent").headers["Bridge-B-Unique-ID"] == third
    return caller, third


def test_an_agent_who_hangs_up_joins_the_two_others() -> None:
    bench = Bench()
    caller, third = consulting(bench)
    bench.engine.phones.hang_up("agent")
    bench.run(0.5)
    assert bench.one("CHANNEL_BRIDGE", third).headers["Bridge-B-Unique-ID"] == caller
    bench.engine.phones.hang_up(caller)
    bench.run(0.5)
    assert bench.api("show", "channels count") == "\n0 total.\n"


def test_an_agent_whose_third_hangs_up_is_back_with_the_caller() -> None:
    bench = Bench()
    caller, third = consulting(bench)
    bench.engine.phones.hang_up(third)
    bench.run(0.5)
    assert bench.events("agent", "CHANNEL_BRIDGE")[-1].headers["Bridge-B-Unique-ID"] == caller


def test_an_agent_whose_third_does_not_come_is_back_with_the_caller() -> None:
    bench = Bench()
    caller = bench.bridged()
    bench.engine.execute("agent", Message("execute", "att_xfer", "user/1002"))
    bench.run(0.5)
    bench.engine.phones.press(caller, "5")
    bench.run(0.1)
    assert bench.api("show", "channels count") == "\n2 total.\n"
    assert any(isinstance(output, DigitsSent) and output.uuid == "agent" for output in bench.outputs)
