"""The headers of one event, kept as they came: a value is looked for and decoded when it is read, not before. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Protocol
from urllib.parse import unquote_to_bytes

from ipcc.errors import IpccError


class WireError(IpccError):
    """The bytes are not what an event socket sends: the connection cannot be trusted any more."""

    def __init__(self, message: str) -> None:
        super().__init__("switch.wire", message)


def whole_number(text: str, what: str) -> int:
    """A number of the switch, 0 when absent. Raises WireError naming ``what``."""
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()) or len(text) > 20:
        raise WireError(f"{what} is not a number: {text[:40]!r}")
    return int(text)


class Variables(Mapping[str, str]):
    """Channel variables of an event that are set, all or some, as a mapping that decodes one value at a time."""

    __slots__ = ("_headers", "_names")

    def __init__(self, headers: Headers, names: Iterable[str] | None = None) -> None:
        self._headers = headers
        self._names = None if names is None else frozenset(names)

    def __getitem__(self, name: str) -> str:
        value = self._headers.get("variable_" + name.lower()) if self._names is None or name in self._names else ""
        if not value:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        if self._names is not None:
            return (name for name in sorted(self._names) if self._headers.get("variable_" + name))
        return (name.removeprefix("variable_") for name, value in self._headers.items("variable_").items() if value)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return "{…}"  # values may be a customer's


class Headers(Protocol):
    """Headers by lower-case name; what is absent is ``""``."""

    def get(self, name: str) -> str: ...

    def as_written(self, name: str) -> str:
        """By the name in the usual case: a quick way to most headers, ``""`` proves nothing."""

    def items(self, prefix: str) -> dict[str, str]:
        """All whose name starts with ``prefix``, decoded in one pass; the first of two with one name counts."""

    def body(self) -> str: ...


@lru_cache(maxsize=1024)  # the names come from our own code
def _line_start(name: str) -> bytes:
    return b"\n%b: " % name.encode()


def _decoded(value: bytes) -> str:
    if b"%" in value:
        value = unquote_to_bytes(value)
    # an empty value is written as _undef_ in plain events (switch_event.c, switch_event_serialize)
    return "" if value == b"_undef_" else value.decode("utf-8", "replace")


class PlainHeaders:
    """Header lines kept as they came; a name is looked for at the start of a line, in a lower-case copy of all."""

    __slots__ = ("_data", "_head_seen", "_low")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._low = b""
        self._head_seen = 0

    def get(self, name: str) -> str:
        low = self._low or self._lowered()
        key = _line_start(name)
        start = low.find(key)
        # the copy begins with one line break more: a place in it is one further than in the original
        return self._value(start + len(key) - 1) if start >= 0 else ""

    def as_written(self, name: str) -> str:
        key = _line_start(name)
        start = self._data.find(key)
        if start < 0 or not self._is_in_head(start):
            return ""
        return self._value(start + len(key))

    def _is_in_head(self, place: int) -> bool:
        """Whether no empty line comes before ``place``: a line of the body is no header."""
        if place > self._head_seen:
            if self._data.find(b"\n\n", self._head_seen, place + 1) >= 0:
                return False
            self._head_seen = place
        return True

    def _value(self, start: int) -> str:
        end = self._data.find(b"\n", start)
        return _decoded(self._data[start:] if end < 0 else self._data[start:end])

    def _lowered(self) -> bytes:
        end = self._data.find(b"\n\n")
        head = self._data if end < 0 else self._data[:end]
        self._low = b"\n" + head.lower()  # ASCII only: nothing moves
        return self._low

    def body(self) -> str:
        rest = self._data.partition(b"\n\n")[2]
        size = whole_number(self.get("content-length"), "Content-Length of an event")
        if len(rest) < size:
            raise WireError(f"an event's body has {len(rest)} bytes instead of {size}")
        return rest[:size].decode("utf-8", "replace")

    def items(self, prefix: str) -> dict[str, str]:
        low = self._low or self._lowered()
        key = b"\n" + prefix.encode()
        found: dict[str, str] = {}
        start = low.find(key)
        while start >= 0:
            end = low.find(b"\n", start + 1)
            if end < 0:
                end = len(low)
            name, colon, _ = low[start + 1 : end].partition(b": ")
            if colon:
                # one line break more at the beginning of the copy: the value ends one earlier in the original
                value = self._data[start + len(name) + len(colon) : end - 1]
                found.setdefault(name.decode("utf-8", "replace"), _decoded(value))
            start = low.find(key, end)
        return found


class JsonHeaders:
    """Fields of a JSON object; an array is shown as the switch's plain format shows it."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[object, object]) -> None:
        self._fields: dict[str, str] = {}
        for name, value in fields.items():
            self._fields.setdefault(str(name).lower(), _flat(value))

    def body(self) -> str:
        return self._fields.get("_body", "")

    def get(self, name: str) -> str:
        return self._fields.get(name, "")

    def as_written(self, name: str) -> str:
        return ""

    def items(self, prefix: str) -> dict[str, str]:
        return {name: value for name, value in self._fields.items() if name.startswith(prefix) and name != "_body"}


def _flat(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "ARRAY::" + "|:".join(map(_flat, value))
    return json.dumps(value)
