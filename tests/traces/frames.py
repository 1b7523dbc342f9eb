"""Recorded bytes as frames and events: a reading of its own, so that neither client nor simulator judges itself."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from tests.traces.recorded import Line

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class Frame:
    """One frame as the switch wrote it."""

    raw: bytes
    headers: dict[str, str]
    body: bytes
    at_s: float = 0.0
    """When its last byte arrived, on the recorder's clock."""

    @property
    def kind(self) -> str:
        """The Content-Type: ``command/reply``, ``text/event-plain``, …"""
        return self.headers.get("Content-Type", "")

    @property
    def is_event(self) -> bool:
        return self.kind.startswith("text/event-")


@dataclass(frozen=True)
class Event:
    """One event: its headers as written (a list is an array; some names come twice), and the body."""

    pairs: list[tuple[str, str | list[str]]]
    body: str | None = None
    at_s: float = field(default=0.0, compare=False)

    @cached_property
    def headers(self) -> dict[str, str | list[str]]:
        """Names to values; of a name written twice the last."""
        return dict(self.pairs)

    def get(self, name: str) -> str:
        """A header as text, empty when absent."""
        value = self.headers.get(name, "")
        return value if isinstance(value, str) else "|:".join(value)

    @property
    def name(self) -> str:
        return self.get("Event-Name")


def split(data: bytes) -> Iterator[Frame]:
    """The frames in ``data``; a cut last frame is left out."""
    start = 0
    while (end := data.find(b"\n\n", start)) >= 0:
        headers = _headers(data[start:end])
        whole = end + 2 + int(headers.get("Content-Length", "0"))
        if len(data) < whole:
            return
        yield Frame(data[start:whole], headers, data[end + 2 : whole])
        start = whole


def timed(lines: list[Line]) -> Iterator[Frame]:
    """The frames the switch sent in a recording, each with the time its last byte arrived."""
    rest = b""
    for line in lines:
        if line.direction != "in":
            continue
        rest += line.data
        used = 0
        for frame in split(rest):
            used += len(frame.raw)
            yield Frame(frame.raw, frame.headers, frame.body, line.at_s)
        rest = rest[used:]


def event_of(frame: Frame) -> Event:
    """The event inside an event frame, whatever its format."""
    read = {"text/event-plain": _plain, "text/event-json": _json, "text/event-xml": _xml}[frame.kind]
    event = read(frame.body)
    return Event(event.pairs, event.body, frame.at_s)


def unquote(value: str) -> str:
    """A header value decoded; bytes that are no UTF-8 become surrogate escapes."""
    raw = _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), value.encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "surrogateescape")


def _headers(block: bytes) -> dict[str, str]:
    pairs = (line.split(": ", 1) for line in block.decode("utf-8", "surrogateescape").split("\n"))
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def _plain(text: bytes) -> Event:
    block, _, rest = text.partition(b"\n\n")
    lines = block.decode("ascii").split("\n")
    if rest:
        del lines[-1]  # the length of the body, which the switch writes last
    return Event([_pair(line) for line in lines], rest.decode("utf-8", "surrogateescape") or None)


def _pair(line: str) -> tuple[str, str | list[str]]:
    name, _, value = line.partition(": ")
    decoded = unquote(value)
    is_array = decoded.startswith("ARRAY::")
    return name, decoded.removeprefix("ARRAY::").split("|:") if is_array else decoded


def _json(text: bytes) -> Event:
    pairs = json.loads(text.decode("utf-8", "surrogateescape"), object_pairs_hook=list)
    if pairs[-1][0] != "_body":
        return Event(pairs)
    return Event(pairs[:-2], pairs[-1][1])  # the body comes last, its length just before it


def _xml(text: bytes) -> Event:
    root = ET.fromstring(text)  # noqa: S314  our own recording
    return Event([(item.tag, unquote(item.text or "")) for item in root.iterfind("headers/*")], root.findtext("body"))
