"""Commands and requests as text: as recorded, and never more than one command."""

from __future__ import annotations

import inspect
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from ipcc.esl import commands as c
from ipcc.esl import requests as r
from ipcc.esl.dialstring import User
from ipcc.esl.headers import HangupCause
from ipcc.esl.quoting import Unrenderable
from ipcc.ids import LegId

A = LegId("aaaaaaaa-0000-0000-0000-000000000001")
B = LegId("bbbbbbbb-0000-0000-0000-000000000002")

WRITTEN: list[tuple[c.Command, str]] = [
    (c.UuidBridge(A, B), f"uuid_bridge {A} {B}"),
    (c.UuidKill(A, HangupCause.CALL_REJECTED), f"uuid_kill {A} CALL_REJECTED"),
    (c.UuidExists(A), f"uuid_exists {A}"),
    (c.UuidDump(A), f"uuid_dump {A} json"),
    (c.UuidGetVar(A, "ipcc_role"), f"uuid_getvar {A} ipcc_role"),
    (c.UuidSetVar(A, "note", "two words"), f"uuid_setvar {A} note 'two words'"),
    (c.UuidSetVar(A, "note", ""), f"uuid_setvar {A} note"),
    (c.UuidSetVars(A, {"a": "1;2", "b": "x y"}), f"uuid_setvar_multi {A} a=1\\;2;b=x y"),
    (c.UuidRecord(A, c.RecordAction.START, "/var/spool/x.wav"), f"uuid_record {A} start /var/spool/x.wav"),
    (c.UuidRecord(A, c.RecordAction.START, "/var/x y.wav", 60), f"uuid_record {A} start '/var/x y.wav' 60"),
    (c.UuidRecord(A, c.RecordAction.MASK, "/x.wav"), f"uuid_record {A} mask /x.wav"),
    (c.UuidRecord(A, c.RecordAction.UNMASK, "/x.wav"), f"uuid_record {A} unmask /x.wav"),
    (c.UuidRecord(A, c.RecordAction.STOP, "/x.wav"), f"uuid_record {A} stop /x.wav"),
    (c.UuidBroadcast(A, "local_stream://moh"), f"uuid_broadcast {A} playback::local_stream://moh aleg"),
    (c.UuidBroadcast(A, "a b", "say", c.Whose.BOTH), f"uuid_broadcast {A} 'say::a b' both"),
    (c.UuidBreak(A), f"uuid_break {A}"),
    (c.UuidBreak(A, all_queued=True), f"uuid_break {A} all"),
    (c.UuidTransfer(A, "9002", "default"), f"uuid_transfer {A} 9002 XML default"),
    (c.UuidTransfer(A, "9002", "x", whose=c.Whose.PARTNER), f"uuid_transfer {A} -bleg 9002 XML x"),
    (c.UuidTransfer(A, "9002", "x", whose=c.Whose.BOTH), f"uuid_transfer {A} -both 9002 XML x"),
    (c.UuidHold(A), f"uuid_hold {A}"),
    (c.UuidHold(A, is_on=False), f"uuid_hold off {A}"),
    (c.UuidMute(A), f"uuid_audio {A} start read mute 4"),
    (c.UuidMute(A, is_on=False), f"uuid_audio {A} stop"),
    (c.SchedTransfer(300, A, "fallback", "safety"), f"sched_transfer +300 {A} fallback XML safety"),
    (c.SchedHangup(60, A), f"sched_hangup +60 {A} ALLOTTED_TIMEOUT"),
    (c.SchedDel(A), f"sched_del {A}"),
    (c.ShowChannels(), "show channels as json"),
    (c.ShowChannel(A), f"show channels like {A} as json"),
    (c.ShowRegistrations(), "show registrations as json"),
    (c.Status(), "status"),
    (c.SofiaContact("1001", "bank.example"), "sofia_contact 1001@bank.example"),
    (c.SofiaContact("1001", "bank.example", "internal"), "sofia_contact internal/1001@bank.example"),
    (c.Words("sofia", "status", "gateway", "a b"), "sofia status gateway 'a b'"),
]


@pytest.mark.parametrize(("command", "line"), WRITTEN)
def test_a_command_is_written_as_the_switch_knows_it(command: c.Command, line: str) -> None:
    assert command.render() == line


def test_every_command_has_a_line_here() -> None:
    classes = [kind for _, kind in inspect.getmembers(c, inspect.isclass) if kind.__module__ == c.__name__]
    kinds = {kind for kind in classes if is_dataclass(kind)}
    assert kinds - {type(command) for command, _ in WRITTEN} == {c.Originate, c.OriginateMany}


def hostile(command: Any) -> list[c.Command]:
    """The same command with each of its texts in turn holding a line break and another command."""
    made = []
    for field in fields(command):
        value = getattr(command, field.name)
        if type(value) is str and not isinstance(command, c.Words):
            given = {other.name: getattr(command, other.name) for other in fields(command)}
            made.append(type(command)(**{**given, field.name: "x\n\napi uuid_kill y"}))
    return made


@pytest.mark.parametrize(
    "command", [bad for command, _ in WRITTEN for bad in hostile(command)], ids=lambda command: type(command).__name__
)
def test_no_field_of_any_command_can_start_another_one(command: c.Command) -> None:
    with pytest.raises(Unrenderable):
        r.encode(r.Api(command))


