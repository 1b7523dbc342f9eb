"""What a session wants done, and what comes back: the border between the pure flow and the shell that has the switch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from services.ivr.core.speech import Spoken

if TYPE_CHECKING:
    from services.ivr.core.statement import Layout


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
    """Nothing of it may reach a log of the switch: a password, a card, an amount."""


@dataclass(frozen=True)
class CallBank:
    """Ask the bank core: parameter names to the values, some of them secret (never shown).

    ``is_settled``: not an order, but the question what became of it, by its key; the order's own inputs may be lost."""

    operation: str
    inputs: Mapping[str, str] = field(repr=False)
    is_settled: bool = False


@dataclass(frozen=True)
class JoinQueue:
    """Put the caller into a queue and keep him company until told otherwise, or until he keys one of ``keys``.

    ``first`` is said as soon as nobody's phone rings for him: to one who comes back to his place after he was asked something.
    """

    entry_id: str
    queue_id: str
    entered_at: str
    priority: int
    skills: Mapping[str, int]
    music: str
    announcement: tuple[Spoken, ...]
    announce_every_s: int
    keys: str = ""
    first: tuple[Spoken, ...] = ()


@dataclass(frozen=True)
class AskCallback:
    """Have the caller called back by the agents of ``queue_id``: whoever waits as ``entry_id``, with his place and clock, or
    with ``is_new`` as an entry of that name. Without ``phone_number`` at the number he calls from.
    """

    entry_id: str
    queue_id: str
    phone_number: str = field(default="", repr=False)
    is_new: bool = False
    entered_at: str = ""
    priority: int = 5
    skills: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class CallService:
    """Ask another system of the bank by its name in the settings; ``values`` go into the request, never shown."""

    service: str
    method: str
    path: str
    values: Mapping[str, str] = field(repr=False)
    timeout_s: float


@dataclass(frozen=True)
class Connect:
    """Join the caller to a phone of the house (``is_outside`` false) or to a number outside, ringing ``ring_s`` seconds."""

    number: str = field(repr=False)
    is_outside: bool
    ring_s: int


@dataclass(frozen=True)
class Record:
    """Say these, with ``beep`` a tone, then record what the caller says until # or silence. Times in seconds."""

    prompts: tuple[Spoken, ...]
    name: str
    longest_s: int
    silence_s: int
    beep: bool = True


@dataclass(frozen=True)
class Listen:
    """Say these, then listen until silence or # and have recognised what was said; any other key ends it at any moment.

    ``hints`` are phrases that may come. Times in seconds.
    """

    prompts: tuple[Spoken, ...]
    hints: tuple[str, ...]
    longest_s: int
    silence_s: int


@dataclass(frozen=True)
class SendFax:
    """Say these, and fax the ``layout`` filled with ``known``: on the caller's own line, or to ``number``.

    A fax to a number is ordered once, with all its ``attempts``, and goes on by itself; asked for again at the same visit of the
    node, with the next ``attempt``, it is the same fax, and how that try went is waited for.
    """

    prompts: tuple[Spoken, ...]
    document: str
    layout: Layout
    known: Mapping[str, str] = field(repr=False)
    number: str = field(default="", repr=False)
    attempt: int = 1
    attempts: int = 1
    pause_s: int = 0
    ring_s: int = 45


@dataclass(frozen=True)
class HangUp:
    """End the caller's leg with this cause."""

    cause: str


Action = (
    Play | Collect | CallBank | CallService | Connect | Record | Listen | SendFax | JoinQueue | AskCallback | HangUp
)


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
class Faxed:
    """How a fax went: ``outcome`` is sent, no_fax (nothing there that receives), busy, no_answer, wrong_number (nobody has it),
    dropped, failed, refused (by the dial rules), not_drawn or unknown (we lost sight of it); ``pages`` arrived; ``reason`` in the
    switch's or our own words; ``goes_on``: to a number, where it is tried again by itself."""

    outcome: str
    pages: int = 0
    reason: str = ""
    goes_on: bool = False


CALLBACK = "callback"
ELSEWHERE = "elsewhere"
"""He left the queue for somebody he talks to who is no agent of ours: the safety net, or another service, joined them."""


@dataclass(frozen=True)
class QueueLeft:
    """The stay in the queue is over: answered, overflowed, transferred, refused (with acd's reason), or CALLBACK: he is to be
    called back, whoever has asked for that."""

    outcome: str
    reason: str = ""


@dataclass(frozen=True)
class QueueKeyed:
    """He keyed something while he waits; ``is_offered``: an agent's phone rings for him, and they may be joined at any moment."""

    key: str
    is_offered: bool = False


@dataclass(frozen=True)
class CallbackAsked:
    """What acd says to a callback: ``outcome`` is taken, refused (``reason`` is acd's) or unavailable."""

    outcome: str
    reason: str = ""


@dataclass(frozen=True)
class ServiceAnswer:
    """What another system said: ``outcome`` is ok, refused or unavailable; nested fields are named ``a.b``."""

    outcome: str
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Connected:
    """How joining ended: ``outcome`` is talked, busy, no_answer or failed."""

    outcome: str


@dataclass(frozen=True)
class Recorded:
    """What was recorded: its place in the spool and how long it is; 0 seconds when nothing was said.

    ``is_silenced``: it was ended by silence, which is in it; ``is_hung_up``: by the caller, who is gone.
    """

    path: str
    seconds: int
    is_silenced: bool = False
    is_hung_up: bool = False

    def spoken_s(self, silence_s: int) -> int:
        """How long it is without the silence of ``silence_s`` seconds that ended it; what was said in it, at most."""
        return max(0, self.seconds - silence_s) if self.is_silenced else self.seconds


@dataclass(frozen=True)
class Heard:
    """What a recogniser made of it: ``outcome`` is heard, nothing (he was silent) or unavailable; ``confidence`` from 0 to 1.

    What he said may be anything, a password too: ``text`` never leaves the session.
    """

    outcome: str
    text: str = field(default="", repr=False)
    confidence: float = 0.0


@dataclass(frozen=True)
class Failed:
    """What was wanted cannot be done, such as saying an amount that is none; ``code`` of the error."""

    code: str


@dataclass(frozen=True)
class CallerGone:
    """The leg is not there any more."""


@dataclass(frozen=True)
class Stopped:
    """Whoever lent the leg to the flow takes it back."""


Input = (
    Played
    | Keyed
    | BankAnswer
    | ServiceAnswer
    | Connected
    | Recorded
    | Heard
    | Faxed
    | QueueLeft
    | QueueKeyed
    | CallbackAsked
    | Failed
    | CallerGone
    | Stopped
)
