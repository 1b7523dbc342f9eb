"""Frames and events from bytes: every recorded transcript, however it is cut, and what must be refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipcc.esl.wire import Decoder, Frame, WireError, event_of, json_event, moment, plain_event
from tests.traces import recorded

TRANSCRIPTS = recorded.all_connections()
SMALL = [place for place in TRANSCRIPTS if len(recorded.bytes_in(*place)) < 60_000][::12]


def decode(data: bytes) -> list[Frame]:
    decoder = Decoder()
    frames = decoder.feed(data)
    assert decoder.pending == 0
    return frames


def plain(text: str, body: str = "") -> bytes:
    return f"Event-Name: X\n{text}\n\n{body}".encode()


@pytest.mark.parametrize(("name", "conn"), TRANSCRIPTS)
def test_every_transcript_is_understood_as_recorded_and_as_one_piece(name: str, conn: str) -> None:
    decoder = Decoder()
    lines = [line.data for line in recorded.load(name, conn) if line.direction == "in"]
    pieces = [frame for line in lines for frame in decoder.feed(line)]
    assert decoder.pending == 0
    assert pieces == decode(b"".join(lines))
    for frame in pieces:
        if frame.is_event and not frame.content_type.endswith("xml"):
            event = event_of(frame)
            assert event.name
            assert event.sequence >= 0
            assert event.at >= datetime.fromtimestamp(0, UTC)


@settings(max_examples=60, deadline=None)
@given(place=st.sampled_from(TRANSCRIPTS), data=st.data())
def test_cut_at_random_places_the_messages_are_the_same(place: tuple[str, str], data: st.DataObject) -> None:
    whole = recorded.bytes_in(*place)[:200_000]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=20)))
    decoder = Decoder()
    frames = []
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        frames += decoder.feed(whole[start:end])
    assert frames == Decoder().feed(whole)


@pytest.mark.parametrize(("name", "conn"), SMALL)
def test_byte_by_byte_the_messages_are_the_same(name: str, conn: str) -> None:
    whole = recorded.bytes_in(name, conn)
    decoder = Decoder()
    frames = [frame for place in range(len(whole)) for frame in decoder.feed(whole[place : place + 1])]
    assert frames == decode(whole)


def test_one_read_may_hold_many_frames_and_half_of_the_next() -> None:
    decoder = Decoder()
    reply = b"Content-Type: command/reply\nReply-Text: +OK\n\n"
    answer = b"Content-Type: api/response\nContent-Length: 4\n\ntrueContent-Type: api/resp"
    frames = decoder.feed(reply + reply + answer)
    assert [frame.reply for frame in frames] == ["+OK", "+OK", "true"]
    assert decoder.pending == len("Content-Type: api/resp")


def test_header_names_of_frames_are_taken_in_any_case_and_the_first_value_counts() -> None:
    frame = decode(b"CONTENT-type: api/response\ncontent-LENGTH: 2\nX: 1\nx: 2\n\nok")[0]
    assert frame.content_type == "api/response"
    assert frame.headers["x"] == "1"
    assert frame.body == b"ok"


@pytest.mark.parametrize(
    "data",
    [
        b"no colon here\n\n",
        b": no name\n\n",
        b"Reply-Text: +OK\n\n",
        b"Content-Type: api/response\nContent-Length: -1\n\n",
        b"Content-Type: api/response\nContent-Length: 1e3\n\n",
        b"Content-Type: api/response\nContent-Length: 99999999999999999999\n\n",
        b"Content-Type: api/response\nContent-Length: 33554433\n\n",
        b"x" * ((1 << 20) + 1),
    ],
)
def test_what_no_event_socket_sends_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        Decoder().feed(data)


@given(data=st.binary(max_size=400))
def test_garbage_is_refused_or_waited_for_never_anything_else(data: bytes) -> None:
    try:
        for frame in Decoder().feed(data):
            if frame.is_event:
                event_of(frame)
    except WireError:
        pass


def test_an_encoded_line_break_in_a_value_never_becomes_a_header() -> None:
    event = plain_event(plain("Caller-Caller-ID-Name: Eve%0ACaller-Caller-ID-Number%3A%2095500\nUnique-ID: a"))
    assert event.get("Caller-Caller-ID-Name") == "Eve\nCaller-Caller-ID-Number: 95500"
    assert event.get("Caller-Caller-ID-Number") == ""


def test_a_name_with_a_literal_percent_0a_is_one_value_in_plain_and_json() -> None:
    for name in ("14a-cid-percent0A-plain", "14a-cid-percent0A-json"):
        frames = decode(recorded.bytes_in(name))
        names = {event_of(frame).get("Caller-Caller-ID-Name") for frame in frames if frame.is_event} - {""}
        assert any("\n" in name for name in names), name
        forged = [frame for frame in frames if frame.is_event and event_of(frame).get("X-Evil")]
        assert forged == []


def test_a_plus_sign_is_never_a_blank() -> None:
    assert plain_event(plain("X: a+b%20c")).get("X") == "a+b c"


def test_header_names_of_events_are_taken_in_any_case() -> None:
    event = plain_event(plain("unique-id: abc\nVariable_SIP_Call_ID: x"))
    assert event.uuid == "abc"
    assert event.variable("sip_call_id") == "x"
    assert event.get("UNIQUE-ID") == "abc"


def test_the_first_of_two_headers_with_one_name_counts() -> None:
    assert plain_event(plain("A: 1\nA: 2")).get("a") == "1"


def test_a_header_name_inside_a_value_is_not_found() -> None:
    event = plain_event(plain("A: x Unique-ID: forged\nB: y"))
    assert event.uuid == ""
    assert event.headers() == {"event-name": "X", "a": "x Unique-ID: forged", "b": "y"}


def test_bytes_that_are_no_utf8_come_out_as_replacement_characters() -> None:
    assert plain_event(plain("N: caf%E9")).get("N") == "caf\ufffd"
    assert json_event(b'{"Event-Name":"X","N":"caf\xe9"}').get("N") == "caf\ufffd"


def test_an_empty_value_reads_as_empty_in_both_formats() -> None:
    assert plain_event(plain("A: _undef_")).get("A") == ""
    assert json_event(b'{"Event-Name":"X","A":""}').get("A") == ""


def test_the_body_of_a_job_is_kept_apart_from_the_headers() -> None:
    event = plain_event(plain("Job-UUID: j\nContent-Length: 23", "-ERR no\nJob-UUID: evil\n"))
    assert event.body == "-ERR no\nJob-UUID: evil\n"
    assert event.get("Job-UUID") == "j"


def test_a_line_of_the_body_is_no_header_even_where_none_of_its_name_is() -> None:
    event = plain_event(plain("Job-UUID: j\nContent-Length: 28", "ok\nUnique-ID: forged\n\nx: 1\n"))
    assert (event.uuid, event.get("unique-id"), event.get("X")) == ("", "", "")
    assert "unique-id" not in event.headers()


def test_a_json_event_keeps_its_body_apart_too() -> None:
    same = json_event(b'{"Event-Name":"X","Job-UUID":"j","Content-Length":"4","_body":"+OK\\n"}')
    assert same.body == "+OK\n"


def test_arrays_look_the_same_in_plain_and_json() -> None:
    array = plain_event(plain("variable_a: ARRAY%3A%3Aone%7C%3Atwo"))
    same = json_event(b'{"Event-Name":"X","variable_a":["one","two"]}')
    assert array.variable("a") == same.variable("a") == "ARRAY::one|:two"


def story(name: str) -> list[tuple[str, str, str]]:
    frames = [frame for frame in decode(recorded.bytes_in(name)) if frame.is_event]
    events = [event_of(frame) for frame in frames]
    return [(event.name, event.get("Channel-State"), event.get("Answer-State")) for event in events if event.uuid]


def test_the_same_call_in_plain_and_json_has_the_same_events() -> None:
    as_json = story("01k-json-same-call")
    heard = {name for name, _, _ in as_json}
    assert as_json == [step for step in story("01j-full-all") if step[0] in heard]


@pytest.mark.parametrize(
    "data",
    [
        b"A: 1\n\n",
        b"",
        plain("Content-Length: 5", "abc"),
        plain("Content-Length: x", "abc"),
    ],
)
def test_an_event_that_is_malformed_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        _ = plain_event(data).body


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"a":1}', b"[" * 100_000])
def test_a_json_event_that_is_malformed_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        json_event(data)


def test_xml_is_refused_since_we_never_ask_for_it() -> None:
    with pytest.raises(WireError):
        event_of(Frame("text/event-xml", {}, b"<event/>"))


def test_numbers_and_times_that_are_none_are_refused_when_read() -> None:
    event = plain_event(plain("Event-Sequence: twelve\nEvent-Date-Timestamp: 99999999999999999999"))
    with pytest.raises(WireError):
        _ = event.sequence
    with pytest.raises(WireError):
        _ = event.at
    with pytest.raises(WireError):
        moment("1e9")


def test_variables_are_found_by_prefix() -> None:
    event = plain_event(plain("variable_ipcc_a: 1\nvariable_ipcc_b: %32\nvariable_other: 3\nVariable_IPCC_a: 9"))
    assert event.variables("ipcc_") == {"ipcc_a": "1", "ipcc_b": "2"}
    assert dict(event.chosen()) == {"ipcc_a": "1", "ipcc_b": "2", "other": "3"}


def test_what_is_shown_of_an_event_holds_no_values() -> None:
    event = plain_event(plain("Unique-ID: a\nCaller-Caller-ID-Number: 13800001234"))
    assert "13800001234" not in repr(event)
