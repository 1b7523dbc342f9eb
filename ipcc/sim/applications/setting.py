"""set, multiset, setvars, unset, multiunset, export: applications that change variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim.variables import split_list

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel


def assign(channel: Channel, argument: str) -> None:
    """``name=value``; no value, or ``_undef_``, removes. ``push:`` and ``unshift:`` in front of the name build arrays."""
    name, _, value = argument.partition("=")
    name = name.strip()
    if name.startswith(("push:", "unshift:")):
        channel.push_var(name.partition(":")[2], value, in_front=name.startswith("unshift:"))
    elif name:
        channel.set_var(name, None if value == "_undef_" else value)


def multiset(channel: Channel, argument: str) -> None:
    """Several assignments parted by blanks, or by the separator that ``^^`` names."""
    for part in split_list(argument) if argument.startswith("^^") else argument.split(" "):
        if part.strip():
            assign(channel, part)


def unset(channel: Channel, argument: str) -> None:
    channel.set_var(argument.strip(), None)


def multiunset(channel: Channel, argument: str) -> None:
    for name in split_list(argument) if argument.startswith("^^") else argument.split(" "):
        channel.set_var(name.strip(), None)


def export(channel: Channel, argument: str) -> None:
    """Set here and on the legs this channel will dial; with ``nolocal:`` only there."""
    name, equals, value = argument.partition("=")
    name = name.strip()
    if not name:
        return
    local = not name.startswith("nolocal:")
    if equals:
        channel.set_var(name, value)
    wanted = [entry for entry in (channel.var("export_vars") or "").split(",") if entry]
    exported = name if local else name.removeprefix("nolocal:")
    if not local:
        channel.set_var(name, None)
        channel.set_var(exported, value)
    if exported not in wanted:
        channel.set_var("export_vars", ",".join([*wanted, exported]))


def push(channel: Channel, argument: str) -> None:
    """``name=value``: to the end of an array variable."""
    name, _, value = argument.partition("=")
    if name.strip():
        channel.push_var(name.strip(), value)


def unshift(channel: Channel, argument: str) -> None:
    """``name=value``: to the front of an array variable."""
    name, _, value = argument.partition("=")
    if name.strip():
        channel.push_var(name.strip(), value, in_front=True)
