"""The recorded transcripts of a real switch, as lines, as bytes and as facts about the phones.

Every test that holds something to the recording reads it through here: the client (`ipcc.esl`) is fed the bytes
the switch sent, the simulated switch is sent the bytes the client sent. `recorded/README.md` tells the file format.
"""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).parent / "recorded"
"""One file per connection, `NAME.CONN.jsonl.gz`, and one per recording, `NAME.meta.json.gz`."""

Direction = Literal["in", "out"]


@dataclass(frozen=True)
class Line:
    """One read or write of the recorder: ``in`` came from the switch, ``out`` was sent to it."""

    at_s: float
    """Seconds since the recorder connected."""
    direction: Direction
    data: bytes
    is_end: bool = False
    """The switch closed the connection here (``data`` is empty then)."""


@dataclass(frozen=True)
class SipMessage:
    """One SIP message of a phone, on the same clock as the lines."""

    at_s: float
    phone: str
    is_sent: bool
    """True when the phone sent it, False when it received it."""
    line: str
    cseq: str
    reason: str
    text: str


@dataclass(frozen=True)
class Voice:
    """From here on a phone sends a tone, or silence."""

    at_s: float
    call_id: str
    speaks: bool


@dataclass(frozen=True)
class Key:
    """A key pressed on a phone whose leg tells of no key."""

    at_s: float
    call_id: str
    digit: str


@dataclass(frozen=True)
class Meta:
    """What the recorder noted beside the socket traffic."""

    name: str
    purpose: str
    wall_s: float
    """Unix time of the clock's zero."""
    marks: tuple[tuple[float, str], ...]
    sip: tuple[SipMessage, ...]
    legs: Mapping[str, str] = field(default_factory=dict)
    """Channel uuid to the letter it has in the notes; not every leg is listed."""
    voices: tuple[Voice, ...] = ()
    keys: tuple[Key, ...] = ()
    started_s: float | None = None
    """Unix time at which the switch was started, where it was started for this recording alone."""


@cache
def names() -> tuple[str, ...]:
    """All recordings, in order, e.g. ``03a-park-caller-bye``."""
    return tuple(sorted(path.name.removesuffix(".meta.json.gz") for path in FOLDER.glob("*.meta.json.gz")))


@cache
def connections(name: str) -> tuple[str, ...]:
    """The recorded connections of one recording: ``in``, ``out1``, ``slow``, ``attacker``, ``sender``, ``peer``."""
    files = FOLDER.glob(f"{name}.*.jsonl.gz")
    return tuple(sorted(path.name.removeprefix(f"{name}.").removesuffix(".jsonl.gz") for path in files))


@cache
def all_connections() -> tuple[tuple[str, str], ...]:
    """Every (recording, connection), handy as parameters of a test."""
    return tuple((name, conn) for name in names() for conn in connections(name))


def load(name: str, conn: str = "in") -> list[Line]:
    """The reads and writes of one connection, in the order they happened. Raises FileNotFoundError."""
    text = gzip.decompress((FOLDER / f"{name}.{conn}.jsonl.gz").read_bytes()).decode()
    return [_line(json.loads(row)) for row in text.splitlines()]


def bytes_in(name: str, conn: str = "in") -> bytes:
    """Everything the switch sent on one connection, joined."""
    return b"".join(line.data for line in load(name, conn) if line.direction == "in")


def bytes_out(name: str, conn: str = "in") -> bytes:
    """Everything the client sent on one connection, joined."""
    return b"".join(line.data for line in load(name, conn) if line.direction == "out")


def meta(name: str) -> Meta:
    """The notes, the legs and the SIP messages of one recording. Raises FileNotFoundError."""
    raw = json.loads(gzip.decompress((FOLDER / f"{name}.meta.json.gz").read_bytes()))
    return Meta(
        name=name,
        purpose=raw["purpose"],
        wall_s=raw["wall"],
        marks=tuple((mark["t"], mark["mark"]) for mark in raw["marks"]),
        sip=tuple(_sip(message) for message in raw["sip"]),
        legs=raw["legs"],
        voices=tuple(Voice(row["t"], row["call_id"], row["speaks"]) for row in raw.get("voices", ())),
        keys=tuple(Key(row["t"], row["call_id"], row["digit"]) for row in raw.get("keys", ())),
        started_s=raw.get("started"),
    )


def _line(row: Mapping[str, Any]) -> Line:
    # The recorder kept bytes as latin-1 text, which maps every byte to one character and back.
    return Line(row["t"], row["dir"], row["data"].encode("latin-1"), bool(row.get("eof")))


def _sip(row: Mapping[str, Any]) -> SipMessage:
    return SipMessage(row["t"], row["ua"], row["dir"] == "tx", row["line"], row["cseq"], row["reason"], row["text"])
