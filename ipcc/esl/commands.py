"""Everything we can tell a switch, as values. Pure. Nothing user-supplied reaches the switch but through `render`.

A `Command` is a line for ``api`` or ``bgapi``; a `Request` is what goes on the wire. Both refuse what cannot be said
(Unrenderable, naming the field) and quote the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from ipcc.esl.dialstring import Endpoint, Target, call_variables
from ipcc.esl.headers import HangupCause
from ipcc.esl.quoting import Unrenderable, dialable, display_name, escape, literal, name, number, unexpanded, word
from ipcc.ids import LegId


class Command(Protocol):
    """A command of the switch's API."""

    def render(self) -> str:
        """Its line, without ``api``. Raises Unrenderable."""


@dataclass(frozen=True)
class Words:
    """Any command, word by word; each word is quoted: ``Words("sofia", "status", "gateway", name)``."""

    words: tuple[str, ...] = field(repr=False)

    def __init__(self, command: str, *words: str) -> None:
        object.__setattr__(self, "words", (name(command, "a command"), *words))

    def render(self) -> str:
        return " ".join(word(text, f"word {place} of {self.words[0]}") for place, text in enumerate(self.words))

    def __repr__(self) -> str:
        return f"Words({self.words[0]!r}, …)"


@dataclass(frozen=True)
class Originate:
    """Dial ``endpoint`` as leg ``leg_id`` and run ``application`` on it when it answers.

    With ``waits_for_answer`` the sound before the answer does not count as one (fact 12). ``timeout_s`` is inexact: 3 may
    be 2.4 (fact 23): keep your own clock. Empty caller name and number leave the switch's default.
    """

    endpoint: Endpoint
    leg_id: LegId
    application: str = "park"
    argument: str = ""
    caller_name: str = field(default="", repr=False)
    caller_number: str = field(default="", repr=False)
    timeout_s: int = 30
    waits_for_answer: bool = True
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def render(self) -> str:
        known = {
            "origination_uuid": self.leg_id,
            "origination_caller_id_name": display_name(self.caller_name),
            "origination_caller_id_number": dialable(self.caller_number),
            "originate_timeout": number(self.timeout_s, "timeout_s", 1),
            "ignore_early_media": "true" if self.waits_for_answer else "",
        }
        target = call_variables(_joined(known, self.variables)) + self.endpoint.render()
        return f"originate {word(target, 'the dial string')} {_application(self.application, self.argument)}"


@dataclass(frozen=True)
class OriginateMany:
    """Dial several endpoints, together (``at_once``: the first answer wins) or one after the other, each its own leg."""

    targets: tuple[Target, ...]
    at_once: bool
    application: str = "park"
    argument: str = ""
    caller_name: str = field(default="", repr=False)
    caller_number: str = field(default="", repr=False)
    timeout_s: int = 30
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def render(self) -> str:
        if not self.targets:
            raise Unrenderable("targets", "are none")
        known = {
            "origination_caller_id_name": display_name(self.caller_name),
            "origination_caller_id_number": dialable(self.caller_number),
            "originate_timeout": number(self.timeout_s, "timeout_s", 1),
            "ignore_early_media": "true",
        }
        rest = ("," if self.at_once else "|").join(target.render() for target in self.targets)
        whole = call_variables(_joined(known, self.variables)) + rest
        return f"originate {word(whole, 'the dial string')} {_application(self.application, self.argument)}"


