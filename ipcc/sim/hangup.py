"""Ending a channel: the one move that everything else has to notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import hold
from ipcc.sim.states import Flag, State

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel


def hang_up(channel: Channel, cause: str) -> None:
    """End the channel with ``cause``; the session then unwinds by itself. The first cause stays."""
    if channel.is_down:
        return
    if channel.has(Flag.LEG_HOLDING):
        channel.flags.add(Flag.HANGUP_HELD)
        hold.leave(channel)
    held = channel.kernel.find(channel.soft_holding or "")
    if held:
        held.flags.add(Flag.REDIRECT)
    channel.cause = cause
    channel.state = State.HANGUP
    channel.answer_state = "hangup"
    kernel = channel.kernel
    _tell_partner(channel, cause)
    kernel.emit(channel, "CHANNEL_HANGUP")
    channel.profile.times.hungup = kernel.stamp_us
    channel.wake()


def _tell_partner(channel: Channel, cause: str) -> None:
    """The leg this one was joined with learns why it left, if it is still there (recorded in 05a, 05b, 05e)."""
    partner = channel.kernel.find(channel.var("signal_bond") or channel.var("originate_signal_bond") or "")
    if partner is None or partner is channel:
        return
    partner.set_var("last_bridge_hangup_cause", cause)
    partner.set_var("last_bridge_proto_specific_hangup_cause", channel.var("proto_specific_hangup_cause"))
