"""What a connection received, as rows that two runs can be compared by: replies in order, events per channel, the end.

Values that differ from run to run are masked: uuids become the letter of their leg, times, ports of media and tags a sign.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tests.traces import frames

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_VOLATILE = (
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?"), "<date>"),
    (re.compile(r"\b1[67]\d{8}(\d{6})?\b"), "<time>"),
    (re.compile(r"\bUP \d+ years?.*"), "UP <span>"),
    (re.compile(r"\bEXPSECS\(\d+\)", re.IGNORECASE), "EXPSECS(<n>)"),
    (re.compile(r"^(\d+ session\(s\).*|min idle cpu.*)$", re.MULTILINE), "<counter>"),
    (re.compile(r"(<date>) [\d.]+% "), r"\1 <idle> "),
    (re.compile(r"\bSession \d+ \("), "Session <n> ("),
    (re.compile(r"(Uptime\s+)\d+s"), r"\1<n>s"),
)

# the fields the readable tables of the recordings show, by which two events are told apart
_FIELDS = (
    "Channel-State",
    "Channel-Call-State",
    "Answer-State",
    "Original-Channel-Call-State",
    "Application",
    "Application-Data",
    "Application-Response",
    "Bridge-A-Unique-ID",
    "Bridge-B-Unique-ID",
    "Other-Leg-Unique-ID",
    "DTMF-Digit",
    "DTMF-Source",
    "DTMF-Duration",
    "Playback-File-Path",
    "Playback-Status",
    "Record-File-Path",
    "Record-Completion-Cause",
    "Job-Command",
    "Job-Command-Arg",
    "API-Command",
    "API-Command-Argument",
    "contact",
    "expires",
    "status",
    "Old-Unique-ID",
    "Caller-Caller-ID-Name",
    "Caller-Caller-ID-Number",
    "Caller-Destination-Number",
    "Caller-Direction",
    "Action",
    "Conference-Name",
    "Conference-Size",
    "Member-ID",
    "Member-Type",
    "Floor",
    "Hear",
    "Speak",
    "Talking",
    "Hold",
    "Old-ID",
    "New-ID",
    "File",
    "Path",
    "DTMF-Key",
)
_HANGUP_FIELDS = ("Hangup-Cause",)
_HANGUP_EVENTS = ("CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY")
_COMPLETE_FIELDS = tuple(
    f"variable_{name}"
    for name in (
        "hangup_cause",
        "hangup_cause_q850",
        "sip_hangup_disposition",
        "sip_term_status",
        "proto_specific_hangup_cause",
        "bridge_hangup_cause",
        "last_bridge_hangup_cause",
        "last_bridge_to",
        "bridge_uuid",
        "signal_bond",
        "endpoint_disposition",
        "originate_disposition",
        "transfer_disposition",
        "current_application",
        "digits_dialed",
        # what had been keyed when the caller hung up (18f to 18h)
        "got",
        "read_result",
    )
)
# what the record application tells: how long, and why it ended
_RECORD_FIELDS = ("variable_silence_hits_exhausted", "variable_playback_terminator_used", "variable_record_seconds")
_SECONDS = (
    "variable_record_seconds",
    "variable_duration",
    "variable_billsec",
    "variable_waitsec",
    "variable_progresssec",
    "variable_answersec",
)
# these come from the switch's own clock, which started at a moment known to half a second only
_TIMERS = frozenset({"HEARTBEAT", "RE_SCHEDULE"})


@dataclass(frozen=True)
class Row:
    """One event, masked."""

    name: str
    fields: tuple[tuple[str, str], ...]
    headers: frozenset[str] = field(default=frozenset(), compare=False)
    """The names of all its headers, for telling which are never simulated."""

    def __str__(self) -> str:
        return " ".join([self.name, *(f"{key}={value}" for key, value in self.fields if value)])


@dataclass
class Received:
    """What one connection received."""

    replies: list[str] = field(default_factory=list)
    streams: dict[str, list[Row]] = field(default_factory=dict)
    """Per channel letter, and per kind for events of no channel."""
    logs: list[str] = field(default_factory=list)
    is_ended: bool = False


@dataclass
class Legs:
    """Channel uuids to letters, the same letters in both runs."""

    letters: dict[str, str] = field(default_factory=dict)

    def add(self, uuid: str, letter: str | None = None) -> str:
        """The letter of a uuid, a new one when it was not seen before."""
        if uuid not in self.letters:
            self.letters[uuid] = letter or f"<{len(self.letters)}>"
        return self.letters[uuid]

    def mask(self, text: str) -> str:
        """``text`` without anything that differs from run to run."""
        masked = _UUID.sub(lambda found: self.letters.get(found[0], "<uuid>"), text)
        for pattern, sign in _VOLATILE:
            masked = pattern.sub(sign, masked)
        return masked


def recorded_legs(events: Iterable[frames.Event]) -> Legs:
    """Letters in the order the channels first appear."""
    legs = Legs()
    for event in events:
        if uuid := event.get("Unique-ID"):
            legs.add(uuid, chr(ord("A") + len(legs.letters)) if len(legs.letters) < 26 else None)
    return legs


def replayed_legs(events: Iterable[frames.Event], recorded: Legs, aliases: Mapping[str, str]) -> Legs:
    """The same letters for the same legs: by uuid, by the phone they rang (``aliases``), the rest by order."""
    legs = Legs()
    uuids = list(dict.fromkeys(event.get("Unique-ID") for event in events if event.get("Unique-ID")))
    for uuid in uuids:
        if letter := recorded.letters.get(aliases.get(uuid, uuid)):
            legs.add(uuid, letter)
    free = [letter for letter in recorded.letters.values() if letter not in legs.letters.values()]
    for uuid in uuids:
        if uuid not in legs.letters:
            legs.add(uuid, free.pop(0) if free else None)
    return legs


def received(found: Iterable[frames.Frame], legs: Legs, *, is_ended: bool) -> Received:
    """Sort what came into replies and streams."""
    out = Received(is_ended=is_ended)
    for frame in found:
        if frame.is_event:
            _place(frames.event_of(frame), legs, out)
        elif frame.kind == "log/data":
            out.logs.append(legs.mask(frame.body.decode("utf-8", "surrogateescape")))
        else:
            out.replies.append(_reply(frame, legs))
    return out


def _reply(frame: frames.Frame, legs: Legs) -> str:
    if "Event-Name" in frame.headers:  # the answer to connect: which headers, and a few values
        names = " ".join(name for name in frame.headers if not name.startswith("variable_"))
        return f"connect: {names} {frame.headers['Control']} {frame.headers['Socket-Mode']}"
    if dump := _dump(frame):
        return f"dump of {_row(dump, legs)} with {' '.join(sorted(dump.headers))}"
    head = " ".join(f"{name}: {value}" for name, value in frame.headers.items() if name != "Content-Length")
    return legs.mask(f"{head} | {frame.body.decode('utf-8', 'surrogateescape')}")


def _dump(frame: frames.Frame) -> frames.Event | None:
    """The answer of uuid_dump as the event it is."""
    for kind, start in (("plain", b"Event-Name: CHANNEL_DATA"), ("json", b'{"Event-Name"'), ("xml", b"<event>")):
        if frame.kind == "api/response" and frame.body.startswith(start):
            return frames.event_of(replace(frame, headers={"Content-Type": f"text/event-{kind}"}))
    return None


def _place(event: frames.Event, legs: Legs, out: Received) -> None:
    if event.name in _TIMERS:
        return
    uuid = event.get("Unique-ID")
    stream = legs.letters.get(uuid, "?") if uuid else _kind(event)
    out.streams.setdefault(stream, []).append(_row(event, legs))


def _kind(event: frames.Event) -> str:
    if event.name == "BACKGROUND_JOB":
        return f"job {event.get('Job-UUID')}" if not _UUID.fullmatch(event.get("Job-UUID")) else "jobs"
    if event.name == "CUSTOM":
        who = event.get("from-user") or event.get("username")
        return f"{event.get('Event-Subclass')} {who}".strip()
    return event.name


def _row(event: frames.Event, legs: Legs) -> Row:
    wanted = list(_FIELDS)
    if event.name in _HANGUP_EVENTS:
        wanted += _HANGUP_FIELDS
    if event.name == "CHANNEL_HANGUP_COMPLETE":
        wanted += _COMPLETE_FIELDS
    if event.name == "RECORD_STOP":
        wanted += _RECORD_FIELDS
    if event.name == "CUSTOM" and event.get("Command").startswith("sendevent"):
        wanted += [name for name in event.headers if not name.startswith(("Event-", "FreeSWITCH", "Core"))]
    pairs = [(name, legs.mask(event.get(name))) for name in wanted]
    if event.name == "CHANNEL_HANGUP_COMPLETE":
        pairs += [(name, event.get(name)) for name in _SECONDS]
    if event.body:
        pairs.append(("body", legs.mask(event.body)))
    return Row(event.name, tuple(pairs), frozenset(event.headers))


def same(expected: Row, got: Row) -> list[str]:
    """The fields by which two rows differ; seconds may differ by one, since both clocks are cut to whole ones."""
    if expected.name != got.name:
        return [f"{expected.name} became {got.name}"]
    theirs = dict(got.fields)
    out = []
    for name, value in expected.fields:
        other = theirs.get(name, "")
        if name in _SECONDS and value.isdigit() and other.isdigit() and abs(int(value) - int(other)) <= 1:
            continue
        if value != other:
            out.append(f"{name}: {value!r} became {other!r}")
    return out
