"""What clients and phones do in a recording, each thing at its time (seconds since the recorder connected)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sent:
    """A client wrote bytes."""

    at_s: float
    conn: str
    data: bytes


@dataclass(frozen=True)
class Closed:
    """A client closed its socket (the switch's own closing is no action)."""

    at_s: float
    conn: str


@dataclass(frozen=True)
class Called:
    """A phone sent an INVITE to the switch."""

    at_s: float
    phone: str
    call_id: str
    number: str
    name: str
    dialled: str
    port: int
    """The port of the switch it went to: 5060 is the profile of the phones, 5080 that of the trunks."""
    address: str
    """Where the phone listens, host:port."""
    uuid: str
    """The channel the switch made of it, empty when no event ever showed one."""
    is_refused: bool
    """It was turned down before any channel existed (503 while paused)."""
    user: str = ""
    """Who the phone proved to be (digest)."""


@dataclass(frozen=True)
class Cancelled:
    """A phone took its INVITE back."""

    at_s: float
    call_id: str


@dataclass(frozen=True)
class HungUp:
    """A phone sent BYE."""

    at_s: float
    call_id: str
    cause: str
    """The Q.850 cause in its Reason header, empty when there was none."""


@dataclass(frozen=True)
class Reinvited:
    """A phone changed the direction of its media inside a call."""

    at_s: float
    call_id: str
    holds: bool
    """It says ``sendonly`` or ``inactive``; otherwise it is back."""


@dataclass(frozen=True)
class Referred:
    """A phone sent its partner elsewhere."""

    at_s: float
    call_id: str
    destination: str


@dataclass(frozen=True)
class Answered:
    """A phone answered an INVITE of the switch with a status code; 100 is left out."""

    at_s: float
    phone: str
    call_id: str
    code: int
    has_media: bool


@dataclass(frozen=True)
class Registered:
    """A phone registered, or with 0 seconds unregistered."""

    at_s: float
    user: str
    address: str
    expires_s: int
    call_id: str
    agent: str = ""
    source: str = ""
    """Where the request came from, when that is not ``address``."""
    is_refused: bool = False
    """403: wrong password or unknown user."""


@dataclass(frozen=True)
class Flushed:
    """A registration was forgotten by command, long before."""

    at_s: float
    user: str


@dataclass(frozen=True)
class Keyed:
    """A caller pressed a digit."""

    at_s: float
    uuid: str
    digit: str
    duration: int
    """In samples of 1/8000 s."""
    is_info: bool


@dataclass(frozen=True)
class Spoke:
    """Somebody began or ceased to speak: in a conference, or into a phone of which the recording tells what it sent."""

    at_s: float
    uuid: str
    speaks: bool


Action = (
    Flushed | Sent | Closed | Called | Cancelled | HungUp | Reinvited | Referred | Answered | Registered | Keyed | Spoke
)
