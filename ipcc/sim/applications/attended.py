"""att_xfer: consult somebody while the partner waits, and give him the partner by hanging up (mod_dptools)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import bridge as media
from ipcc.sim import dialstring, display, meta, originate, uuid_bridge
from ipcc.sim.hangup import hang_up
from ipcc.sim.states import Flag

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps


def att_xfer(channel: Channel, argument: str) -> Steps:
    """Dial ``argument`` and talk. Who hangs up first decides: this leg, and the two others are joined (08h); the one
    consulted, and this leg is back with its partner. Keys that cancel or join all three are not simulated."""
    kernel = channel.kernel
    bond = channel.partner
    channel.soft_holding = bond
    attempt = originate.Attempt(kernel, dialstring.parse(argument), caller=channel)
    yield from originate.run(attempt)
    peer = attempt.winner
    if peer is None or peer.is_down or not channel.is_ready:
        if peer:
            hang_up(peer, "ORIGINATOR_CANCEL")
        channel.set_var("signal_bond", bond)
        channel.soft_holding = None
        return
    channel.set_var("originate_disposition", "SUCCESS")
    channel.set_var("DIALSTATUS", "SUCCESS")
    yield from _consult(channel, peer, bond)
    channel.soft_holding = None


def _consult(channel: Channel, peer: Channel, bond: str | None) -> Steps:
    legs = (channel, peer)
    display.announce_dialled(peer)
    peer.flags.discard(Flag.ORIGINATING)
    for leg in legs:
        leg.flags.add(Flag.INNER_BRIDGE)
    yield from media.bridge(channel, peer)
    for leg in legs:
        leg.flags.discard(Flag.INNER_BRIDGE)
    channel.set_var("signal_bond", bond)
    held = channel.kernel.find(bond or "")
    if held is None:
        return
    if not channel.is_down:
        channel.partner = bond
        channel.flags.add(Flag.BRIDGED)
    if not peer.is_down and not channel.is_ready:
        uuid_bridge.order(peer, held)
    elif peer.is_down and channel.is_ready:
        uuid_bridge.order(channel, held)


def bind_meta_app(channel: Channel, argument: str) -> None:
    """Let a digit after ``*`` run an application during the bridge."""
    meta.bind(channel, argument)
