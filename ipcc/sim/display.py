"""Who is shown as calling and who as called: a leg turns round when it begins to act, and when it meets another (switch_channel.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim.states import Flag

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel


def flip_caller_id(channel: Channel) -> None:
    """A dialled leg that begins to act by itself shows its callee as the caller (switch_channel_flip_cid)."""
    if channel.direction != "outbound" or channel.has(Flag.DIALPLAN):
        return
    channel.flags.add(Flag.DIALPLAN)
    _flip(channel)


def _flip(channel: Channel) -> None:
    profile = channel.profile
    channel.set_var("pre_transfer_caller_id_name", profile.caller_name)
    channel.set_var("pre_transfer_caller_id_number", profile.caller_number)
    profile.caller_name, profile.callee_name = profile.callee_name, profile.caller_name
    profile.caller_number, profile.callee_number = profile.callee_number, profile.caller_number
    channel.callee_direction = "RECV"
    channel.set_var("channel_cid_flipped", "yes")
    channel.list_parties()


def show_as_caller(channel: Channel) -> None:
    """A leg that begins an extension shows its own caller, whoever it was joined with (switch_channel_sort_cid)."""
    if channel.direction == "inbound" and channel.has(Flag.BLEG):
        channel.flags.discard(Flag.BLEG)
        _flip(channel)
    else:
        flip_caller_id(channel)


def announce_dialled(channel: Channel) -> None:
    """A leg dialled through user/ is announced a second time once it is there (fact 25), and takes the user's variables."""
    user = next((u for u in channel.kernel.settings.users if channel.presence_id == f"{u.id}@{u.domain}"), None)
    if user is None:
        return
    channel.kernel.emit(channel, "CHANNEL_OUTGOING")
    channel.variables.update(user.variables)
    channel.set_var("originate_endpoint", "user")


def show_partners(a: Channel, b: Channel) -> None:
    """Whoever was shown as caller and is now called, or the other way round, changes places (switch_channel_invert_cid)."""
    if not _shows_caller(a):
        _invert_caller_id(a)
        if a.direction == "inbound":
            b.flags.discard(Flag.BLEG)
    if _shows_caller(b):
        _invert_caller_id(b)
        if b.direction == "inbound":
            b.flags.add(Flag.BLEG)


def _shows_caller(channel: Channel) -> bool:
    """Whether its profile names the one who calls (switch_channel_inbound_display)."""
    return not channel.has(Flag.BLEG) if channel.direction == "inbound" else channel.has(Flag.DIALPLAN)


def _invert_caller_id(channel: Channel) -> None:
    profile = channel.profile
    profile.caller_name, profile.callee_name = profile.callee_name or "Unknown", profile.caller_name
    profile.caller_number, profile.callee_number = profile.callee_number or "Unknown", profile.caller_number
