"""Ending a channel: the one move that everything else has to notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim.states import State

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel


def hang_up(channel: Channel, cause: str) -> None:
    """End the channel with ``cause``; the session then unwinds by itself. The first cause stays."""
    if channel.is_down:
        return
    channel.cause = cause
    channel.state = State.HANGUP
    channel.answer_state = "hangup"
    kernel = channel.kernel
    kernel.emit(channel, "CHANNEL_HANGUP")
    channel.profile.times.hungup = kernel.stamp_us
    channel.wake()
