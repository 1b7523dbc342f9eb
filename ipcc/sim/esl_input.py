"""What a client writes on an event socket, cut into commands. Pure: bytes in, commands out, however they were split."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ipcc.sim.wire import to_text

_END = re.compile(rb"\n\r?\n")
_LEADING = re.compile(rb"[\r\n]+")


class TooLong(Exception):
    """The client sent a command longer than the limit; its connection is closed."""


@dataclass(frozen=True)
class Command:
    """One command: its first line, the ``name: value`` lines after it, and a body if a length was given."""

    line: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None

    def get(self, name: str) -> str | None:
        """The first header of that name, whatever its case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


@dataclass
class Commands:
    """Collects bytes and gives out whole commands."""

    max_header_bytes: int = 1 << 20
    """More than this before an empty line is no command of an honest client."""
    max_body_bytes: int = 10 << 20
    _buffer: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> Iterator[Command]:
        """The commands completed by ``data``. Raises TooLong."""
        self._buffer += data
        while (command := self._next()) is not None:
            yield command

    def _next(self) -> Command | None:
        blank = _LEADING.match(self._buffer)  # empty lines between commands mean nothing (01g)
        if blank:
            del self._buffer[: blank.end()]
        end = _END.search(self._buffer)
        if end is None:
            if len(self._buffer) > self.max_header_bytes:
                raise TooLong
            return None
        lines = [line.rstrip("\r") for line in to_text(bytes(self._buffer[: end.start()])).split("\n")]
        headers = tuple(_header(line) for line in lines[1:] if ":" in line)
        size = _length(headers)
        if size > self.max_body_bytes:
            raise TooLong
        if len(self._buffer) < end.end() + size:
            return None
        body = to_text(bytes(self._buffer[end.end() : end.end() + size])) if size else None
        del self._buffer[: end.end() + size]
        return Command(lines[0], headers, body)


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.lstrip(" ")


def _length(headers: tuple[tuple[str, str], ...]) -> int:
    for name, value in headers:
        if name.lower() == "content-length":
            digits = re.match(r"\s*(\d{1,18})", value)
            return int(digits[1]) if digits else 0
    return 0
