"""Looking for card numbers and PINs in whatever the suite leaves behind. Pure, but for reading the files it is pointed at."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from bankcore.demo import demo_customers
from ipcc.cli.journeys import CARDS, WRONG_PIN
from tests.traces import frames

UNKNOWN_CARD = "6222009999999990"
CARD_NUMBERS = (*(card for card, _ in CARDS.values()), UNKNOWN_CARD)
CVV = demo_customers()[0].cvv
PINS = (*(pin for _, pin in CARDS.values()), WRONG_PIN)
_RESULT = b"variable_ipcc_digits"
# the switch's own counters come to any number
_COUNTERS = (b"Event-Sequence:", b"Event-Calling-Line-Number:", b"Content-Length:")
# Kafka's indexes hold positions only, and are large
_INDEXES = (".index", ".timeindex")


def _pattern() -> re.Pattern[bytes]:
    """The numbers as they are, and the usual digests of them. Six digits within a longer number, a uuid or the fraction of a
    second are no PIN; four are a card security code where they stand as a text or a value of their own, not as a bare number in
    JSON: a duration may be as long by chance."""
    digests = [
        hashlib.new(kind, number.encode()).hexdigest()
        for number in (*CARD_NUMBERS, *PINS, CVV)
        for kind in ("md5", "sha1", "sha256")
    ]
    whole = "|".join((*CARD_NUMBERS, *digests))
    pin = rf"(?<![0-9A-Fa-f])(?<!\d\.)(?:{'|'.join(PINS)})(?![0-9A-Fa-f])"
    cvv = rf"(?<=[\"'=# ]){CVV}(?=[\"'#&\s]|$)"
    return re.compile(rf"{whole}|{pin}|{cvv}".encode(), re.IGNORECASE)


_PLANTED = _pattern()


def planted(text: bytes) -> list[str]:
    """Which of the numbers, or their digests, are in ``text``."""
    return sorted({found.decode() for found in _PLANTED.findall(text)})


def planted_in_files(folder: Path) -> list[str]:
    """Files below ``folder`` that hold one of the numbers in name or content, databases also as text."""
    faults = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix not in _INDEXES):
        name = str(path.relative_to(folder))
        faults += [f"{name} (its name): {number}" for number in planted(name.encode())]
        faults += [f"{name}: {number}" for number in planted(path.read_bytes())]
        if path.suffix == ".db":
            faults += [f"{name} (rows): {number}" for number in planted(_rows(path))]
    return faults


def _rows(path: Path) -> bytes:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return "\n".join(database.iterdump()).encode()


def planted_in_frames(heard: list[frames.Frame]) -> list[str]:
    """What was told on the event socket that holds a number.

    The result of collecting keys comes back in one variable of one event, and until the flow has wiped it (milliseconds) a
    dump shows it, too: so the switch works. In any other event, variable or line of its log a number is a fault.
    """
    faults = []
    for frame in heard:
        name = frames.event_of(frame).name if frame.is_event else frame.kind
        raw = b"\n".join(line for line in frame.raw.split(b"\n") if not line.startswith(_COUNTERS))
        if name in ("CHANNEL_EXECUTE_COMPLETE", "api/response"):
            raw = b"\n".join(line for line in raw.split(b"\n") if not line.startswith(_RESULT))
        faults += [f"{number} in {name}: {_around(raw, number)}" for number in planted(raw)]
    return faults


def _around(raw: bytes, number: str) -> str:
    line = next((line for line in raw.split(b"\n") if number.encode() in line), b"")
    return line.decode(errors="replace")


def keys_told(heard: list[frames.Frame]) -> dict[str, str]:
    """Per channel the keys that DTMF events told."""
    told: dict[str, str] = {}
    for event in (frames.event_of(frame) for frame in heard if frame.is_event):
        if event.name == "DTMF":
            told[event.get("Unique-ID")] = told.get(event.get("Unique-ID"), "") + event.get("DTMF-Digit")
    return told
