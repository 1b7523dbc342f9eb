"""The small parts of the engine: time, variables, dial strings, causes, lists, registrations."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcc.sim import causes, dialstring, transfer, variables
from ipcc.sim.timeline import FRAME_S, Steps, Thread, Timeline
from tests.unit.sim.bench import Bench


def test_equal_times_keep_the_order_in_which_they_were_asked_for() -> None:
    line = Timeline(0)
    seen: list[str] = []
    for name in "abc":
        line.at(1, lambda name=name: seen.append(name))  # type: ignore[misc]
    line.at(0.5, lambda: seen.append("first"))
    line.at(2, lambda: seen.append("late"))
    line.advance(1)
    assert seen == ["first", "a", "b", "c"]


@given(st.floats(min_value=0, max_value=1000))
def test_the_next_frame_is_always_later_and_at_most_one_frame_away(now: float) -> None:
    line = Timeline(0)
    line.advance(now)
    assert now < line.next_frame() + 1e-5
    assert line.next_frame() - now <= FRAME_S + 1e-5
    assert line.frame() <= now + 1e-5


def test_a_woken_thread_runs_at_the_next_frame_and_only_once() -> None:
    line = Timeline(0)
    ran: list[float] = []

    def program() -> Steps:
        while True:
            ran.append(line.now)
            yield None

    thread = Thread(line, program())
    thread.start()
    line.advance(0.005)
    thread.wake()
    thread.wake()
    line.advance(1)
    assert ran == [0, pytest.approx(FRAME_S)]


LOOK_UP = {"a": "value", "b": "${a}", "name_value": "found"}.get


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("x${a}y", "xvaluey"),
        ("${nothing}", ""),
        ("${b}", "${a}"),
        ("${name_${a}}", "found"),
        ("${a:1:2}", "al"),
        ("${a:-2}", "ue"),
        ("\\${a}", "${a}"),
        ("${open", "${open"),
    ],
)
def test_variables_expand_once_and_values_never(text: str, expected: str) -> None:
    assert variables.expand(text, LOOK_UP) == expected


def test_dial_strings_are_taken_apart() -> None:
    parsed = dialstring.parse("{a=1,b='x,y'}[c=2]user/1001,[d=3]sofia/gateway/g/7|error/USER_BUSY")
    assert parsed.variables == (("a", "1"), ("b", "x,y"))
    assert [[leg.endpoint for leg in group] for group in parsed.groups] == [
        ["user/1001", "sofia/gateway/g/7"],
        ["error/USER_BUSY"],
    ]
    assert parsed.groups[0][0].variables == (("c", "2"),)


def test_what_follows_the_blank_in_an_application_is_lost_unless_quoted() -> None:
    assert dialstring.split_arguments("user/1 &app(a b)")[1] == "&app(a"
    assert dialstring.split_arguments("user/1 '&app(a b)'")[1] == "&app(a b)"
    assert dialstring.application("&app(a b)") == ("app", "a b")
    assert dialstring.application("&park") == ("park", "")


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_dial_strings(text: str) -> None:
    dialstring.parse(text)
    dialstring.split_arguments(text)


def test_causes_are_read_as_names_or_numbers() -> None:
    assert causes.name_of("17") == "USER_BUSY"
    assert causes.name_of("user_busy") == "USER_BUSY"
    assert causes.name_of("nonsense") == "NORMAL_CLEARING"
    assert causes.q850("LOSE_RACE") == 16


def test_inline_dialplans_name_their_applications() -> None:
    assert transfer.inline("answer,playback:/s/a.wav") == [("answer", ""), ("playback", "/s/a.wav")]
    assert transfer.inline("m:^:set:a=1,2^park") == [("set", "a=1,2"), ("park", "")]


def test_the_list_of_channels_is_empty_in_its_own_way() -> None:
    bench = Bench()
    assert bench.api("show", "channels as json") == '{"row_count": 0}\n'
    assert bench.api("show", "channels") == "\n0 total.\n"
    assert bench.api("show", "channels count") == "\n0 total.\n"


def test_a_joined_pair_is_two_channels_and_one_call() -> None:
    bench = Bench()
    caller = bench.bridged()
    channels = json.loads(bench.api("show", "channels as json"))
    calls = json.loads(bench.api("show", "calls as json"))
    assert [row["uuid"] for row in channels["rows"]] == [caller, "agent"]
    assert [row["state"] for row in channels["rows"]] == ["CS_SOFT_EXECUTE", "CS_EXCHANGE_MEDIA"]
    assert [(row["uuid"], row["b_uuid"]) for row in calls["rows"]] == [(caller, "agent")]
    assert {row["call_uuid"] for row in channels["rows"]} == {caller}


def test_a_dump_shows_every_variable() -> None:
    bench = Bench()
    uuid = bench.call()
    bench.api("uuid_setvar", f"{uuid} note a: b\nEvil: yes")
    dumped = json.loads(bench.api("uuid_dump", f"{uuid} json"))
    assert dumped["variable_note"] == "a: b\nEvil: yes"
    assert "Evil" not in dumped
    assert dumped["Unique-ID"] == uuid


def test_phones_register_refresh_and_leave() -> None:
    bench = Bench()
    bench.run(0.1)
    assert bench.api("sofia_contact", "1001@127.0.0.1") == "sofia/internal/sip:1001@127.0.0.1:6101"
    bench.engine.phones.unregister("1001")
    bench.run(0.1)
    assert bench.api("sofia_contact", "*/1001@127.0.0.1") == "error/user_not_registered"
    assert [event.subclass for event in bench.events(name="CUSTOM")][-1] == "sofia::unregister"
    assert not bench.engine.phones.register("8888", "127.0.0.1:1")


def test_a_phone_that_vanishes_is_forgotten_a_minute_after_its_time() -> None:
    bench = Bench()
    bench.engine.phones.register("1002", "127.0.0.1:6102", 10)
    bench.run(69)
    assert bench.api("sofia_contact", "1002") != "error/user_not_registered"
    bench.run(6)
    assert bench.api("sofia_contact", "1002") == "error/user_not_registered"
    assert [event.subclass for event in bench.events(name="CUSTOM")][-1] == "sofia::expire"


def test_the_heart_beats_every_twenty_seconds() -> None:
    bench = Bench()
    bench.call()
    bench.run(61)
    beats = bench.events(name="HEARTBEAT")
    assert len(beats) == 3
    assert beats[0].headers["Session-Count"] == "1"


def test_event_sequence_rises_within_a_channel() -> None:
    bench = Bench()
    caller = bench.bridged()
    numbers = [int(str(event.headers["Event-Sequence"])) for event in bench.events(caller)]
    assert numbers == sorted(numbers)
