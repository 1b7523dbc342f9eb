"""Where to dial and with which variables, as FreeSWITCH's originate reads it. Pure.

Variables in ``{…}`` pass three separators of the switch: at blanks (mod_commands.c, originate_function), at ``,`` and at
``=`` (switch_event.c, switch_event_create_brackets). Each takes away one layer of quotes and backslashes, so a value gets
three. Variables in ``[…]`` pass two more, with a treatment of commas that quoting cannot get through: there only plain
values are accepted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ipcc.contracts.tags import is_line
from ipcc.esl.quoting import Unrenderable, braces_balance, escape, name, unexpanded
from ipcc.ids import LegId

_PART = re.compile(r"[A-Za-z0-9_.+\-*#]+\Z")
_HOST = re.compile(r"[A-Za-z0-9_.:\-\[\]]+\Z")
_ADDRESS = re.compile(r"[A-Za-z0-9_.+\-*#@:;=~/%!&?]+\Z")
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_.+\-*#@:;/~!?&% ]*\Z")
_SEVERAL = ":_:"
_MAX_PART = 256


class Endpoint(Protocol):
    """Something that can be dialled."""

    def render(self) -> str:
        """Its dial string. Raises Unrenderable."""


@dataclass(frozen=True)
class User:
    """A registered phone of the directory: ``user/1001@bank.example``."""

    user: str
    domain: str = ""

    def render(self) -> str:
        at = f"@{_part(self.domain, 'domain', _HOST)}" if self.domain else ""
        return f"user/{_part(self.user, 'user')}{at}"


@dataclass(frozen=True)
class Gateway:
    """A number through a SIP trunk: ``sofia/gateway/carrier/95500``."""

    gateway: str
    number: str = field(repr=False)

    def render(self) -> str:
        return f"sofia/gateway/{_part(self.gateway, 'gateway')}/{_part(self.number, 'number')}"


def place_of(place: str, domain: str = "") -> User | Gateway | Loopback:
    """Where an agent is rung: ``gateway/number`` is a number outside, a nailed-up line is taken by the dialplan, anything else is
    a phone of ours."""
    if is_line(place):
        return Loopback(place, "lines")
    gateway, _, outside = place.partition("/")
    return Gateway(gateway, outside) if outside else User(place, domain)


def staying(endpoint: Endpoint) -> dict[str, str]:
    """Variables by which the leg stays what it is: the halves of a loopback would step out of a bridge for one another."""
    return {"loopback_bowout": "false"} if isinstance(endpoint, Loopback) else {}


def offered_by(is_line: bool) -> dict[str, str]:
    """Variables of a leg that a bridge of another leg dials: a line's loopback offers its own L16 alone otherwise, which no
    phone takes (measured on 1.10.12: INCOMPATIBLE_DESTINATION)."""
    return {"absolute_codec_string": "PCMA,PCMU"} if is_line else {}


def confirmation(key: str, sound: str) -> dict[str, str]:
    """Variables by which an answered leg is taken only once ``key`` was pressed, so that no voicemail takes a call; none
    without a key. The switch asks again every five seconds; CHANNEL_ANSWER comes before the key, the end of the originate
    after it (switch_ivr_originate.c, group_confirm_key)."""
    return {"group_confirm_key": key, "group_confirm_file": sound} if key else {}


@dataclass(frozen=True)
class SipAddress:
    """An address reached by a SIP profile directly: ``sofia/internal/1001@10.0.0.9:5060``."""

    profile: str
    address: str = field(repr=False)

    def render(self) -> str:
        return f"sofia/{_part(self.profile, 'profile')}/{_part(self.address, 'address', _ADDRESS)}"


@dataclass(frozen=True)
class Loopback:
    """An extension of this switch's own dialplan. A uuid in use is silently replaced by another one: check the answer."""

    extension: str
    context: str = "default"

    def render(self) -> str:
        return f"loopback/{_part(self.extension, 'extension')}/{_part(self.context, 'context')}"


@dataclass(frozen=True)
class Contact:
    """What ``sofia_contact`` answered: a dial string of the switch itself, of one registration."""

    text: str = field(repr=False)

    def render(self) -> str:
        return _part(self.text, "contact", _ADDRESS)


@dataclass(frozen=True)
class Target:
    """One of several endpoints tried by one originate: each leg needs its own uuid."""

    endpoint: Endpoint
    leg_id: LegId
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def render(self) -> str:
        own = {"origination_uuid": self.leg_id, **self.variables}
        return leg_variables(own) + self.endpoint.render()


def call_variables(variables: Mapping[str, str]) -> str:
    """``{a=1,b=2}`` for the whole originate, before its last quoting as a word; ``""`` for none.

    An empty value is left out: to FreeSWITCH it is the same as unset. Raises Unrenderable naming the variable.
    """
    pairs = [_call_variable(key, value) for key, value in variables.items() if value]
    return "{" + ",".join(pairs) + "}" if pairs else ""


def _call_variable(key: str, value: str) -> str:
    what = f"variable {name(key, 'a variable')}"
    if not braces_balance(unexpanded(value, what)):
        raise Unrenderable(what, "holds braces that do not pair up")
    text = escape(f"{key}={escape(value, '=')}", ",")
    # :_: anywhere would make several originates of one (switch_ivr_originate.c); a pair of quotes in it is taken off again
    return text.replace(_SEVERAL[:2], ":''_")


def leg_variables(variables: Mapping[str, str]) -> str:
    """``[a=1,b=2]`` for one leg; ``""`` for none. Raises Unrenderable: a value that is not plain."""
    for key, value in variables.items():
        name(key, "a variable")
        if not _PLAIN_VALUE.match(value) or _SEVERAL[:2] in value or value != value.strip():
            raise Unrenderable(f"variable {key}", "is not plain enough to be set on a single leg")
    pairs = [f"{key}={value}" for key, value in variables.items() if value]
    return "[" + ",".join(pairs) + "]" if pairs else ""


def _part(text: str, what: str, allowed: re.Pattern[str] = _PART) -> str:
    if len(text) > _MAX_PART or not allowed.match(text) or _SEVERAL in text:
        raise Unrenderable(f"the {what} to dial", "holds characters no dial string may have")
    return text
