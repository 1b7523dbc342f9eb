"""uuid_kill, uuid_answer, uuid_bridge, uuid_transfer, uuid_park, hupall: ending and moving calls by uuid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import causes, signalling, transfer
from ipcc.sim import uuid_bridge as meeting
from ipcc.sim.api.parts import NO_CHANNEL, usage, words_of
from ipcc.sim.hangup import hang_up

if TYPE_CHECKING:
    from ipcc.sim.kernel import Kernel

_DUAL_WORDS = 3


def kill(kernel: Kernel, argument: str) -> str:
    uuid, cause = words_of(argument, 2)
    if not uuid:
        return usage("<uuid> [cause]")
    channel = kernel.find(uuid)
    if channel is None:
        return NO_CHANNEL
    hang_up(channel, causes.name_of(cause) if cause else causes.NORMAL_CLEARING)
    return "+OK\n"


def answer(kernel: Kernel, argument: str) -> str:
    channel = kernel.find(argument.strip())
    if channel is None:
        return "-ERROR\n"
    signalling.answer(channel)
    return "+OK\n"


def pre_answer(kernel: Kernel, argument: str) -> str:
    channel = kernel.find(argument.strip())
    if channel is None:
        return "-ERROR\n"
    signalling.pre_answer(channel)
    return "+OK\n"


def ring_ready(kernel: Kernel, argument: str) -> str:
    channel = kernel.find(words_of(argument, 2)[0])
    if channel is None:
        return "-ERROR\n"
    signalling.ring_ready(channel)
    return "+OK Success\n"


def uuid_bridge(kernel: Kernel, argument: str) -> str:
    """``+OK`` comes before anything has happened (fact 5)."""
    first, second = words_of(argument, 2)
    if not second:
        return usage("<uuid> <other_uuid>")
    a, b = kernel.find(first), kernel.find(second)
    if a is None or b is None or not meeting.order(a, b):
        return "-ERR Invalid uuid\n"
    return f"+OK {second}\n"


def uuid_transfer(kernel: Kernel, argument: str) -> str:
    """Answers +OK for any destination (fact 39)."""
    words = [word for word in words_of(argument, 5) if word]
    if len(words) < 2:
        return usage("<uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]")
    channel = kernel.find(words[0])
    if channel is None:
        return NO_CHANNEL
    which = words[1] if words[1] in ("-bleg", "-both") else ""
    where = words[2 if which else 1 :][:3]
    if not where:
        return usage("<uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]")
    transfer.transfer_legs(channel, which, where)
    return "+OK\n"


def dual_transfer(kernel: Kernel, argument: str) -> str:
    """``uuid destination[/dialplan[/context]] partner's destination[/…]``: each side of a bridge to a place of its own."""
    words = argument.split()
    if len(words) != _DUAL_WORDS:
        return usage("<uuid> <A-dest-exten>[/<A-dialplan>][/<A-context>] <B-dest-exten>[/<B-dialplan>][/<B-context>]")
    channel = kernel.find(words[0])
    if channel is None:
        return NO_CHANNEL
    partner = kernel.find(channel.partner or "")
    if partner:
        transfer.session_transfer(partner, *_place(words[2]))
    transfer.session_transfer(channel, *_place(words[1]))
    return "+OK\n"


def _place(text: str) -> list[str]:
    if text.endswith("/inline"):
        return [text.removesuffix("/inline"), "inline"]
    return text.split("/", 2)


def uuid_park(kernel: Kernel, argument: str) -> str:
    channel = kernel.find(argument.strip())
    if channel is None:
        return NO_CHANNEL
    transfer.park(channel)
    return "+OK\n"


def hupall(kernel: Kernel, argument: str) -> str:
    """``[cause [variable value]]``."""
    cause, name, value = words_of(argument, 3)
    cause = causes.name_of(cause) if cause else "MANAGER_REQUEST"
    for channel in list(kernel.channels.values()):
        if not name or channel.var(name) == value:
            hang_up(channel, cause)
    return f"+OK hangup all channels with cause {cause}\n"
