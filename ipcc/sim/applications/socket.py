"""socket: hand the call to an outbound event socket server; what travels there is the server's side of the wire, not ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import execute
from ipcc.sim.applications.park import park
from ipcc.sim.outputs import SocketWanted
from ipcc.sim.states import Control

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps


def socket(channel: Channel, argument: str) -> Steps:
    """``host:port [async] [full]``: under the server's commands, parked if it is async.

    The shell connects on the ``SocketWanted`` and answers through ``Engine.control_began`` or ``control_refused``.
    """
    words = argument.split()
    if not words:
        return
    channel.control = Control.WANTED
    channel.kernel.put(SocketWanted(channel.uuid, words[0], "async" in words[1:], "full" in words[1:]))
    while channel.control is Control.WANTED and channel.is_ready:
        yield None
    if "async" in words[1:]:
        if channel.control is Control.STANDS:
            yield from park(channel, "")
    else:
        while channel.control is Control.STANDS and channel.is_ready:
            yield from execute.pause(channel)
    channel.control = Control.NONE
