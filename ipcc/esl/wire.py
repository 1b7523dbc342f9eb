"""Frames and events of FreeSWITCH's event socket, from bytes. Pure.

A frame is header lines, an empty line, and exactly Content-Length bytes (none when the header is absent). A plain event
is itself header lines with percent-encoded values; the lines are split first and values decoded afterwards, one at a time
and only when read, so that an encoded line break inside a value can never become a header.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Final, NamedTuple

from ipcc.esl.event_headers import Headers, JsonHeaders, PlainHeaders, Variables, whole_number
from ipcc.esl.event_headers import WireError as WireError

MAX_HEADER_BYTES: Final = 1 << 20
"""The reply to ``connect`` carries a whole channel in its headers (13 KB seen)."""
MAX_BODY_BYTES: Final = 32 << 20
"""``show channels as json`` of 20,000 channels is about 20 MB."""

EVENT_PLAIN: Final = "text/event-plain"
EVENT_JSON: Final = "text/event-json"
_USUAL_EVENT = re.compile(rb"Content-Length: ([0-9]{1,9})\nContent-Type: text/event-plain\n\n")
_EVENT_HEADERS: Final[Mapping[str, str]] = MappingProxyType({"content-type": EVENT_PLAIN})
"""Of nearly every frame; its length is the body's."""
_LONGEST_NUMBER = 20
_LINE_BREAK: Final = 0x0A
_EPOCH = datetime.fromtimestamp(0, UTC)


class Frame(NamedTuple):
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
        self._parts: list[bytes] = []
        self._size = 0
        self._needed = 1
        """How many bytes must be there before it is worth looking again: long bodies are joined once."""
        self._max_header_bytes = max_header_bytes
        self._max_body_bytes = max_body_bytes

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that ``data`` completes, in order. Raises WireError; the decoder is of no use afterwards."""
        self._parts.append(data)
        self._size += len(data)
        if self._size < self._needed:
            return []
        whole = data if len(self._parts) == 1 else b"".join(self._parts)
        frames: list[Frame] = []
        rest = whole[self._cut(whole, frames) :]
        self._parts = [rest] if rest else []
        self._size = len(rest)
        return frames

    @property
    def pending(self) -> int:
        """Bytes kept of a frame that is not complete yet."""
        return self._size

    def _cut(self, data: bytes, frames: list[Frame]) -> int:
        """Put the complete frames of ``data`` into ``frames``; where the rest begins."""
        place = 0
        size = len(data)
        while place < size:
            usual = _USUAL_EVENT.match(data, place)
            if usual is not None:
                start, length, headers = usual.end(), int(usual[1]), _EVENT_HEADERS
                if length > self._max_body_bytes:
                    raise _too_long(length, self._max_body_bytes)
            elif data[place] == _LINE_BREAK:  # a stray empty line between two frames means nothing
                place += 1
                continue
            else:
                start, length, headers = self._head(data, place)
            if not start or start + length > size:
                self._needed = start + length - place if start else size - place + 1
                return place
            frames.append(Frame(headers["content-type"], headers, data[start : start + length]))
            place = start + length
        self._needed = 1
        return place

    def _head(self, data: bytes, place: int) -> tuple[int, int, Mapping[str, str]]:
        """Where the body of the frame at ``place`` begins, its length and the headers; (0, 0, {}): not all here yet."""
        end = data.find(b"\n\n", place)
        if (end if end >= 0 else len(data)) - place > self._max_header_bytes:
            raise WireError(f"the headers of a frame exceed {self._max_header_bytes} bytes")
        if end < 0:
            return 0, 0, {}
        headers = _head_of(data[place:end])
        text = headers.get("content-length", "0")
        if not (text.isascii() and text.isdigit()):
            raise WireError(f"Content-Length is not a number: {text[:40]!r}")
        if len(text) > _LONGEST_NUMBER or int(text) > self._max_body_bytes:
            raise _too_long(text[:40], self._max_body_bytes)
        return end + 2, int(text), headers


def _too_long(length: object, limit: int) -> WireError:
    return WireError(f"a body of {length} bytes exceeds {limit}")


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


_NAME_FIRST = re.compile(rb"Event-Name: ([A-Z_]+)\n")


class SwitchEvent:
    """One event of the switch. Header names are taken in any case; a value is decoded when it is read, not before.

    Bytes that are no UTF-8 (a SIP header may hold any) come out as U+FFFD. A header that is absent is ``""``.
    """

    def __init__(self, headers: Headers, name: str) -> None:
        self._headers = headers
        self.name = name
        if not name:
            raise WireError("an event without Event-Name")

    def get(self, header: str) -> str:
        """The value of ``header``, ``""`` when absent."""
        return self._headers.as_written(header) or self._headers.get(header.lower())

    def variable(self, name: str) -> str:
        """A channel variable, ``""`` when unset."""
        return self._headers.get("variable_" + name.lower())

    def variables(self, prefix: str = "") -> dict[str, str]:
        """All channel variables whose name starts with ``prefix``, without the wire's ``variable_`` (names in lower case)."""
        start = len("variable_")
        found = self._headers.items("variable_" + prefix.lower())
        return {name[start:]: value for name, value in found.items()}

    def chosen(self, names: Iterable[str] | None = None) -> Mapping[str, str]:
        """The channel variables of these names that are set (default all of them), decoded when read."""
        return Variables(self._headers, names)

    def headers(self) -> Mapping[str, str]:
        """Every header, names in lower case, all decoded: for people and tests; code reads single headers."""
        return MappingProxyType(self._headers.items(""))

    @property
    def subclass(self) -> str:
        """Of a CUSTOM event: which (``sofia::register``)."""
        return self._headers.get("event-subclass")

    @property
    def uuid(self) -> str:
        """The leg it is about, ``""`` when about none."""
        return self.get("Unique-ID")

    @cached_property
    def body(self) -> str:
        """What follows the headers: the outcome of a background job. Raises WireError: shorter than announced."""
        return self._headers.body()

    @cached_property
    def sequence(self) -> int:
        """Rises inside one channel; between channels it does not, and gaps are normal."""
        return whole_number(self.get("Event-Sequence"), "Event-Sequence")

    @cached_property
    def at(self) -> datetime:
        """When the switch made it, UTC (on a grid of 20 ms); 1970 when it does not say."""
        return moment(self.get("Event-Date-Timestamp"))

    def __repr__(self) -> str:
        # no values: they may be a customer's
        return f"<SwitchEvent {self.subclass or self.name} {self.uuid}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SwitchEvent):
            return NotImplemented
        return self.body == other.body and self.headers() == other.headers()

    def __hash__(self) -> int:
        return hash((self.name, self.get("Event-Sequence"), self.uuid))


