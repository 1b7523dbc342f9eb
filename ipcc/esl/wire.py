"""Frames and events of FreeSWITCH's event socket, from bytes. Pure.

A frame is header lines, an empty line, and exactly Content-Length bytes (none when the header is absent). A plain event
is itself header lines with percent-encoded values; the lines are split first and values decoded afterwards, one at a time
and only when read, so that an encoded line break inside a value can never become a header.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Final, Protocol
from urllib.parse import unquote_to_bytes

from ipcc.errors import IpccError

MAX_HEADER_BYTES: Final = 1 << 20
"""The reply to ``connect`` carries a whole channel in its headers (13 KB seen)."""
MAX_BODY_BYTES: Final = 32 << 20
"""``show channels as json`` of 20,000 channels is about 20 MB."""

EVENT_PLAIN: Final = "text/event-plain"
EVENT_JSON: Final = "text/event-json"
_EPOCH = datetime.fromtimestamp(0, UTC)


class WireError(IpccError):
    """The bytes are not what an event socket sends: the connection cannot be trusted any more."""

    def __init__(self, message: str) -> None:
        super().__init__("switch.wire", message)


@dataclass(frozen=True, slots=True)
class Frame:
    """One message of the switch. Header names are lower case, values as sent (a repeated name keeps its first value)."""

    content_type: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def is_event(self) -> bool:
        return self.content_type.startswith("text/event-")

    @property
    def reply(self) -> str:
        """The text of an answer: Reply-Text of ``command/reply``, the body of anything else."""
        if self.content_type == "command/reply":
            return self.headers.get("reply-text", "")
        return self.body.decode("utf-8", "replace")


class Decoder:
    """Cuts a stream of bytes into frames, however the stream was cut by the network."""

    def __init__(self, max_header_bytes: int = MAX_HEADER_BYTES, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._buffer = bytearray()
        self._start = 0
        self._seen = 0
        self._head: tuple[dict[str, str], int] | None = None
        self._max_header_bytes = max_header_bytes
        self._max_body_bytes = max_body_bytes

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that ``data`` completes, in order. Raises WireError; the decoder is of no use afterwards."""
        self._buffer += data
        frames = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        if self._start:
            del self._buffer[: self._start]
            self._seen -= self._start
            self._start = 0
        return frames

    @property
    def pending(self) -> int:
        """Bytes kept of a frame that is not complete yet."""
        return len(self._buffer)

    def _next(self) -> Frame | None:
        if self._head is None:
            self._head = self._read_head()
        if self._head is None:
            return None
        headers, length = self._head
        end = self._start + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[self._start : end]) if length else b""
        self._start = self._seen = end
        self._head = None
        return Frame(headers["content-type"], headers, body)

    def _read_head(self) -> tuple[dict[str, str], int] | None:
        while self._buffer.startswith(b"\n", self._start):  # a stray empty line between two frames means nothing
            self._start += 1
        end = self._buffer.find(b"\n\n", max(self._start, self._seen - 1))
        if end < 0:
            self._seen = len(self._buffer)
            self._check_head_size(self._seen)
            return None
        self._check_head_size(end)
        headers = _head_of(bytes(self._buffer[self._start : end]))
        self._start = self._seen = end + 2
        return headers, self._body_length(headers)

    def _check_head_size(self, end: int) -> None:
        if end - self._start > self._max_header_bytes:
            raise WireError(f"the headers of a frame exceed {self._max_header_bytes} bytes")

    def _body_length(self, headers: Mapping[str, str]) -> int:
        text = headers.get("content-length", "0")
        if not (text.isascii() and text.isdigit()):
            raise WireError(f"Content-Length is not a number: {text[:40]!r}")
        if len(text) > len(str(self._max_body_bytes)) or int(text) > self._max_body_bytes:
            raise WireError(f"a body of {text[:40]} bytes exceeds {self._max_body_bytes}")
        return int(text)


