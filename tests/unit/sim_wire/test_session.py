"""A connection of the event socket: commands, subscriptions, queue, control of a call."""

import pytest

from ipcc.sim.channels import Message
from ipcc.sim.esl_session import LOST_LIMIT, Control, Session
from tests.unit.sim_wire.scripted_switch import ScriptedSwitch, event, session


def signed_in(switch: ScriptedSwitch, queue_events: int = 100) -> Session:
    made = session(switch, queue_events=queue_events)
    made.receive(b"auth ClueCon\n\n", 0)
    made.take()
    return made


def say(made: Session, text: str, now: float = 0) -> str:
    made.receive(text.encode() + b"\n\n", now)
    return made.take().decode()


def reply(text: str) -> str:
    return f"Content-Type: command/reply\nReply-Text: {text}\n\n"


def test_before_the_password_only_the_password_and_exit_are_known() -> None:
    made = session(ScriptedSwitch())
    assert made.take() == b"Content-Type: auth/request\n\n"
    assert say(made, "api status") == reply("-ERR command not found")
    assert say(made, "auth ClueCon") == reply("+OK accepted")


def test_a_wrong_password_ends_the_connection() -> None:
    made = session(ScriptedSwitch())
    made.take()
    answer = say(made, "auth wrong")
    assert answer.startswith(reply("-ERR invalid") + "Content-Type: text/disconnect-notice\n")
    assert made.is_closing


def test_nothing_is_answered_after_exit() -> None:
    made = signed_in(ScriptedSwitch())
    made.receive(b"exit\n\napi echo late\n\n", 0)
    assert b"late" not in made.take()


def test_a_waiting_api_command_holds_back_later_commands_and_events() -> None:
    made = signed_in(ScriptedSwitch())
    say(made, "event plain CHANNEL_ANSWER")
    made.receive(b"api slow 7\n\napi echo after\n\n", 0)
    made.offer(event(), 0)
    assert made.take() == b""
    assert not made.answer(8, "other connection's")
    assert made.answer(7, "+OK done\n")
    out = made.take().decode()
    assert out.index("+OK done") < out.index("after") < out.index("CHANNEL_ANSWER")


def test_a_background_job_keeps_the_identifier_the_client_gave() -> None:
    switch = ScriptedSwitch()
    made = signed_in(switch)
    assert say(made, "bgapi status\nJob-UUID: mine") == (
        "Content-Type: command/reply\nReply-Text: +OK Job-UUID: mine\nJob-UUID: mine\n\n"
    )
    assert switch.jobs == [("status", "", "mine")]


def test_an_execute_carries_lock_loops_and_identifier_and_takes_a_body_as_argument() -> None:
    switch = ScriptedSwitch(channels={"a": {"uuid": "a"}})
    made = signed_in(switch)
    body = "content-type: text/plain\ncontent-length: 5\n\nx=1\n2"
    made.receive(
        b"sendmsg a\ncall-command: execute\nexecute-app-name: set\nevent-lock: true\nloops: 2\nEvent-UUID: e\n"
        + body.encode(),
        0,
    )
    assert made.take().decode() == reply("+OK")
    assert switch.executed == [("a", Message("execute", "set", "x=1\n2", "e", lock=True, loops=2))]
    unknown = say(made, "sendmsg nope\ncall-command: execute\nexecute-app-name: answer")
    assert unknown == reply("-ERR invalid session id [nope]")


def test_the_last_format_holds_for_everything_asked_for_before() -> None:
    made = signed_in(ScriptedSwitch())
    say(made, "event plain CHANNEL_ANSWER")
    say(made, "event json HEARTBEAT")
    made.offer(event(), 0)
    assert b"text/event-json" in made.take()


def test_filters_on_one_header_are_alternatives_and_slashes_make_a_pattern() -> None:
    made = signed_in(ScriptedSwitch())
    for line in ("event plain CHANNEL_ANSWER", "filter X-A a", "filter X-A /^b+$/"):
        say(made, line)
    for value in ("a", "bb", "c"):
        made.offer(event(X_A=value), 0)
    out = made.take().decode()
    assert ("X-A: a" in out, "X-A: bb" in out, "X-A: c" in out) == (True, True, False)


def test_a_pattern_that_is_none_matches_nothing() -> None:
    made = signed_in(ScriptedSwitch())
    say(made, "event plain CHANNEL_ANSWER")
    say(made, "filter X-A /(/")
    made.offer(event(X_A="("), 0)
    assert made.take() == b""


def test_an_event_taken_out_of_all_leaves_the_custom_ones_never_named_behind() -> None:
    made = signed_in(ScriptedSwitch())
    say(made, "event plain ALL")
    made.offer(event("CUSTOM", "a::b"), 0)
    assert made.take()
    say(made, "nixevent HEARTBEAT")
    made.offer(event("CUSTOM", "a::b"), 0)
    assert made.take() == b""
    made.offer(event("CHANNEL_ANSWER"), 0)
    assert made.take()


