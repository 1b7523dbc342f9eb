"""When a recording counts as good, how long the spool is waited for, and what its place in the store is called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

# The switch closes the file before it tells of the hang-up (RECORD_STOP comes before HANGUP_COMPLETE); a spool on a network
# file system may show it later.
WAIT_FOR_FILE = timedelta(seconds=20)
LOOK_EVERY = timedelta(seconds=1)
# The recording starts with the answer and ends with the hang-up, each on the switch's 20 ms grid and with buffering.
# A flat allowance: of an hour a share would forgive minutes, and a disk that filled up says nothing (recorded fact 38).
TOLERANCE_MS = 2500


# how long a replica that took a recording in hand keeps it; should it die, another looks again after that
CLAIM = timedelta(seconds=15)
# A file that no known leg claims is taken in when the switch has not written to it for so long: its leg came and went while
# nobody listened to the switch. Looked for now and then; the switch writes a recording at least every few seconds.
QUIET = timedelta(seconds=20)
SWEEP_EVERY = timedelta(seconds=10)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


_LEG = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_id(text: str) -> bool:
    """Whether ``text`` can name a file: it came over the bus, and no folder may be hidden in it."""
    return _ID.fullmatch(text) is not None


def is_leg(text: str) -> bool:
    """Whether ``text`` is the uuid of a leg: the switch's own recordings, such as the safety net's, have other names."""
    return _LEG.fullmatch(text) is not None


@dataclass(frozen=True)
class Audio:
    """What the file says of itself."""

    duration_ms: int
    channels: int
    rate_hz: int
    size_bytes: int


def fault(audio: Audio, talk_ms: int) -> str | None:
    """Why ``audio`` is not a recording of a leg that talked for ``talk_ms``; None when it is."""
    if audio.duration_ms == 0:
        return "empty"
    if audio.duration_ms < talk_ms - TOLERANCE_MS:
        return "too_short"
    return None


def heard_talk_ms(talk_ms: int, hung_up_by: str) -> int:
    """What a file is measured by: nothing, when the end was found by looking, later than it was."""
    return 0 if hung_up_by == "unknown" else talk_ms


def location(recording_id: str, ended_at: datetime) -> str:
    """Where it is kept, relative to the store: by day, so that retention can go by folder."""
    return f"{ended_at:%Y/%m/%d}/{recording_id}.wav"


def is_overdue(ended_at: datetime, now: datetime) -> bool:
    """Whether a file that is still not there will not come."""
    return now - ended_at > WAIT_FOR_FILE
