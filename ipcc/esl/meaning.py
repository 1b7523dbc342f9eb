"""What the switch can tell us, in our own words: small values that no FreeSWITCH header name reaches. Pure.

``at`` is when the switch saw it (UTC, on its 20 ms grid). Values that may hold what a customer keyed or is called are not
in any ``repr``, so that logging one of these by mistake gives nothing away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from ipcc.ids import LegId


class LegDirection(StrEnum):
    """Seen from the switch: who sent the INVITE."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class HungUpBy(StrEnum):
    """Who ended a leg (from ``sip_hangup_disposition``)."""

    FAR_END = "far_end"
    SWITCH = "switch"
    UNKNOWN = "unknown"


def _secret() -> Any:
    return field(default_factory=dict, repr=False, hash=False)


@dataclass(frozen=True)
class About:
    """Something that happened to one leg."""

    leg_id: LegId
    at: datetime


@dataclass(frozen=True)
class LegFacts:
    """Who a leg is: the same for a leg just created and for one found by looking."""

    direction: LegDirection
    caller_number: str = field(default="", repr=False)
    caller_name: str = field(default="", repr=False)
    dialled: str = field(default="", repr=False)
    variables: Mapping[str, str] = _secret()
    """The channel variables ``ipcc_*``, by full name. An inbound leg has them only once its dialplan set them: see LegParked."""
    profile: str = ""
    """The SIP profile."""
    gateway: str = ""
    """The gateway it was dialled through, or came from where the switch knows it."""
    trunk: str = ""
    """The variable ``ipcc_trunk``."""
    user: str = ""
    """The registered phone: who authenticated (inbound) or was dialled as ``user/…`` (outbound)."""
    address: str = field(default="", repr=False)
    """The channel's name, ``sofia/internal/1001@…``."""
    peer_ip: str = ""
    dialled_by: LegId | None = None
    """The leg whose dialplan or transfer dialled this one."""


@dataclass(frozen=True)
class LegCreated(About):
    """A leg exists. For an inbound one the dialplan has not run yet."""

    facts: LegFacts


@dataclass(frozen=True)
class LegRinging(About):
    """The far end rings (180)."""


@dataclass(frozen=True)
class LegEarlyMedia(About):
    """The far end sends sound before the answer (183). ``answer`` on an inbound leg says this too, just before LegAnswered."""


@dataclass(frozen=True)
class LegAnswered(About):
    """Connected."""

    variables: Mapping[str, str] = _secret()


@dataclass(frozen=True)
class LegsBridged(About):
    """``leg_id`` and ``other_leg_id`` hear each other; told once, with the bridge's owner first."""

    other_leg_id: LegId


@dataclass(frozen=True)
class LegsUnbridged(About):
    """They no longer do."""

    other_leg_id: LegId


@dataclass(frozen=True)
class LegParked(About):
    """The leg waits for commands. Here an inbound leg's ``ipcc_*`` variables, set by its dialplan, are seen first."""

    facts: LegFacts


@dataclass(frozen=True)
class LegUnparked(About):
    """It does not wait any more: bridged, transferred or hung up."""


@dataclass(frozen=True)
class LegHeld(About):
    """The party at this leg put the other on hold (by re-INVITE or uuid_hold)."""


@dataclass(frozen=True)
class LegResumed(About):
    """The held connection is back; comes also before the hangup of a leg that is held."""


@dataclass(frozen=True)
class LegHungUp(About):
    """The leg is being ended; its record (LegEnded) follows."""

    cause: str
    q850: int
    hung_up_by: HungUpBy = HungUpBy.UNKNOWN
    """Often not known before LegEnded."""


@dataclass(frozen=True)
class LegTimes:
    """The moments of a leg's life; None for what did not happen. ``billed_ms``: from answer to end."""

    created_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    bridged_at: datetime | None = None
    ended_at: datetime | None = None
    billed_ms: int = 0
    held_ms: int = 0


@dataclass(frozen=True)
class LegEnded(About):
    """The switch's record of a leg that ended."""

    cause: str
    q850: int
    hung_up_by: HungUpBy
    times: LegTimes
    who: LegFacts | Callable[[], LegFacts] = field(repr=False, compare=False)
    """`facts`, or how to find them out: who hears of an end mostly knows the leg already."""
    last_partner_id: LegId | None = None
    """The leg it was last bridged to."""
    record: Mapping[str, str] = _secret()
    """Variables that explain the end, by full name: SIP status, RTP counts and quality, last application, …"""

    @cached_property
    def facts(self) -> LegFacts:
        """Who the leg was."""
        return self.who if isinstance(self.who, LegFacts) else self.who()


@dataclass(frozen=True)
class LegGone(About):
    """The channel is destroyed. The only event of an originate through an unknown gateway."""

    cause: str


