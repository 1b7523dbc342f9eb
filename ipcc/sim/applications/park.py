"""park: wait, doing what sendmsg and uuid_broadcast order, until told otherwise (switch_ivr_park)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ipcc.sim import causes, digits, execute
from ipcc.sim.hangup import hang_up
from ipcc.sim.states import Flag, State

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps


def park(channel: Channel, argument: str) -> Steps:
    """Stay until hung up, bridged or transferred; ``park_timeout=seconds:cause`` limits it."""
    del argument
    if channel.has(Flag.CONTROLLED) or channel.state is State.RESET:
        return
    kernel = channel.kernel
    expires, cause = _timeout(channel)
    channel.flags |= {Flag.CONTROLLED, Flag.PARK}
    kernel.emit(channel, "CHANNEL_PARK")
    while channel.is_ready and channel.has(Flag.CONTROLLED):
        yield from execute.pause(channel, expires)
        while channel.is_ready and digits.take(channel) is not None:
            pass
        if expires is not None and kernel.now >= expires:
            hang_up(channel, cause)
    channel.flags -= {Flag.CONTROLLED, Flag.PARK}
    kernel.emit(channel, "CHANNEL_UNPARK")


def _timeout(channel: Channel) -> tuple[float | None, str]:
    wanted = channel.var("park_timeout")
    if not wanted:
        return None, causes.NORMAL_CLEARING
    seconds, _, cause = wanted.partition(":")
    channel.set_var("park_timeout", None)
    channel.set_var("park_after_bridge", None)
    number = int(seconds) if seconds.isdigit() else 0
    # whole seconds of the clock
    return math.floor(channel.kernel.now) + number, causes.name_of(cause) if cause else causes.NORMAL_CLEARING
