"""When a recording counts as good, how long the spool is waited for, and what its place in the store is called."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ipcc.contracts.recording import RecordingKind

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
# Of a message left in a flow ivr tells when the caller has sent it or is gone; until then he may hear it again, or say it anew.
# Only one whose ivr died lies there for longer.
QUIET_IN_FLOW = timedelta(minutes=15)
SWEEP_EVERY = timedelta(seconds=10)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


# nobody said anything into a message: there is none
SILENT = "silent"
# what a call's uuid and the number of the flow's step are, in the name of a message
_LEFT_IN_FLOW = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-[0-9]{1,6}")
_SAFETY = re.compile(r"safety(-[A-Za-z0-9_]{1,16})?")
_LEG = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_id(text: str) -> bool:
    """Whether ``text`` can name a file: it came over the bus, and no folder may be hidden in it."""
    return _ID.fullmatch(text) is not None


def is_leg(text: str) -> bool:
    """Whether ``text`` is the uuid of a leg."""
    return _LEG.fullmatch(text) is not None


@dataclass(frozen=True)
class Stray:
    """What a file in the spool must be, going by its name alone; the names are given in the switch's dialplan and by ivr."""

    recording_id: str
    call_id: str
    leg_id: str
    name: str
    kind: RecordingKind
    is_in_flow: bool = False

    @property
    def quiet(self) -> timedelta:
        """So long nobody may have written to it before it is taken in."""
        return QUIET_IN_FLOW if self.is_in_flow else QUIET

    @property
    def is_required(self) -> bool:
        """Whether a bad file is told: in the safety net somebody answered; of a leg or a message found so, nobody knows."""
        return self.kind is RecordingKind.SAFETY


def stray_of(name: str) -> Stray | None:
    """What lies in the spool under ``name``; None when that is no name of a recording."""
    match name.removesuffix(".wav").split("/"):
        case ["recordings", call_id, leg_id] if is_id(call_id) and is_leg(leg_id):
            return Stray(leg_id, call_id, leg_id, name, RecordingKind.AGENT)
        case ["recordings", call_id, safety] if is_id(call_id) and _SAFETY.fullmatch(safety):
            return _stray(f"{call_id}-{safety}", call_id, name, RecordingKind.SAFETY)
        case ["messages", message] if is_id(message):
            in_flow = _LEFT_IN_FLOW.fullmatch(message)
            found = _stray(f"message-{message}", in_flow[1] if in_flow else message, name, RecordingKind.MESSAGE)
            return replace(found, is_in_flow=True) if found and in_flow else found
    return None


def _stray(recording_id: str, call_id: str, name: str, kind: RecordingKind) -> Stray | None:
    # the caller's leg has the id of the call
    return Stray(recording_id, call_id, call_id, name, kind) if is_id(recording_id) else None


def name_of_message(path: str) -> str:
    """The place of a message under any spool: ivr tells it as its switch sees it."""
    return "/".join(path.rsplit("/", 2)[-2:])


@dataclass(frozen=True)
class Audio:
    """What the file says of itself. ``voiced_ms``: so much of it is louder than silence; None when nobody listened."""

    duration_ms: int
    channels: int
    rate_hz: int
    size_bytes: int
    voiced_ms: int | None = None


def fault(audio: Audio, talk_ms: int, speech_ms: int = 0) -> str | None:
    """Why ``audio`` is not a recording of a leg that talked for ``talk_ms``, or holds less than ``speech_ms`` of speech where that
    was listened for; None when it is one."""
    if audio.duration_ms == 0:
        return "empty"
    if audio.voiced_ms is not None and audio.voiced_ms < speech_ms:
        return SILENT
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