def _head_of(block: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in block.split(b"\n"):
        name, colon, value = line.partition(b":")
        if not colon or not name:
            raise WireError(f"not a header line: {line[:60]!r}")
        headers.setdefault(name.decode("utf-8", "replace").lower(), value.strip().decode("utf-8", "replace"))
    if "content-type" not in headers:
        raise WireError(f"a frame without Content-Type: {block[:60]!r}")
    return headers


class SwitchEvent:
    """One event of the switch. Header names are taken in any case; a value is decoded when it is read, not before.

    Bytes that are no UTF-8 (a SIP header may hold any) come out as U+FFFD. A header that is absent is ``""``.
    """

    def __init__(self, headers: _Headers, body: str = "") -> None:
        self._headers = headers
        self.body = body
        self.name = headers.get("event-name")
        if not self.name:
            raise WireError("an event without Event-Name")

    def get(self, header: str) -> str:
        """The value of ``header``, ``""`` when absent."""
        return self._headers.get(header.lower())

    def variable(self, name: str) -> str:
        """A channel variable, ``""`` when unset."""
        return self._headers.get("variable_" + name.lower())

    def variables(self, prefix: str = "") -> dict[str, str]:
        """All channel variables whose name starts with ``prefix``, without the wire's ``variable_`` (names in lower case)."""
        start = len("variable_")
        wanted = "variable_" + prefix.lower()
        return {name[start:]: self._headers.get(name) for name in self._headers.names(wanted)}

    @cached_property
    def all_variables(self) -> Mapping[str, str]:
        """Every channel variable, decoded when read, without the wire's ``variable_``."""
        return _Variables(self._headers)

    def headers(self) -> Mapping[str, str]:
        """Every header, names in lower case, all decoded: for people and tests; code reads single headers."""
        return MappingProxyType({name: self._headers.get(name) for name in self._headers.names("")})

    @property
    def subclass(self) -> str:
        """Of a CUSTOM event: which (``sofia::register``)."""
        return self._headers.get("event-subclass")

    @property
    def uuid(self) -> str:
        """The leg it is about, ``""`` when about none."""
        return self._headers.get("unique-id")

    @cached_property
    def sequence(self) -> int:
        """Rises inside one channel; between channels it does not, and gaps are normal."""
        return _whole_number(self.get("event-sequence"), "Event-Sequence")

    @cached_property
    def at(self) -> datetime:
        """When the switch made it, UTC (on a grid of 20 ms); 1970 when it does not say."""
        return moment(self.get("event-date-timestamp"))

    def __repr__(self) -> str:
        # no values: they may be a customer's
        return f"<SwitchEvent {self.subclass or self.name} {self.uuid}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SwitchEvent):
            return NotImplemented
        return self.body == other.body and self.headers() == other.headers()

    def __hash__(self) -> int:
        return hash((self.name, self.get("event-sequence"), self.uuid))


def event_of(frame: Frame) -> SwitchEvent:
    """The event in an event frame. Raises WireError: malformed, or XML, which we never ask for."""
    if frame.content_type == EVENT_PLAIN:
        return plain_event(frame.body)
    if frame.content_type == EVENT_JSON:
        return json_event(frame.body)
    raise WireError(f"not an event we can read: {frame.content_type[:40]}")


def plain_event(data: bytes) -> SwitchEvent:
    """An event in plain text (also what ``uuid_dump`` answers). Raises WireError."""
    head, empty_line, rest = data.partition(b"\n\n")
    headers = _PlainHeaders(head)
    length = headers.get("content-length")
    if not length or not empty_line:
        return SwitchEvent(headers)
    size = _whole_number(length, "Content-Length of an event")
    if len(rest) < size:
        raise WireError(f"an event's body has {len(rest)} bytes instead of {size}")
    return SwitchEvent(headers, rest[:size].decode("utf-8", "replace"))


def json_event(data: bytes) -> SwitchEvent:
    """An event in JSON (also what ``uuid_dump X json`` answers). Raises WireError."""
    try:
        fields = json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise WireError(f"an event is not JSON: {type(error).__name__}") from None
    if not isinstance(fields, dict):
        raise WireError("a JSON event is not an object")
    headers = _JsonHeaders(fields)
    return SwitchEvent(headers, headers.take_body())


def moment(microseconds: str) -> datetime:
    """A time header of the switch (microseconds since 1970) in UTC; ``""`` and ``0`` are 1970. Raises WireError."""
    number = _whole_number(microseconds, "a time")
    try:
        return datetime.fromtimestamp(number // 1_000_000, UTC).replace(microsecond=number % 1_000_000)
    except (OverflowError, ValueError, OSError):
        raise WireError(f"not a time: {microseconds[:40]!r}") from None


def _whole_number(text: str, what: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()) or len(text) > 20:
        raise WireError(f"{what} is not a number: {text[:40]!r}")
    return int(text)


class _Variables(Mapping[str, str]):
    """The channel variables of an event, as a mapping that decodes one value at a time."""

    __slots__ = ("_headers",)

    def __init__(self, headers: _Headers) -> None:
        self._headers = headers

    def __getitem__(self, name: str) -> str:
        value = self._headers.get("variable_" + name.lower())
        if not value:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        names = (name for name in self._headers.names("variable_") if self._headers.get(name))
        return (name.removeprefix("variable_") for name in names)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Headers(Protocol):
    """Headers by lower-case name; what is absent is ``""``."""

    def get(self, name: str) -> str: ...

    def names(self, prefix: str) -> Iterator[str]: ...


class _PlainHeaders:
    """Header lines kept as they came; a name is looked for at the start of a line, in a lower-case copy of all."""

    __slots__ = ("_low", "_raw")

    def __init__(self, block: bytes) -> None:
        self._raw = b"\n" + block
        self._low = self._raw.lower()  # ASCII only: offsets stay the same

    def get(self, name: str) -> str:
        key = b"\n%b: " % name.encode()
        start = self._low.find(key)
        if start < 0:
            return ""
        start += len(key)
        end = self._raw.find(b"\n", start)
        value = self._raw[start:] if end < 0 else self._raw[start:end]
        if b"%" in value:
            value = unquote_to_bytes(value)
        # an empty value is written as _undef_ in plain events (switch_event.c, switch_event_serialize)
        return "" if value == b"_undef_" else value.decode("utf-8", "replace")

    def names(self, prefix: str) -> Iterator[str]:
        key = b"\n" + prefix.encode()
        start = self._low.find(key)
        seen = set()
        while start >= 0:
            end = self._low.find(b": ", start)
            line = self._low.find(b"\n", start + 1)
            if end < 0:
                return
            name = self._low[start + 1 : end].decode("utf-8", "replace")
            if (line < 0 or end < line) and name not in seen:
                seen.add(name)
                yield name
            start = self._low.find(key, start + 1)


class _JsonHeaders:
    """Fields of a JSON object; an array is shown as the switch's plain format shows it."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[object, object]) -> None:
        self._fields: dict[str, str] = {}
        for name, value in fields.items():
            self._fields.setdefault(str(name).lower(), _flat(value))

    def take_body(self) -> str:
        return self._fields.pop("_body", "")

    def get(self, name: str) -> str:
        return self._fields.get(name, "")

    def names(self, prefix: str) -> Iterator[str]:
        return (name for name in self._fields if name.startswith(prefix))


def _flat(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "ARRAY::" + "|:".join(map(_flat, value))
    return json.dumps(value)