@pytest.mark.parametrize("leg", ["", "a b", "a'b", "$x", "a\n", "-both", "x" * 129])
def test_a_leg_must_be_a_plain_name(leg: str) -> None:
    with pytest.raises(Unrenderable, match="a leg"):
        c.UuidKill(LegId(leg)).render()


def test_what_makes_no_sense_is_refused() -> None:
    for command in (
        c.SchedHangup(0, A),
        c.UuidRecord(A, c.RecordAction.START, "/x.wav", -1),
        c.UuidRecord(A, c.RecordAction.START, "/${x}.wav"),
        c.UuidTransfer(A, "-both", "x"),
        c.UuidTransfer(A, "", "x"),
        c.UuidSetVars(A, {}),
        c.OriginateMany((), at_once=True),
        c.Originate(User("1"), A, timeout_s=0),
        c.Originate(User("1"), A, application="playback", argument="a)b"),
        c.Originate(User("1"), A, application="no such"),
    ):
        with pytest.raises(Unrenderable):
            command.render()


def sent(request: r.Request) -> str:
    return r.encode(request).decode()


def test_requests_are_written_as_recorded() -> None:
    assert sent(r.Api(c.UuidExists(A))) == f"api uuid_exists {A}\n\n"
    assert sent(r.BgApi(c.Status(), "job-1")) == "bgapi status\nJob-UUID: job-1\n\n"
    assert sent(r.Subscribe(("CHANNEL_CREATE", "DTMF"))) == "event plain CHANNEL_CREATE DTMF\n\n"
    assert sent(r.Subscribe(("DTMF",), ("sofia::register",))) == "event plain DTMF CUSTOM sofia::register\n\n"
    assert sent(r.Filter("Unique-ID", A)) == f"filter Unique-ID {A}\n\n"
    assert sent(r.FilterDelete("Unique-ID", A)) == f"filter delete Unique-ID {A}\n\n"
    assert sent(r.Auth("Secret word")) == "auth Secret word\n\n"
    assert sent(r.Exit()) == "exit\n\n"
    assert sent(r.Hangup(A)) == f"sendmsg {A}\ncall-command: hangup\nhangup-cause: NORMAL_CLEARING\n\n"


def test_an_execute_waits_its_turn_and_carries_its_id() -> None:
    assert sent(r.Execute(A, "playback", "x.wav", "event-1")) == (
        f"sendmsg {A}\ncall-command: execute\nexecute-app-name: playback\nevent-lock: true\n"
        "Event-UUID: event-1\nexecute-app-arg: x.wav\n\n"
    )
    assert "\nevent-lock: true\n" in sent(r.Execute(A, "answer"))
    assert "loops: 3" in sent(r.Execute(A, "playback", "x.wav", loops=3))


@pytest.mark.parametrize("argument", ["x" * 600, " begins with a blank", "ends with one ", "张" * 600])
def test_an_argument_that_fits_no_header_travels_as_a_body(argument: str) -> None:
    data = r.encode(r.Execute(A, "say", argument))
    head, _, body = data.partition(b"\n\n")
    assert b"execute-app-arg" not in head
    assert head.endswith(b"\nContent-Type: text/plain\nContent-Length: %d" % len(argument.encode()))
    assert body == argument.encode()


@pytest.mark.parametrize("argument", ["a\nb", "a\n\napi uuid_kill x", "a\rb", "a\0", "x" * 600 + "\n", "%[a=b]c"])
def test_an_argument_that_could_become_more_is_refused(argument: str) -> None:
    with pytest.raises(Unrenderable):
        r.encode(r.Execute(A, "playback", argument))


def test_an_argument_is_never_resolved_by_the_switch() -> None:
    assert "execute-app-arg: \\${system touch x}\n" in sent(r.Execute(A, "playback", "${system touch x}"))


@pytest.mark.parametrize("text", ["reload mod_event_socket", "please UNLOAD the MOD_EVENT_SOCKET"])
def test_words_that_would_unload_the_event_socket_are_refused(text: str) -> None:
    with pytest.raises(Unrenderable, match="mod_event_socket"):
        r.encode(r.Api(c.Words("echo", text)))


@pytest.mark.parametrize("value", ["", "/x/", "-x", "+x", " x", "a\nb"])
def test_a_filter_takes_a_plain_value_only(value: str) -> None:
    with pytest.raises(Unrenderable):
        r.encode(r.Filter("Unique-ID", value))


def test_a_job_id_the_switch_would_cut_is_refused() -> None:
    with pytest.raises(Unrenderable, match="job_id"):
        r.encode(r.BgApi(c.Status(), "x" * 37))


def test_nothing_to_hear_is_refused() -> None:
    with pytest.raises(Unrenderable):
        r.encode(r.Subscribe(()))


def test_secrets_and_customers_are_not_shown() -> None:
    shown = repr(
        [
            r.Auth("Secret"),
            c.UuidSetVar(A, "pin", "1234567"),
            c.Originate(
                User("1001"), A, caller_name="Wang Fang", caller_number="13800001234", variables={"x": "Secret"}
            ),
            r.Execute(A, "say", "your balance 1234567"),
            c.Words("echo", "Secret"),
        ]
    )
    for secret in ("Secret", "1234567", "Wang Fang", "13800001234"):
        assert secret not in shown
