"""What a session wants done, and what comes back: the border between the pure flow and the shell that has the switch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.ivr.core.speech import Spoken


@dataclass(frozen=True)
class Play:
    """Say these, one after the other."""

    prompts: tuple[Spoken, ...]


@dataclass(frozen=True)
class Collect:
    """Say these and take digits; the caller may key while it is said. Times in seconds."""

    prompts: tuple[Spoken, ...]
    min_digits: int
    max_digits: int
    terminators: str
    first_digit_s: int
    between_digits_s: int
    secret: bool


@dataclass(frozen=True)
class CallBank:
    """Ask the bank core: parameter names to the values, some of them secret (never shown)."""

    operation: str
    inputs: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class JoinQueue:
    """Put the caller into a queue and keep him company until told otherwise."""

    entry_id: str
    queue_id: str
    entered_at: str
    priority: int
    skills: Mapping[str, int]
    music: str
    announcement: tuple[Spoken, ...]
    announce_every_s: int


@dataclass(frozen=True)
class HangUp:
    """End the caller's leg with this cause."""

    cause: str


Action = Play | Collect | CallBank | JoinQueue | HangUp


@dataclass(frozen=True)
class Played:
    """The prompts were said (or cut short by a key)."""


class KeyedKind(StrEnum):
    """What the caller did: only this is ever told outside."""

    DIGITS = "digits"
    NOTHING = "timeout"


@dataclass(frozen=True)
class Keyed:
    """What was keyed; ``digits`` never leaves the session."""

    kind: KeyedKind
    digits: str = field(default="", repr=False)


@dataclass(frozen=True)
class BankAnswer:
    """What the bank core said: ``outcome`` is ok, refused, unavailable or unknown; ``code`` its reason."""

    outcome: str
    code: str = ""
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    elapsed_ms: int = 0


@dataclass(frozen=True)
class QueueLeft:
    """The stay in the queue is over: answered, overflowed, transferred or refused (with acd's reason)."""

    outcome: str
    reason: str = ""


@dataclass(frozen=True)
class CallerGone:
    """The leg is not there any more."""


Input = Played | Keyed | BankAnswer | QueueLeft | CallerGone