def event_of(frame: Frame) -> SwitchEvent:
    """The event in an event frame. Raises WireError: malformed, or XML, which we never ask for."""
    if frame.content_type == EVENT_PLAIN:
        return plain_event(frame.body)
    if frame.content_type == EVENT_JSON:
        return json_event(frame.body)
    raise WireError(f"not an event we can read: {frame.content_type[:40]}")


def plain_event(data: bytes) -> SwitchEvent:
    """An event in plain text (also what ``uuid_dump`` answers). Raises WireError."""
    headers = PlainHeaders(data)
    usual = _NAME_FIRST.match(data)
    return SwitchEvent(headers, usual[1].decode() if usual is not None else headers.get("event-name"))


def json_event(data: bytes) -> SwitchEvent:
    """An event in JSON (also what ``uuid_dump X json`` answers). Raises WireError."""
    try:
        fields = json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise WireError(f"an event is not JSON: {type(error).__name__}") from None
    if not isinstance(fields, dict):
        raise WireError("a JSON event is not an object")
    headers = JsonHeaders(fields)
    return SwitchEvent(headers, headers.get("event-name"))


def moment(microseconds: str) -> datetime:
    """A time header of the switch (microseconds since 1970) in UTC; ``""`` and ``0`` are 1970. Raises WireError."""
    try:
        return _EPOCH + timedelta(microseconds=whole_number(microseconds, "a time"))
    except OverflowError:
        raise WireError(f"not a time: {microseconds[:40]!r}") from None
