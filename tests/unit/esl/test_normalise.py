"""What the recorded events mean: the stories of whole calls, told in our own words."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from ipcc.esl import meaning as m
from ipcc.esl.fake import switch_event
from ipcc.esl.headers import HangupCause, q850_of
from ipcc.esl.listing import channels_from_json, dump_from_json, registrations_from_json
from ipcc.esl.normalise import answer_of, normalise, snapshot
from ipcc.esl.wire import Decoder, SwitchEvent, WireError, event_of
from tests.traces import recorded


def events(name: str, conn: str = "in") -> list[SwitchEvent]:
    frames = Decoder().feed(recorded.bytes_in(name, conn))
    return [event_of(frame) for frame in frames if frame.is_event and frame.content_type != "text/event-xml"]


def told(name: str, conn: str = "in") -> list[m.Meaning]:
    return [meaning for event in events(name, conn) for meaning in normalise(event)]


def one(name: str, kind: type[m.Meaning], leg: str = "") -> m.Meaning:
    letters = recorded.meta(name).legs
    found = [meaning for meaning in told(name) if isinstance(meaning, kind)]
    if leg:
        found = [meaning for meaning in found if letters.get(getattr(meaning, "leg_id", "")) == leg]
    assert found, f"no {kind.__name__} {leg} in {name}"
    return found[0]


def story(name: str, *kinds: type[m.Meaning]) -> list[str]:
    """The given meanings in their order, as ``Kind leg``."""
    letters = recorded.meta(name).legs
    return [
        f"{type(meaning).__name__} {letters.get(getattr(meaning, 'leg_id', ''), '?')}"
        for meaning in told(name)
        if isinstance(meaning, kinds)
    ]


LIFE = (m.LegCreated, m.LegRinging, m.LegAnswered, m.LegsBridged, m.LegsUnbridged, m.LegHungUp, m.LegEnded, m.LegGone)


def test_every_recorded_event_has_a_meaning_or_none_and_never_an_error() -> None:
    kinds = Counter(type(meaning) for name, conn in recorded.all_connections() for meaning in told(name, conn))
    assert kinds[m.LegCreated] > 700
    assert kinds[m.LegEnded] > 600
    assert all(kinds[kind] for kind in (m.LegHeld, m.RecordingStarted, m.PhoneExpired, m.Heartbeat, m.DigitPressed))


def test_an_agent_is_rung_joined_and_hangs_up() -> None:
    assert story("05a-bridge-agent-hangs-up", *LIFE) == [
        "LegCreated A",
        "LegAnswered A",
        "LegCreated B",
        "LegRinging B",
        "LegAnswered B",
        "LegsBridged A",
        "LegHungUp B",
        "LegEnded B",
        "LegsUnbridged A",
        "LegHungUp A",
        "LegGone B",
        "LegEnded A",
        "LegGone A",
    ]


def test_a_bridge_names_both_legs_with_its_owner_first() -> None:
    legs = recorded.meta("05a-bridge-agent-hangs-up").legs
    bridged = one("05a-bridge-agent-hangs-up", m.LegsBridged)
    assert isinstance(bridged, m.LegsBridged)
    assert (legs[bridged.leg_id], legs[bridged.other_leg_id]) == ("A", "B")


def test_of_an_intercept_the_agent_is_the_owner() -> None:
    legs = recorded.meta("05f-intercept-agent-hangs-up").legs
    bridged = one("05f-intercept-agent-hangs-up", m.LegsBridged)
    assert isinstance(bridged, m.LegsBridged)
    assert (legs[bridged.leg_id], legs[bridged.other_leg_id]) == ("B", "A")


def test_a_leg_that_ended_tells_who_hung_up_how_long_it_talked_and_to_whom() -> None:
    ended = one("05a-bridge-agent-hangs-up", m.LegEnded, "B")
    assert isinstance(ended, m.LegEnded)
    assert (ended.cause, ended.q850, ended.hung_up_by) == ("NORMAL_CLEARING", 16, m.HungUpBy.FAR_END)
    assert ended.times.billed_ms == 1380
    assert ended.times.created_at is not None
    assert ended.times.answered_at is not None
    assert ended.times.answered_at - ended.times.created_at == timedelta(milliseconds=600, microseconds=11)
    assert recorded.meta("05a-bridge-agent-hangs-up").legs[str(ended.last_partner_id)] == "A"
    assert ended.record["sip_hangup_disposition"] == "recv_bye"
    other = one("05a-bridge-agent-hangs-up", m.LegEnded, "A")
    assert isinstance(other, m.LegEnded)
    assert other.hung_up_by is m.HungUpBy.SWITCH


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("06a-noanswer", "NO_ANSWER"),
        ("06b-486", "USER_BUSY"),
        ("06c-603", "CALL_REJECTED"),
        ("06d-480", "NO_USER_RESPONSE"),
        ("06e-unregistered", "USER_NOT_REGISTERED"),
        ("06f-nosuchuser", "SUBSCRIBER_ABSENT"),
        ("06g-badgateway", "INVALID_GATEWAY"),
        ("06h-deadgateway", "NORMAL_TEMPORARY_FAILURE"),
    ],
)
def test_a_failed_originate_names_its_cause(name: str, cause: str) -> None:
    done = one(name, m.JobDone)
    assert isinstance(done, m.JobDone)
    assert (done.is_ok, done.cause, done.text) == (False, cause, "")
    assert cause in HangupCause.__members__


def test_a_successful_originate_gives_the_leg() -> None:
    done = one("05a-bridge-agent-hangs-up", m.JobDone)
    assert isinstance(done, m.JobDone)
    assert (done.job_id, done.is_ok) == ("job-agent", True)
    assert recorded.meta("05a-bridge-agent-hangs-up").legs[done.text] == "B"


def test_an_unknown_gateway_leaves_nothing_but_one_gone() -> None:
    assert story("06g-badgateway", *LIFE)[2:3] == ["LegGone B"]


def test_the_ghost_leg_of_a_caller_who_left_has_no_bridge_and_no_end_of_its_own() -> None:
    steps = story("06u0-bridge-race", *LIFE)
    assert "LegsBridged A" not in steps
    assert steps.index("LegGone A") < steps.index("LegHungUp B")
    hung_up = one("06u0-bridge-race", m.LegHungUp, "B")
    assert isinstance(hung_up, m.LegHungUp)
    assert hung_up.cause == "MANAGER_REQUEST"


def test_hold_is_told_of_the_leg_whose_party_put_the_other_on_hold() -> None:
    assert story("07b-reinvite-hold", m.LegHeld, m.LegResumed) == ["LegHeld B", "LegResumed B"] * 3
    assert story("07a-uuid_hold", m.LegHeld, m.LegResumed)[:4] == [
        "LegHeld B",
        "LegResumed B",
        "LegHeld A",
        "LegResumed A",
    ]


def test_a_recording_tells_where_it_is_and_how_long() -> None:
    stopped = one("10a-uuid_record", m.RecordingStopped)
    assert isinstance(stopped, m.RecordingStopped)
    assert (stopped.path, stopped.length_ms, stopped.file_bytes) == ("/var/golden/rec/rec10a.wav", 3800, 60844)
    assert stopped.reason == "success-maxtime"


def test_phones_come_go_and_expire() -> None:
    registered = one("02a-register-unregister", m.PhoneRegistered)
    assert isinstance(registered, m.PhoneRegistered)
    assert (registered.user, registered.domain, registered.expires_s) == ("1009", "127.0.0.1", 10)
    gone = one("02a-register-unregister", m.PhoneUnregistered)
    assert isinstance(gone, m.PhoneUnregistered)
    assert gone.user == "1001"
    expired = one("02b-register-expire", m.PhoneExpired)
    assert isinstance(expired, m.PhoneExpired)
    assert (expired.user, expired.domain) == ("1009", "127.0.0.1")
    assert expired.registration == registered.registration or expired.registration


def test_a_heartbeat_tells_how_the_switch_does() -> None:
    beat = one("01j-full-all", m.Heartbeat)
    assert isinstance(beat, m.Heartbeat)
    assert (beat.sessions, beat.max_sessions, beat.uptime_ms) == (0, 5000, 239587)
    assert beat.idle_cpu_percent == pytest.approx(90.633333)
    assert beat.core_id
    assert beat.version.startswith("1.10.12")


def test_an_inbound_leg_tells_who_calls_and_what_was_dialled() -> None:
    created = one("01j-full-all", m.LegCreated)
    assert isinstance(created, m.LegCreated)
    facts = created.facts
    assert facts.direction is m.LegDirection.INBOUND
    assert (facts.caller_name, facts.caller_number, facts.dialled) == ("Wang Fang", "13800000001", "9001")
    assert (facts.profile, facts.peer_ip) == ("external", "127.0.0.1")


def test_an_outbound_leg_tells_its_gateway_or_its_phone() -> None:
    through = next(name for name in recorded.names() if name.startswith("17a"))
    created = one(through, m.LegCreated)
    assert isinstance(created, m.LegCreated)
    assert (created.facts.direction, created.facts.gateway) == (m.LegDirection.OUTBOUND, "carrier")
    agent = one("05a-bridge-agent-hangs-up", m.LegCreated, "B")
    assert isinstance(agent, m.LegCreated)
    assert agent.facts.user == "1001"


@pytest.mark.parametrize("style", ["plain", "json"])
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("14a-cid-percent0A", "%0A"),
        ("14b-cid-unicode", "王芳 客服"),
        ("14c-cid-quotes", '"'),
        ("14d-cid-tab", "tab here"),
        ("14e-cid-latin1", "\ufffd"),
    ],
)
def test_a_hostile_caller_name_stays_one_value(name: str, shown: str, style: str) -> None:
    names = {
        meaning.facts.caller_name
        for meaning in told(f"{name}-{style}")
        if isinstance(meaning, m.LegCreated) and meaning.facts.caller_name
    }
    assert any(shown in found for found in names), names
    for meaning in told(f"{name}-{style}"):
        assert all(found not in repr(meaning) for found in names if len(found) > 3 and not found.isdigit())


def test_digits_are_told_and_never_shown() -> None:
    digits = [meaning for meaning in told("09a-eavesdrop-dtmf") if isinstance(meaning, m.DigitPressed)]
    assert "".join(pressed.digit for pressed in digits) == "12303"
    assert all(pressed.by_rtp for pressed in digits)
    assert "digit=" not in repr(digits[0])
    assert normalise(switch_event("DTMF", "a", {"DTMF-Digit": "9", "DTMF-Source": "ENDPOINT"}))[0] != digits[0]


def test_collected_digits_are_in_the_variables_of_the_ended_application() -> None:
    ended = [
        meaning
        for meaning in told("04b-pagd-success", "out1")
        if isinstance(meaning, m.ApplicationEnded) and meaning.application == "play_and_get_digits"
    ]
    assert ended
    assert ended[0].variables["read_result"] == "success"
    assert "never_set" not in ended[0].variables


def test_an_application_that_ends_with_its_leg_says_so() -> None:
    parked = [meaning for meaning in told("01j-full-all") if isinstance(meaning, m.ApplicationEnded)]
    assert [(end.application, end.is_hung_up) for end in parked] == [("answer", False), ("park", True)]


def test_our_variables_are_seen_when_the_leg_parks() -> None:
    parked = normalise(switch_event("CHANNEL_PARK", "a", {}, {"ipcc_call_id": "a", "ipcc_trunk": "t1", "x": "y"}))[0]
    assert isinstance(parked, m.LegParked)
    assert parked.facts.variables == {"ipcc_call_id": "a", "ipcc_trunk": "t1"}
    assert parked.facts.trunk == "t1"


def test_a_leg_event_without_a_leg_is_refused() -> None:
    with pytest.raises(WireError):
        normalise(switch_event("CHANNEL_ANSWER"))


def test_numbers_anyone_can_set_never_fail() -> None:
    variables = {"billmsec": "lots", "record_ms": "-1"}
    ended = normalise(switch_event("CHANNEL_HANGUP_COMPLETE", "a", {"Hangup-Cause": "ODD"}, variables))[0]
    assert isinstance(ended, m.LegEnded)
    assert (ended.times.billed_ms, ended.q850) == (0, 0)


def test_an_event_we_do_not_know_means_nothing() -> None:
    assert normalise(switch_event("CODEC", "a")) == ()
    assert normalise(switch_event("CUSTOM", "a", {"Event-Subclass": "callcenter::info"})) == ()


def test_the_q850_number_is_the_one_the_switch_records() -> None:
    for name, conn in recorded.all_connections():
        for event in events(name, conn):
            if event.name == "CHANNEL_HANGUP_COMPLETE" and event.variable("hangup_cause_q850"):
                assert str(q850_of(event.get("Hangup-Cause"))) == event.variable("hangup_cause_q850")
    assert q850_of("NO_SUCH_CAUSE") == 0


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("+OK\n", (True, "")),
        ("+OK Success\n", (True, "Success")),
        ("-ERR No such channel!\n", (False, "No such channel!")),
        ("-ERR\n", (False, "")),
        ("-USAGE: <uuid>\n", (False, "<uuid>")),
        ("true", (True, "true")),
        ("a\nb\n", (True, "a\nb")),
        ("+OKAY", (True, "+OKAY")),
        ("", (True, "")),
    ],
)
def test_answers_agree_or_refuse(text: str, answer: tuple[bool, str]) -> None:
    assert answer_of(text) == answer


def recorded_answers(name: str, start: bytes) -> list[str]:
    frames = Decoder().feed(recorded.bytes_in(name))
    return [frame.reply for frame in frames if frame.content_type == "api/response" and frame.body.startswith(start)]


def test_channels_are_listed() -> None:
    lists = [channels_from_json(text) for text in recorded_answers("01i-calls-json", b'{"row_count":2')]
    rows = next(rows for rows in lists if rows and rows[0].application == "park")
    assert [row.direction for row in rows] == ["inbound", "outbound"]
    assert (rows[0].dialled, rows[0].state, rows[0].call_state) == ("9001", "CS_SOFT_EXECUTE", "ACTIVE")
    assert rows[0].created_s == 1795396601


def test_no_channels_are_an_empty_list() -> None:
    assert channels_from_json('{"row_count": 0}') == []


def test_registrations_are_listed() -> None:
    rows = registrations_from_json(recorded_answers("01i-calls-json", b'{"row_count":1,"rows":[{"reg_user"')[0])
    assert [(row.user, row.domain, row.port) for row in rows] == [("1001", "127.0.0.1", 6101)]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"row_count":1,"rows":[1]}', '{"row_count":1,"rows":{}}', "-ERR no reply\n"]
)
def test_a_list_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(WireError):
        channels_from_json(text)


def test_a_dump_is_a_snapshot_of_the_leg() -> None:
    text = next(text for text in recorded_answers("01i-calls-json", b"{") if '"CHANNEL_DATA"' in text)
    found = dump_from_json(text)
    assert (found.is_answered, found.is_held, found.is_parked, found.partner_id) == (True, False, True, None)
    assert found.facts.dialled == "9001"
    assert found.times.answered_at is not None


def test_a_leg_in_a_bridge_names_its_partner() -> None:
    headers = {"Channel-State": "CS_EXCHANGE_MEDIA", "Answer-State": "answered", "Channel-Call-State": "HELD"}
    found = snapshot(switch_event("CHANNEL_DATA", "b", headers, {"bridge_uuid": "a", "signal_bond": "a"}))
    assert (found.partner_id, found.is_held, found.is_parked) == ("a", True, False)
    parked = {"Channel-State": "CS_PARK", "Answer-State": "answered"}
    assert snapshot(switch_event("CHANNEL_DATA", "b", parked, {"bridge_uuid": "a"})).partner_id is None


def test_a_dump_of_no_channel_is_refused() -> None:
    with pytest.raises(WireError):
        dump_from_json("-ERR No such channel!\n")
    with pytest.raises(WireError):
        snapshot(switch_event("CHANNEL_ANSWER", "a"))