def test_a_client_that_does_not_read_loses_events_only_when_its_queue_is_full() -> None:
    made = signed_in(ScriptedSwitch(), queue_events=10)
    say(made, "event plain CHANNEL_ANSWER")
    made.is_held = True
    for _ in range(10):
        made.offer(event(), 0)
    assert (made.queued, made.lost, made.take()) == (10, 0, b"")
    for _ in range(LOST_LIMIT):
        made.offer(event(), 0)
    assert not made.is_overrun
    made.offer(event(), 0)
    assert (made.is_overrun, made.lost) == (True, 501)


def test_a_client_that_reads_again_gets_everything_that_waited() -> None:
    made = signed_in(ScriptedSwitch())
    say(made, "event plain CHANNEL_ANSWER")
    made.is_held = True
    for _ in range(5):
        made.offer(event(), 0)
    made.is_held = False
    made.flush()
    assert made.take().count(b"Event-Name: CHANNEL_ANSWER") == 5


def test_events_go_out_when_the_switch_looks_every_20_ms_and_after_each_command() -> None:
    made = signed_in(ScriptedSwitch())
    say(made, "event plain CHANNEL_ANSWER", 100.0)
    made.offer(event(), 100.005)
    assert made.take() == b""
    made.tick(100.019)
    assert made.take() == b""
    made.tick(100.02)
    assert made.take() != b""
    made.offer(event(), 100.025)
    assert "CHANNEL_ANSWER" in say(made, "api echo x", 100.03)


def test_events_that_keep_coming_do_not_put_the_look_off_for_those_that_wait() -> None:
    made = signed_in(ScriptedSwitch())
    say(made, "event plain CHANNEL_ANSWER", 100.0)
    made.offer(event(), 100.005)
    # on a busy machine the timer is late, and the next event comes before it
    made.offer(event(), 100.021)
    assert made.next_due() == pytest.approx(100.02)
    made.tick(100.022)
    assert made.take().count(b"Event-Name: CHANNEL_ANSWER") == 2
    assert made.next_due() is None


def test_a_subscription_holds_only_for_what_happens_after_it() -> None:
    made = signed_in(ScriptedSwitch())
    made.offer(event(), 100.005)
    say(made, "event plain CHANNEL_ANSWER", 100.01)
    made.tick(100.1)
    assert made.take() == b""


def controlling(switch: ScriptedSwitch, *, is_async: bool = True) -> Session:
    switch.channels["leg"] = {"uuid": "leg", "foo": "bar"}
    made = session(switch, Control("leg", is_async=is_async, is_full=is_async))
    say(made, "connect")
    return made


def test_an_outbound_connection_speaks_first_and_needs_no_password() -> None:
    made = session(ScriptedSwitch(), Control("leg", is_async=True, is_full=True))
    assert made.take() == b""
    assert "Socket-Mode: async\nControl: full\n" in say(made, "connect")


def test_my_events_are_those_of_the_controlled_call_and_not_all_of_them() -> None:
    made = controlling(ScriptedSwitch())
    assert say(made, "myevents") == reply("+OK Events Enabled")
    made.offer(event("CHANNEL_BRIDGE", Unique_ID="leg"), 0)
    made.offer(event("CHANNEL_BRIDGE", Unique_ID="other"), 0)
    made.offer(event("CHANNEL_DESTROY", Unique_ID="leg"), 0)
    assert made.take().count(b"Event-Name") == 1


def test_a_lingering_connection_outlives_its_call_by_whole_seconds() -> None:
    switch = ScriptedSwitch()
    made = controlling(switch)
    assert say(made, "linger 3") == reply("+OK will linger 3 seconds")
    say(made, "myevents")
    made.offer(event("CHANNEL_HANGUP_COMPLETE", Unique_ID="leg"), 100.4)
    made.tick(100.42)
    out = made.take().decode()
    assert out.index("CHANNEL_HANGUP_COMPLETE") < out.index("Content-Disposition: linger")
    assert say(made, "api echo still here", 101).endswith("still here")
    made.tick(103.9)
    assert made.take() == b""
    made.tick(104.0)
    assert "Content-Disposition: disconnect" in made.take().decode()
    assert made.is_closing


def test_without_linger_the_end_of_the_call_ends_the_connection() -> None:
    made = controlling(ScriptedSwitch())
    made.offer(event("CHANNEL_HANGUP_COMPLETE", Unique_ID="leg"), 0)
    assert made.is_closing


def test_without_async_there_are_no_events_and_executes_are_answered_when_done() -> None:
    switch = ScriptedSwitch()
    made = controlling(switch, is_async=False)
    assert say(made, "event plain ALL") == reply("-ERR command not found")
    assert say(made, "getvar foo") == reply("bar")
    assert say(made, "sendmsg\ncall-command: execute\nexecute-app-name: answer\nEvent-UUID: e") == ""
    done = switch.executed[0][1].done
    assert done is not None
    done()
    assert made.take().decode() == reply("+OK")


@pytest.mark.parametrize("resumed", [True, False])
def test_the_switch_learns_that_the_controlling_connection_is_gone(resumed: bool) -> None:
    switch = ScriptedSwitch()
    made = controlling(switch)
    if resumed:
        assert say(made, "resume") == reply("+OK")
    made.closed()
    assert switch.ended == [("leg", resumed)]
