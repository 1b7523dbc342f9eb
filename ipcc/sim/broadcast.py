"""Ordering a session to run an application inside whatever it does: uuid_broadcast and music on hold (switch_ivr_broadcast)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim.channels import Message
from ipcc.sim.states import Flag
from ipcc.sim.timeline import FRAME_S

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel

# five lead frames and the one that notices: 140 to 160 ms after the order in every recording (05a-05h, 07a-07d)
_LEAD_FRAMES = 6
FOR_EVER = -1
"""``loops`` of an order that lasts until `stop`."""


def order(channel: Channel, path: str, *, loops: int = 1, priority: bool = False, holds_partner: bool = False) -> None:
    """Let the channel play ``path`` or run ``app::argument``; ``holds_partner``: its partner hears hold music meanwhile."""
    app, separator, argument = path.partition("::")
    if not separator:
        app, argument = "playback", path
    message = Message(
        "execute",
        app.partition("!")[0],
        argument,
        lock=True,
        priority=priority,
        loops=loops,
        holds_partner=holds_partner,
    )
    kernel = channel.kernel
    moves = channel.moves if channel.running is channel.state else None

    def queue() -> None:
        # whoever is bridged or sent elsewhere during the lead frames never hears it: the read of a frame fails, and
        # with it the order (switch_ivr_parse_event)
        if moves not in (None, channel.moves):
            return
        channel.messages.append(message)
        channel.wake()

    kernel.timeline.at(kernel.now + _LEAD_FRAMES * FRAME_S, queue)


def stop(channel: Channel) -> None:
    """End what was ordered, if it runs."""
    if channel.has(Flag.BROADCAST):
        channel.flags |= {Flag.STOP_BROADCAST, Flag.BREAK}
        channel.wake()


def hold_music(channel: Channel) -> str | None:
    """What the partner of this channel hears while held: variable ``temp_hold_music`` or ``hold_music``."""
    return channel.var("temp_hold_music") or channel.var("hold_music") or channel.kernel.globals.get("hold_music")
