"""What the simulated switch writes is what the recorded switch wrote, byte for byte."""

import pytest

from ipcc.sim import wire
from tests.traces import frames, recorded


@pytest.mark.parametrize(("name", "conn"), recorded.all_connections(), ids=str)
def test_every_recorded_event_is_rendered_again_to_the_same_bytes(name: str, conn: str) -> None:
    for frame in frames.split(recorded.bytes_in(name, conn)):
        if not frame.is_event:
            continue
        event = frames.event_of(frame)
        style = wire.Format(frame.kind.removeprefix("text/event-"))
        assert wire.event_frame(style, event.pairs, event.body) == frame.raw


@pytest.mark.parametrize(("name", "conn"), recorded.all_connections(), ids=str)
def test_every_other_recorded_frame_is_rendered_again_to_the_same_bytes(name: str, conn: str) -> None:
    for frame in frames.split(recorded.bytes_in(name, conn)):
        if frame.kind in ("auth/request", "api/response", "text/disconnect-notice", "log/data"):
            assert _render(frame) == frame.raw
        elif frame.kind == "command/reply" and "Event-Name" not in frame.headers:
            extra = {key: value for key, value in frame.headers.items() if key not in ("Content-Type", "Reply-Text")}
            assert wire.command_reply(frame.headers["Reply-Text"], extra) == frame.raw


def _render(frame: frames.Frame) -> bytes:
    headers = frame.headers
    if frame.kind == "auth/request":
        return wire.auth_request()
    if frame.kind == "api/response":
        return wire.api_response(wire.to_text(frame.body))
    if frame.kind == "log/data":
        own = {key: value for key, value in headers.items() if key not in ("Content-Type", "Content-Length")}
        return wire.log_frame(own, wire.to_text(frame.body))
    uuid = headers.get("Controlled-Session-UUID")
    if uuid is None:
        return wire.disconnect_notice()
    if headers["Content-Disposition"] == "linger":
        return wire.linger_notice(uuid, headers["Channel-Name"], int(headers["Linger-Time"]))
    return wire.session_disconnect_notice(uuid)


@pytest.mark.parametrize("name", [name for name, conn in recorded.all_connections() if conn == "out1"])
def test_the_recorded_answer_to_connect_is_rendered_again_to_the_same_bytes(name: str) -> None:
    first = next(frames.split(recorded.bytes_in(name, "out1")))
    tail = ("Content-Type", "Reply-Text", "Socket-Mode", "Control")
    headers = [(key, frames.unquote(value)) for key, value in first.headers.items() if key not in tail]
    is_async, is_full = first.headers["Socket-Mode"] == "async", first.headers["Control"] == "full"
    assert wire.connect_reply(headers, is_async=is_async, is_full=is_full) == first.raw


def test_every_ascii_character_is_encoded_as_recorded() -> None:
    frame = next(frame for frame in frames.split(recorded.bytes_in("14i-encoding-table")) if frame.is_event)
    sent = "< !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~>"
    assert f"ascii: {wire.quote(sent)}\n".encode() in frame.raw


def test_a_percent_sign_that_starts_an_escape_is_left_alone() -> None:
    assert wire.quote("a%0Ab: c%25d+e 5% off") == "a%0Ab%3A%20c%25d%2Be%205%25%20off"


def test_an_empty_answer_becomes_an_error_text() -> None:
    assert wire.api_response("") == b"Content-Type: api/response\nContent-Length: 14\n\n-ERR no reply\n"


def test_bytes_that_are_no_utf8_survive_in_every_format() -> None:
    name = wire.to_text(b"caf\xe9")
    assert b"name: caf%E9\n" in wire.event_frame(wire.Format.PLAIN, {"name": name})
    assert b'{"name":"caf\xe9"}' in wire.event_frame(wire.Format.JSON, {"name": name})
    assert b"<name>caf%E9</name>" in wire.event_frame(wire.Format.XML, {"name": name})