@dataclass(frozen=True)
class DigitPressed(About):
    """A key. Never log it, publish it or store it."""

    digit: str = field(repr=False)
    by_rtp: bool = True
    """True by RFC 2833, False by SIP INFO."""
    duration_samples: int = 0


@dataclass(frozen=True)
class ApplicationStarted(About):
    """An application runs on the leg; ``event_id`` is the one chosen by who asked for it."""

    application: str
    event_id: str
    argument: str = field(default="", repr=False)


@dataclass(frozen=True)
class ApplicationEnded(About):
    """It ended. ``response`` is its word (``FILE PLAYED``, ``FILE NOT FOUND``, ``_none_`` for most); what digits were
    collected is only in ``variables`` (all of the leg's, by full name), and those may be secret."""

    application: str
    response: str
    event_id: str
    variables: Mapping[str, str] = _secret()
    is_hung_up: bool = False
    """The leg was already ending: the result says nothing about the application."""


@dataclass(frozen=True)
class RecordingStarted(About):
    """A recording writes to ``path`` (the switch's view of the file system); a full disk says this too."""

    path: str


@dataclass(frozen=True)
class RecordingStopped(About):
    """It stopped. ``reason`` is the switch's word (``success-maxtime`` also after a manual stop, ``input-too-short``: deleted)."""

    path: str
    reason: str = ""
    length_ms: int = 0
    file_bytes: int = 0


@dataclass(frozen=True)
class PhoneRegistered:
    """A phone registered, or did so again: both look the same."""

    at: datetime
    user: str
    domain: str
    profile: str = ""
    contact: str = field(default="", repr=False)
    ip: str = ""
    port: int = 0
    user_agent: str = ""
    expires_s: int = 0
    registration: str = ""
    """The SIP Call-ID: tells two devices of one user apart."""


@dataclass(frozen=True)
class PhoneUnregistered:
    """A phone said it leaves."""

    at: datetime
    user: str
    domain: str
    registration: str = ""


@dataclass(frozen=True)
class PhoneExpired:
    """A phone did not register again in time (told up to a minute late)."""

    at: datetime
    user: str
    domain: str
    registration: str = ""


@dataclass(frozen=True)
class JobDone:
    """The outcome of a bgapi. ``text`` is what follows ``+OK``, or the whole answer of a command that does not say +OK."""

    at: datetime
    job_id: str
    command: str
    is_ok: bool
    text: str = field(repr=False)
    cause: str = ""
    """What follows ``-ERR``: of an originate the name of the cause."""


@dataclass(frozen=True)
class Heartbeat:
    """The switch lives."""

    at: datetime
    core_id: str
    """Changes when the switch was restarted: then no leg from before exists."""
    switch_name: str
    sessions: int
    max_sessions: int
    idle_cpu_percent: float
    uptime_ms: int
    sessions_per_second: int = 0
    max_sessions_per_second: int = 0
    version: str = ""


@dataclass(frozen=True)
class ChannelRow:
    """One row of ``show channels``."""

    leg_id: LegId
    direction: str
    state: str
    call_state: str
    created_s: int
    name: str = field(default="", repr=False)
    caller_number: str = field(default="", repr=False)
    caller_name: str = field(default="", repr=False)
    dialled: str = field(default="", repr=False)
    application: str = ""
    call_uuid: str = ""
    """The first leg of its bridge, as the switch sees it; ``""`` when it never was bridged."""


@dataclass(frozen=True)
class RegistrationRow:
    """One row of ``show registrations``."""

    user: str
    domain: str
    contact: str = field(default="", repr=False)
    """How the switch dials it."""
    ip: str = ""
    port: int = 0
    expires_s: int = 0
    """Unix time."""
    registration: str = ""


@dataclass(frozen=True)
class LegSnapshot(About):
    """One leg as found by ``uuid_dump``."""

    facts: LegFacts
    state: str
    is_answered: bool
    is_held: bool
    times: LegTimes
    partner_id: LegId | None = None
    """The leg it is bridged to now."""
    is_parked: bool = False


LegMeaning = (
    LegCreated
    | LegRinging
    | LegEarlyMedia
    | LegAnswered
    | LegsBridged
    | LegsUnbridged
    | LegParked
    | LegUnparked
    | LegHeld
    | LegResumed
    | LegHungUp
    | LegEnded
    | LegGone
    | DigitPressed
    | ApplicationStarted
    | ApplicationEnded
    | RecordingStarted
    | RecordingStopped
)
PhoneMeaning = PhoneRegistered | PhoneUnregistered | PhoneExpired
Meaning = LegMeaning | PhoneMeaning | JobDone | Heartbeat
