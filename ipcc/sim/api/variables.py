"""uuid_getvar, uuid_setvar, uuid_setvar_multi, uuid_exists, uuid_dump, uuid_buglist, uuid_display: a channel's particulars."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ipcc.esl.reading import separate
from ipcc.sim import execute, wire
from ipcc.sim.api.parts import NO_CHANNEL, usage, words_of

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.kernel import Kernel

_INDEXED = re.compile(r"^(?P<name>[^\[\]]+)\[(?P<index>\d+)\]$")


def exists(kernel: Kernel, argument: str) -> str:
    return "true" if kernel.find(argument.strip()) else "false"


def getvar(kernel: Kernel, argument: str) -> str:
    """The raw value, line breaks and all (fact 27)."""
    uuid, name = words_of(argument, 2)
    channel = kernel.find(uuid)
    if channel is None:
        return NO_CHANNEL if uuid else usage("<uuid> <var>")
    if not name:
        return usage("<uuid> <var>")
    value = value_of(channel, name)
    return value if value else "_undef_"


def value_of(channel: Channel, name: str) -> str | None:
    """A variable or caller-profile field, ``name[2]`` one value of an array."""
    if indexed := _INDEXED.match(name):
        values = channel.variables.get(indexed["name"])
        listed = values if isinstance(values, list) else [values] if values else []
        index = int(indexed["index"])
        return listed[index] if index < len(listed) else None
    return execute.look_up(channel, name)


def setvar(kernel: Kernel, argument: str) -> str:
    """Without a value the variable is removed."""
    uuid, name, value = words_of(argument, 3)
    channel = kernel.find(uuid)
    if channel is None:
        return NO_CHANNEL if uuid else usage("<uuid> <var> [value]")
    if not name:
        return usage("<uuid> <var> [value]")
    channel.set_var(name, None if value in ("", "_undef_") else value)
    channel.wake()
    return "+OK\n"


def setvar_multi(kernel: Kernel, argument: str) -> str:
    """``name=value;name=value``; parts without ``=`` are passed over."""
    syntax = usage("<uuid> <var>=<value>;<var>=<value>...")
    uuid, _, text = argument.strip().partition(" ")
    channel = kernel.find(uuid)
    if channel is None:
        return NO_CHANNEL + syntax
    for part in separate(text, ";"):
        name, equals, value = part.partition("=")
        if equals and name:
            channel.set_var(name, value or None)
    channel.wake()
    return "+OK\n"


def dump(kernel: Kernel, argument: str) -> str:
    """Everything about a channel, as an event: plain unless ``json`` or ``xml`` is asked for."""
    uuid, style = words_of(argument, 2)
    if not uuid:
        return usage("<uuid> [format]")
    channel = kernel.find(uuid)
    if channel is None:
        return NO_CHANNEL
    data = kernel.describe(channel)
    if style.lower() == "json":
        return wire.json(data)
    if style.lower() == "xml":
        return wire.xml(data)
    return wire.plain(data)


def buglist(kernel: Kernel, argument: str) -> str:
    channel = kernel.find(argument.strip())
    if channel is None:
        return NO_CHANNEL
    bugs = "".join(
        f" <media-bug>\n  <function>session_record</function>\n  <target>{recording.path}</target>\n </media-bug>\n"
        for recording in channel.recordings
    )
    bugs += "".join(
        f" <media-bug>\n  <function>eavesdrop</function>\n  <target>{channel.uuid}</target>\n </media-bug>\n"
        for other in kernel.channels.values()
        if other.eavesdrop and other.eavesdrop.target == channel.uuid
    )
    return f"<media-bugs>\n{bugs}</media-bugs>\n"


def display(kernel: Kernel, argument: str) -> str:
    """What the phone of this leg shows: ``name|number``."""
    uuid, text = words_of(argument, 2)
    channel = kernel.find(uuid)
    if channel is None:
        return NO_CHANNEL
    name, _, number = text.partition("|")
    channel.sent_callee = (name, number or name)
    channel.callee_direction = "SEND"
    return "+OK Success\n"
