"""What the simulated switch tells the world: events for ESL clients, INVITEs for phones, files for the recorder."""

from __future__ import annotations

from dataclasses import dataclass, field

HeaderValue = str | list[str]


@dataclass(frozen=True)
class SimEvent:
    """One event of the switch.

    ``headers`` holds every header in wire order, ``Event-Name`` among them, values not yet encoded; a list is an ARRAY::
    variable. ``body`` is the part after the blank line, or None.
    """

    name: str
    subclass: str | None
    headers: dict[str, HeaderValue]
    body: str | None = None


@dataclass(frozen=True)
class ApiDone:
    """The text of an api command that had to wait (originate); ``ticket`` is the one its ``Pending`` carried."""

    ticket: int
    text: str


@dataclass(frozen=True)
class PhoneInvited:
    """The switch sent an INVITE: ``endpoint`` is the dial string after all look-ups, like ``sofia/internal/sip:1001@…``."""

    endpoint: str
    uuid: str
    user: str
    address: str
    caller_number: str
    caller_name: str
    sip_headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PhoneCancelled:
    """The switch took its INVITE back before it was answered; ``reason`` is the text of the SIP Reason header."""

    uuid: str
    cause: str
    reason: str


@dataclass(frozen=True)
class PhoneHungUp:
    """The switch sent BYE, or refused an INVITE it had received; ``sip_code`` is 200 for a BYE."""

    uuid: str
    cause: str
    sip_code: int
    reason: str


@dataclass(frozen=True)
class CallerRinging:
    """The switch sent 180 or, with ``early_media``, 183 with media to the one who called."""

    uuid: str
    early_media: bool


@dataclass(frozen=True)
class CallerAnswered:
    """The switch sent 200 OK to the one who called."""

    uuid: str


@dataclass(frozen=True)
class PlaybackStarted:
    """Somebody on this leg now hears ``path`` (people wait for prompts by it)."""

    uuid: str
    path: str


@dataclass(frozen=True)
class DigitsSent:
    """The switch sent telephone events to the phone of this leg."""

    uuid: str
    digits: str


@dataclass(frozen=True)
class RecordingStarted:
    """The switch opened ``path`` and writes what is heard on ``uuid`` from time ``at`` on."""

    uuid: str
    path: str
    at: float
    stereo: bool
    alone: bool = False
    """Only the phone of this leg, not what it is sent."""


@dataclass(frozen=True)
class RecordingStopped:
    """The recording is complete: what a recorder must have written.

    ``masked`` holds (from, to) in seconds after the start; ``kept`` is False when the switch deletes the file
    (RECORD_MIN_SEC) and ``written`` is False when nothing reached the disk although the switch never said so.
    """

    uuid: str
    path: str
    started: float
    ended: float
    stereo: bool
    masked: tuple[tuple[float, float], ...]
    kept: bool = True
    written: bool = True


@dataclass(frozen=True)
class FaxReceived:
    """The whole document ``source`` has arrived: in the file ``path`` of the switch, or, without one, at the fax machine of this leg."""

    uuid: str
    path: str
    source: str


@dataclass(frozen=True)
class SocketWanted:
    """The ``socket`` application wants a TCP connection to an outbound event socket server."""

    uuid: str
    address: str
    is_async: bool
    is_full: bool


Output = (
    SimEvent
    | ApiDone
    | PhoneInvited
    | PhoneCancelled
    | PhoneHungUp
    | CallerRinging
    | CallerAnswered
    | PlaybackStarted
    | DigitsSent
    | RecordingStarted
    | RecordingStopped
    | FaxReceived
    | SocketWanted
)


@dataclass(frozen=True)
class Pending:
    """An api command whose answer comes later, as an ``ApiDone`` with the same ticket."""

    ticket: int
