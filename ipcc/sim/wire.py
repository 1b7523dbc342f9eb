"""What the switch writes on an event socket, byte for byte: frames, and events as plain text, JSON or XML. Pure.

Text that is not UTF-8 (a SIP header may hold any byte) is carried in `str` with surrogate escapes, and written as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from xml.sax.saxutils import escape

Value = str | Sequence[str]
"""A header's value; a list is one of the switch's ``ARRAY::`` variables."""
Headers = Mapping[str, Value] | Sequence[tuple[str, Value]]
"""Header names to values in the order they are written; pairs, where the switch writes a name twice."""

GOODBYE = "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
"""The body of every disconnect notice."""

# Encoded are control bytes, bytes above ASCII and these; a `%` that starts an escape stays as it is (recorded in 14i, 14f).
_UNSAFE = re.compile(rb"%(?![0-9A-Fa-f]{2})|[\x00-\x20\x7f-\xff\"#&+:;<=>?@\[\\\]^`{|}]")
_JSON_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_JSON_UNSAFE = re.compile(r'["\\\x00-\x1f]')


class Format(StrEnum):
    """How a connection wants its events."""

    PLAIN = "plain"
    JSON = "json"
    XML = "xml"


def to_bytes(text: str) -> bytes:
    """The bytes a text stands for, bytes that are no UTF-8 included."""
    return text.encode("utf-8", "surrogateescape")


def to_text(data: bytes) -> str:
    """The reverse of `to_bytes`, for any bytes."""
    return data.decode("utf-8", "surrogateescape")


def quote(value: str) -> str:
    """``value`` as the switch encodes header values."""
    return _UNSAFE.sub(lambda found: b"%%%02X" % found[0][0], to_bytes(value)).decode("ascii")


def plain(headers: Headers, body: str | None = None) -> str:
    """An event as plain text; also the answer of ``uuid_dump``."""
    lines = [f"{name}: {quote(_flat(value)) or '_undef_'}\n" for name, value in _pairs(headers)]
    if not body:
        return "".join(lines) + "\n"
    return "".join(lines) + f"Content-Length: {len(to_bytes(body))}\n\n{body}"


def json(headers: Headers, body: str | None = None) -> str:
    """An event as JSON: all values strings, arrays as arrays, text above ASCII (broken or not) as it came."""
    pairs = [(name, _json_value(value)) for name, value in _pairs(headers)]
    if body:
        pairs.append(("Content-Length", f'"{len(to_bytes(body))}"'))
        pairs.append(("_body", _json_text(body)))
    return "{" + ",".join(f"{_json_text(name)}:{value}" for name, value in pairs) + "}"


def xml(headers: Headers, body: str | None = None) -> str:
    """An event as XML; the header values are encoded as in plain text."""
    lines = ["<event>", "  <headers>"]
    for name, value in _pairs(headers):
        items = [value] if isinstance(value, str) else value
        lines += [f"    <{name}>{quote(item)}</{name}>" for item in items]
    lines.append("  </headers>")
    if body:
        lines.append(f"  <Content-Length>{len(to_bytes(body))}</Content-Length>")
        lines.append(f"  <body>{escape(body)}</body>")
    lines.append("</event>")
    return "\n".join(lines) + "\n"


_RENDERERS = {Format.PLAIN: plain, Format.JSON: json, Format.XML: xml}


def event_frame(style: Format, headers: Headers, body: str | None = None) -> bytes:
    """One event as a frame. Here the length stands before the type, unlike in every other frame."""
    text = to_bytes(_RENDERERS[style](headers, body))
    return b"Content-Length: %d\nContent-Type: text/event-%s\n\n%s" % (len(text), style.encode(), text)


def auth_request() -> bytes:
    """The greeting of the switch."""
    return b"Content-Type: auth/request\n\n"


def command_reply(text: str, extra: Mapping[str, str] | None = None) -> bytes:
    """The answer to a command: headers only, ``text`` raw."""
    more = "".join(f"{name}: {value}\n" for name, value in (extra or {}).items())
    return to_bytes(f"Content-Type: command/reply\nReply-Text: {text}\n{more}\n")


def api_response(text: str) -> bytes:
    """The answer to ``api``; an empty one becomes the switch's own error text."""
    body = to_bytes(text or "-ERR no reply\n")
    return b"Content-Type: api/response\nContent-Length: %d\n\n%s" % (len(body), body)


def disconnect_notice() -> bytes:
    """The last frame of a connection that controls no call."""
    return to_bytes(f"Content-Type: text/disconnect-notice\nContent-Length: {len(GOODBYE)}\n\n{GOODBYE}")


def session_disconnect_notice(uuid: str) -> bytes:
    """The last frame of a connection that controlled call ``uuid``."""
    return to_bytes(
        f"Content-Type: text/disconnect-notice\nControlled-Session-UUID: {uuid}\nContent-Disposition: disconnect\n"
        f"Content-Length: {len(GOODBYE)}\n\n{GOODBYE}"
    )


def linger_notice(uuid: str, channel_name: str, linger_s: int) -> bytes:
    """The call of this connection is over, the connection stays for ``linger_s`` more seconds (-1: without end)."""
    return to_bytes(
        f"Content-Type: text/disconnect-notice\nControlled-Session-UUID: {uuid}\nContent-Disposition: linger\n"
        f"Channel-Name: {channel_name}\nLinger-Time: {linger_s}\nContent-Length: 0\n\n"
    )


def connect_reply(headers: Headers, *, is_async: bool, is_full: bool) -> bytes:
    """The answer to ``connect``: the call's data as headers of the reply itself, encoded, and no body."""
    lines = plain(headers).removesuffix("\n")
    mode, control = "async" if is_async else "static", "full" if is_full else "single-channel"
    reply = quote("+OK\n")
    return to_bytes(
        f"{lines}Content-Type: command/reply\nReply-Text: {reply}\nSocket-Mode: {mode}\nControl: {control}\n\n"
    )


def log_frame(headers: Mapping[str, str], line: str) -> bytes:
    """One line of the switch's log, for a connection that asked for ``log``."""
    text = "".join(f"{name}: {value}\n" for name, value in headers.items())
    body = to_bytes(line)
    return b"Content-Type: log/data\nContent-Length: %d\n%s\n%s" % (len(body), to_bytes(text), body)


def _pairs(headers: Headers) -> Iterable[tuple[str, Value]]:
    return headers.items() if isinstance(headers, Mapping) else headers


def _flat(value: Value) -> str:
    return value if isinstance(value, str) else "ARRAY::" + "|:".join(value)


def _json_value(value: Value) -> str:
    if isinstance(value, str):
        return _json_text(value)
    return "[" + ",".join(map(_json_text, value)) + "]"


def _json_text(text: str) -> str:
    return '"' + _JSON_UNSAFE.sub(_json_escape, text) + '"'


def _json_escape(found: re.Match[str]) -> str:
    return _JSON_ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04x}"
