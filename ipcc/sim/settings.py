"""What a simulated switch is configured with: users, gateways, sounds, spool, identity. Values only; nothing is read here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from ipcc.sim.dialplan import Dialplan


class Spool(StrEnum):
    """What writing a recording to a path leads to."""

    WRITABLE = "writable"
    NO_FOLDER = "no_folder"
    """There is no such folder, and it can be made."""
    IMPOSSIBLE = "impossible"
    FULL = "full"


@dataclass(frozen=True)
class User:
    """One entry of the directory: a phone that may register."""

    id: str
    domain: str
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Gateway:
    """A SIP trunk: calls to it go to ``proxy`` (host:port)."""

    name: str
    proxy: str
    profile: str = "external"


@dataclass(frozen=True)
class FaxPage:
    """One page of a TIFF file: dots, rows a metre, and its size as it is sent."""

    width: int
    height: int
    rows_per_m: int
    size_bytes: int


def no_fax(path: str) -> tuple[FaxPage, ...]:
    """A switch without any TIFF file."""
    del path
    return ()


def no_sound(path: str) -> float | None:
    """A switch without any sound files."""
    del path
    return None


def any_spool(path: str) -> Spool:
    """Every recording can be written."""
    del path
    return Spool.WRITABLE


@dataclass(frozen=True)
class EngineSettings:
    """How this switch is set up.

    ``sounds`` answers how many seconds a file plays, or None if there is no such file; ``faxes`` the pages of
    a TIFF file. ``jitter`` lets sessions notice things up to one frame later, drawn from ``seed``; without it the order of
    everything is fixed.
    """

    dialplan: Dialplan = field(default_factory=Dialplan)
    users: tuple[User, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    conference_controls: dict[str, str] = field(default_factory=dict)
    """What a key does in a conference: ``mute``, ``event`` or ``hangup``."""
    sounds: Callable[[str], float | None] = no_sound
    spool: Callable[[str], Spool] = any_spool
    faxes: Callable[[str], tuple[FaxPage, ...]] = no_fax
    fax_asks_for_t38: bool = False
    """``enable-t38-request`` of spandsp.conf."""
    seed: int = 1
    jitter: bool = False
    domain: str = "127.0.0.1"
    hostname: str = "sim"
    address: str = "127.0.0.1"
    sounds_dir: str = "/usr/share/freeswitch/sounds/en/us/callie"
    profile_ports: dict[str, int] = field(default_factory=lambda: {"internal": 5060, "external": 5080})
    profile_contexts: dict[str, str] = field(default_factory=dict)
    """Where calls to a profile come in that the switch makes to itself; ``public`` where nothing is said."""
    phone_profile: str = "internal"
    """The SIP profile phones register with."""
    phone_agent: str = "ipcc-sim"
    """The User-Agent phones call themselves by."""
    max_sessions: int = 5000
    sessions_per_second: int = 500
    heartbeat_s: float = 20.0
    ping_grace_s: float = 60.0
    """How long after its expiry a registration is kept before sofia::expire (recorded: 74 s for Expires 10)."""
