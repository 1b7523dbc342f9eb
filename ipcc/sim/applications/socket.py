"""socket: hand the call to an outbound event socket server; what travels there is the server's side of the wire, not ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim.applications.park import park
from ipcc.sim.outputs import SocketWanted

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps


def socket(channel: Channel, argument: str) -> Steps:
    """``host:port [async] [full]``: parked under the server's commands.

    The shell connects on the ``SocketWanted`` and ends the application through ``Engine.socket_ended``, also at once when
    the connection is refused.
    """
    words = argument.split()
    if not words:
        return
    channel.socket_open = True
    channel.kernel.put(SocketWanted(channel.uuid, words[0], "async" in words[1:], "full" in words[1:]))
    yield from park(channel, "")