def _joined(known: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    twice = known.keys() & more.keys()
    if twice:
        raise Unrenderable(f"variable {min(twice)}", "is a field of its own")
    return {**known, **more}


def _application(application: str, argument: str) -> str:
    if any(character in argument for character in "()"):
        raise Unrenderable(f"the argument of {application}", "holds a parenthesis")
    text = literal(argument, f"the argument of {application}")
    return word(f"&{name(application, 'an application')}({text})", "an application")


@dataclass(frozen=True)
class UuidBridge:
    """Join two legs. ``+OK`` comes before anything happened: only CHANNEL_BRIDGE tells (facts 5 and 6)."""

    leg_id: LegId
    other_leg_id: LegId

    def render(self) -> str:
        return f"uuid_bridge {_leg(self.leg_id)} {_leg(self.other_leg_id)}"


@dataclass(frozen=True)
class UuidKill:
    """End a leg with a cause."""

    leg_id: LegId
    cause: HangupCause = HangupCause.NORMAL_CLEARING

    def render(self) -> str:
        return f"uuid_kill {_leg(self.leg_id)} {self.cause.name}"


@dataclass(frozen=True)
class UuidExists:
    """Answers ``true`` or ``false``."""

    leg_id: LegId

    def render(self) -> str:
        return f"uuid_exists {_leg(self.leg_id)}"


@dataclass(frozen=True)
class UuidDump:
    """Everything about a leg, as JSON: read it with ``listing.dump_from_json``."""

    leg_id: LegId

    def render(self) -> str:
        return f"uuid_dump {_leg(self.leg_id)} json"


@dataclass(frozen=True)
class UuidGetVar:
    """The raw value of a variable; ``_undef_`` when unset."""

    leg_id: LegId
    variable: str

    def render(self) -> str:
        return f"uuid_getvar {_leg(self.leg_id)} {name(self.variable, 'a variable')}"


@dataclass(frozen=True)
class UuidSetVar:
    """Set a variable; an empty value unsets it."""

    leg_id: LegId
    variable: str
    value: str = field(repr=False)

    def render(self) -> str:
        line = f"uuid_setvar {_leg(self.leg_id)} {name(self.variable, 'a variable')}"
        what = f"variable {self.variable}"
        return f"{line} {word(unexpanded(self.value, what), what)}" if self.value else line


@dataclass(frozen=True)
class UuidSetVars:
    """Set several variables at once (at most 64)."""

    leg_id: LegId
    variables: Mapping[str, str] = field(repr=False)

    def render(self) -> str:
        if not 0 < len(self.variables) <= 64:
            raise Unrenderable("variables", "are none or more than 64")
        pairs = [
            escape(f"{name(key, 'a variable')}={unexpanded(value, f'variable {key}')}", ";")
            for key, value in self.variables.items()
        ]
        return f"uuid_setvar_multi {_leg(self.leg_id)} {';'.join(pairs)}"


class RecordAction(StrEnum):
    """What to do with a recording."""

    START = "start"
    STOP = "stop"
    MASK = "mask"
    UNMASK = "unmask"


@dataclass(frozen=True)
class UuidRecord:
    """Start, stop, mask or unmask the recording of a leg at ``path``. Masking tells no event (fact 38)."""

    leg_id: LegId
    action: RecordAction
    path: str
    limit_s: int = 0

    def render(self) -> str:
        limit = f" {number(self.limit_s, 'limit_s', 1)}" if self.limit_s else ""
        return f"uuid_record {_leg(self.leg_id)} {self.action} {word(unexpanded(self.path, 'path'), 'path')}{limit}"


class Whose(StrEnum):
    """Which leg of a bridge: the one named, its partner, or both."""

    NAMED = "aleg"
    PARTNER = "bleg"
    BOTH = "both"


@dataclass(frozen=True)
class UuidBroadcast:
    """Play or run something on a leg beside what it does: a file, or an application with its argument."""

    leg_id: LegId
    argument: str
    application: str = "playback"
    whose: Whose = Whose.NAMED

    def render(self) -> str:
        text = f"{name(self.application, 'an application')}::{literal(self.argument, 'the argument')}"
        return f"uuid_broadcast {_leg(self.leg_id)} {word(text, 'the argument')} {self.whose}"


@dataclass(frozen=True)
class UuidBreak:
    """Stop what plays on a leg; with ``all_queued`` also what was queued behind it."""

    leg_id: LegId
    all_queued: bool = False

    def render(self) -> str:
        return f"uuid_break {_leg(self.leg_id)}" + (" all" if self.all_queued else "")


@dataclass(frozen=True)
class UuidTransfer:
    """Send a leg (its partner, both) into the dialplan. Says +OK for nonsense too (fact 39)."""

    leg_id: LegId
    destination: str
    context: str
    dialplan: str = "XML"
    whose: Whose = Whose.NAMED

    def render(self) -> str:
        whose = "" if self.whose is Whose.NAMED else f"-{self.whose} "
        return f"uuid_transfer {_leg(self.leg_id)} {whose}{_place(self.destination, self.dialplan, self.context)}"


@dataclass(frozen=True)
class UuidHold:
    """The party at this leg puts its partner on hold, or takes him back. Says +OK for nonsense too."""

    leg_id: LegId
    is_on: bool = True

    def render(self) -> str:
        return f"uuid_hold {'' if self.is_on else 'off '}{_leg(self.leg_id)}"


@dataclass(frozen=True)
class UuidMute:
    """Silence what the party at this leg says (``level`` 4 is silence without a break in the stream), or let him speak."""

    leg_id: LegId
    is_on: bool = True

    def render(self) -> str:
        return f"uuid_audio {_leg(self.leg_id)} " + ("start read mute 4" if self.is_on else "stop")


@dataclass(frozen=True)
class SchedTransfer:
    """Send a leg into the dialplan ``after_s`` seconds from now, unless SchedDel or a hangup comes first."""

    after_s: int
    leg_id: LegId
    destination: str
    context: str
    dialplan: str = "XML"

    def render(self) -> str:
        place = _place(self.destination, self.dialplan, self.context)
        return f"sched_transfer +{number(self.after_s, 'after_s', 1)} {_leg(self.leg_id)} {place}"


@dataclass(frozen=True)
class SchedHangup:
    """End a leg ``after_s`` seconds from now."""

    after_s: int
    leg_id: LegId
    cause: HangupCause = HangupCause.ALLOTTED_TIMEOUT

    def render(self) -> str:
        return f"sched_hangup +{number(self.after_s, 'after_s', 1)} {_leg(self.leg_id)} {self.cause.name}"


@dataclass(frozen=True)
class SchedDel:
    """Forget everything scheduled for a leg."""

    leg_id: LegId

    def render(self) -> str:
        return f"sched_del {_leg(self.leg_id)}"


@dataclass(frozen=True)
class ShowChannels:
    """Every leg of the switch: read it with ``listing.channels_from_json``."""

    def render(self) -> str:
        return "show channels as json"


@dataclass(frozen=True)
class ShowChannel:
    """One leg's row of the same list, at the price of one row whatever the switch holds; and rows of whose columns one holds the
    leg's name."""

    leg_id: LegId

    def render(self) -> str:
        return f"show channels like {_leg(self.leg_id)} as json"


@dataclass(frozen=True)
class ShowRegistrations:
    """Every registered phone: read it with ``listing.registrations_from_json``."""

    def render(self) -> str:
        return "show registrations as json"


@dataclass(frozen=True)
class Status:
    """A few lines for people: uptime, sessions, idle CPU."""

    def render(self) -> str:
        return "status"


@dataclass(frozen=True)
class SofiaContact:
    """Where a registered phone is dialled; ``error/user_not_registered`` when it is not."""

    user: str
    domain: str
    profile: str = ""

    def render(self) -> str:
        profile = f"{name(self.profile, 'profile')}/" if self.profile else ""
        return f"sofia_contact {profile}{name(self.user, 'user')}@{name(self.domain, 'domain')}"


def _leg(leg_id: LegId) -> str:
    return name(leg_id, "a leg")


def _place(destination: str, dialplan: str, context: str) -> str:
    if destination.startswith("-"):
        raise Unrenderable("destination", "starts with a dash")
    return f"{word(destination, 'destination')} {name(dialplan, 'dialplan')} {name(context, 'context')}"
