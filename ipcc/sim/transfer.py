"""Sending a channel through the dialplan again, or to park: transfer, park_after_bridge, transfer_after_bridge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim.states import Flag, State

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel


def session_transfer(channel: Channel, destination: str, dialplan: str = "", context: str = "") -> None:
    """Begin again at ``destination`` (switch_ivr_session_transfer); ``inline`` dialplans name applications themselves."""
    kernel = channel.kernel
    _part(channel)
    old = channel.profile
    dialplan = dialplan or old.dialplan or "XML"
    context = context or old.context or "default"
    profile = old.stepped(kernel.new_uuid(), kernel.stamp_us)
    profile.rdnis = old.destination
    profile.destination = destination
    profile.dialplan = dialplan
    profile.context = context
    profile.times.transferred = 0
    profile.times.bridged = 0
    source = f"{int(kernel.now)}:{profile.uuid}:bl_xfer:{destination}/{context}/{dialplan}"
    profile.transfer_source = source
    channel.profile = profile
    forwards = int(channel.var("max_forwards") or 70) - 1
    channel.set_var("max_forwards", str(forwards))
    channel.push_var("transfer_history", source)
    channel.set_var("transfer_source", source)
    channel.extension = None
    channel.flags |= {Flag.TRANSFER, Flag.RESET, Flag.STOP_BROADCAST}
    channel.flags.discard(Flag.ORIGINATING)
    channel.set_state(State.ROUTING)


def transfer_legs(channel: Channel, which: str, where: list[str]) -> None:
    """``-bleg``: the partner; ``-both``: both of a bridge. Nobody is its partner when it is not bridged (08j)."""
    partner = channel.kernel.find(channel.partner or "")
    if which and partner:
        if which == "-both":
            channel.flags.add(Flag.REDIRECT)
            partner.flags.add(Flag.REDIRECT)
            # the leg that was named is through first (08c)
            session_transfer(channel, *where)
        session_transfer(partner, *where)
        return
    session_transfer(channel, *where)


def refer(channel: Channel, destination: str) -> None:
    """The phone of this leg sends its partner elsewhere (blind REFER): the switch says yes at once and lets the phone go.

    The place is looked up in ``force_transfer_context``, else in ``default`` (fact 39, 08d, 08e).
    """
    partner = channel.kernel.find(channel.partner or "")
    if partner is None:
        return
    channel.set_var("transfer_disposition", "recv_replace")
    channel.set_var("endpoint_disposition", "BLIND_TRANSFER")
    context = channel.var("force_transfer_context") or "default"
    session_transfer(partner, destination, channel.var("force_transfer_dialplan") or "XML", context)


def _part(channel: Channel) -> None:
    """Forget the leg this one was joined with, and let it forget this one (08a)."""
    partner = channel.kernel.find(channel.var("signal_bond") or "")
    for leg in (channel, partner):
        if leg is not None:
            leg.set_var("signal_bond", None)
    channel.other = None
    channel.sent_callee = ("", "")


def inline(text: str) -> list[tuple[str, str]]:
    """``app:argument,app2:argument2`` as applications; ``m:^:a:1^b:2`` names its separator."""
    separator = ","
    if text.startswith("m:") and len(text) > 4 and text[3] == ":":
        separator, text = text[2], text[4:]
    applications = []
    for part in text.split(separator):
        app, _, argument = part.strip().strip("'").partition(":")
        if app:
            applications.append((app, argument))
    return applications


def after_bridge(channel: Channel) -> bool:
    """Park or transfer the channel if its variables say so for the end of a bridge."""
    if channel.is_down:
        return False
    if channel.is_true("park_after_bridge"):
        park(channel)
        return True
    if where := channel.var("transfer_after_bridge"):
        destination, _, rest = where.partition(":")
        dialplan, _, context = rest.partition(":")
        session_transfer(channel, destination, dialplan, context)
        return True
    return False


def on_failure(channel: Channel, cause: str) -> bool:
    """``transfer_on_fail``: causes and where to."""
    wanted = channel.var("transfer_on_fail")
    if not wanted:
        return False
    names, _, where = wanted.partition(" ")
    if names.lower() not in ("true", "auto_cause") and cause not in names.upper().split(","):
        return False
    destination, _, rest = where.partition(" ")
    dialplan, _, context = rest.partition(" ")
    session_transfer(channel, cause if names.lower() == "auto_cause" else destination or cause, dialplan, context)
    return True


def park(channel: Channel) -> None:
    """To CS_PARK without an application (switch_ivr_park_session)."""
    channel.flags.add(Flag.TRANSFER)
    channel.set_state(State.PARK)
