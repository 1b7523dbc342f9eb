"""What a client sends on an event socket, as values, and the one place that turns them into bytes. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Protocol

from ipcc.esl.commands import Command
from ipcc.esl.headers import HangupCause
from ipcc.esl.quoting import Unrenderable, checked, literal, name
from ipcc.ids import LegId

_LONGEST_IN_A_HEADER = 512
_MAX_JOB_ID = 36
_RELOAD = re.compile(r"unload|reload", re.IGNORECASE)
_OURSELVES = "mod_event_socket"


@dataclass(frozen=True)
class Message:
    """Lines, then perhaps a body."""

    lines: tuple[str, ...]
    body: str = field(default="", repr=False)


class Request(Protocol):
    """Something to send; each is answered by exactly one ``command/reply`` or ``api/response``, in order."""

    def message(self) -> Message:
        """Its text. Raises Unrenderable."""


def encode(request: Request) -> bytes:
    """The bytes of ``request``. Raises Unrenderable: anything that would be read as more than one line or command."""
    message = request.message()
    lines = [checked(line, type(request).__name__) for line in message.lines]
    if any(not line for line in lines):
        raise Unrenderable(type(request).__name__, "holds an empty line")
    head = "\n".join(lines)
    if _RELOAD.search(head) and _OURSELVES in head.lower():
        # parse_command in mod_event_socket.c takes any command holding both words for an order to unload itself
        raise Unrenderable(type(request).__name__, f"holds {_OURSELVES}")
    body = message.body.encode()
    if body:
        return f"{head}\nContent-Type: text/plain\nContent-Length: {len(body)}\n\n".encode() + body
    return f"{head}\n\n".encode()


@dataclass(frozen=True)
class Api:
    """Run a command and answer with its text; blocks this connection until it is done."""

    command: Command

    def message(self) -> Message:
        return Message((f"api {self.command.render()}",))


@dataclass(frozen=True)
class BgApi:
    """Run a command in the background: the answer says only that it was taken, BACKGROUND_JOB tells the outcome."""

    command: Command
    job_id: str

    def message(self) -> Message:
        if len(self.job_id) > _MAX_JOB_ID:  # the switch cuts it there, and the outcome would never be matched
            raise Unrenderable("job_id", f"is longer than {_MAX_JOB_ID} characters")
        return Message((f"bgapi {self.command.render()}", f"Job-UUID: {name(self.job_id, 'job_id')}"))


@dataclass(frozen=True)
class Execute:
    """Run an application on a leg, behind those already sent to it: without the lock they would run nested (fact 13), so that
    there is no way to leave it out.

    The argument is taken literally (no ``${…}``). ``event_id`` comes back as Application-UUID.
    """

    leg_id: LegId
    application: str
    argument: str = field(default="", repr=False)
    event_id: str = ""
    loops: int = 1

    def message(self) -> Message:
        lines = [
            f"sendmsg {name(self.leg_id, 'a leg')}",
            "call-command: execute",
            f"execute-app-name: {name(self.application, 'an application')}",
            "event-lock: true",
        ]
        if self.loops != 1:
            lines.append(f"loops: {self.loops}")
        if self.event_id:
            lines.append(f"Event-UUID: {name(self.event_id, 'event_id')}")
        argument = literal(self.argument, f"the argument of {self.application}")
        if len(argument) > _LONGEST_IN_A_HEADER or argument != argument.strip(" "):
            return Message(tuple(lines), argument)
        if argument:
            lines.append(f"execute-app-arg: {argument}")
        return Message(tuple(lines))


@dataclass(frozen=True)
class Hangup:
    """End a leg, behind what was sent to it before."""

    leg_id: LegId
    cause: HangupCause = HangupCause.NORMAL_CLEARING

    def message(self) -> Message:
        return Message(
            (f"sendmsg {name(self.leg_id, 'a leg')}", "call-command: hangup", f"hangup-cause: {self.cause.name}")
        )


@dataclass(frozen=True)
class Subscribe:
    """Hear events, in plain text, from now on; adds to what was asked for before (fact 31)."""

    events: tuple[str, ...]
    subclasses: tuple[str, ...] = ()

    def message(self) -> Message:
        if not self.events and not self.subclasses:
            raise Unrenderable("events", "are none")
        words = [name(event, "an event") for event in self.events]
        if self.subclasses:  # CUSTOM must come last: every word behind it is a subclass
            words += ["CUSTOM", *(name(subclass, "a subclass") for subclass in self.subclasses)]
        return Message((f"event plain {' '.join(words)}",))


@dataclass(frozen=True)
class Filter:
    """Hear only events whose ``header`` has this value. Several filters widen each other, also on different headers
    (event_handler in mod_event_socket.c: one that matches is enough)."""

    header: str
    value: str

    def message(self) -> Message:
        return Message((f"filter {name(self.header, 'a header')} {_filter_value(self.value)}",))


@dataclass(frozen=True)
class FilterDelete:
    """Take a filter back."""

    header: str
    value: str

    def message(self) -> Message:
        return Message((f"filter delete {name(self.header, 'a header')} {_filter_value(self.value)}",))


def _filter_value(value: str) -> str:
    # taken raw up to the line's end; / would start a pattern, + and - an order (event_handler in mod_event_socket.c)
    if not value or value.strip() != value or value[0] in "/+-":
        raise Unrenderable("a filter's value", "is empty or starts with / + - or a blank")
    return checked(value, "a filter's value")


@dataclass(frozen=True)
class Auth:
    """The password of the event socket."""

    password: str = field(repr=False)

    def message(self) -> Message:
        return Message((f"auth {checked(self.password, 'the password')}",))


@dataclass(frozen=True)
class Exit:
    """Say goodbye."""

    def message(self) -> Message:
        return Message(("exit",))
