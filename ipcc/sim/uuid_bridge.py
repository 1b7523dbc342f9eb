"""uuid_bridge: two legs are told to leave what they do and meet (switch_ivr_uuid_bridge, uuid_bridge_on_soft_execute)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ipcc.sim import bridge, display, transfer
from ipcc.sim.hangup import hang_up
from ipcc.sim.profiles import OtherLeg, Times
from ipcc.sim.states import Flag, State
from ipcc.sim.timeline import FRAME_S

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps

# from the command to the sessions leaving what they did: the one value that fits 06u0 to 06u3 and 06v
_NOTICED_AFTER_S = 0.022


def order(a: Channel, b: Channel) -> bool:
    """Tell both channels to leave what they do and meet, ``a`` as the owner; False if neither has media yet.

    Nothing has happened when this returns: the sessions notice about a frame later (fact 5).
    """
    if not a.has_media:
        if not b.has_media:
            return False
        a, b = b, a
    display.flip_caller_id(a)
    if b.direction == "outbound":
        b.flags.discard(Flag.DIALPLAN)
    for channel in (a, b):
        channel.flags.add(Flag.REDIRECT)
    a.set_var("uuid_bridge", b.uuid)
    bridge.bond(a, b)
    bridge.bond(b, a)
    _swap_profiles(a, b)
    for channel, other in ((a, b), (b, a)):
        channel.flags.add(Flag.STOP_BROADCAST)
        channel.flags.add(Flag.TRANSFER)
        channel.flags.discard(Flag.ORIGINATING)
        _note_transfer(channel, f"uuid_br:{other.uuid}")
        channel.flags.discard(Flag.BRIDGE_ORIGINATOR)
        channel.flags.discard(Flag.UUID_BRIDGE_ORIGINATOR)
        channel.flags.add(Flag.UUID_BRIDGE)
    a.flags.add(Flag.UUID_BRIDGE_ORIGINATOR)
    # the one that waits notices first, so that the owner finds it ready when it looks (06u2)
    for channel in (b, a):
        state = State.CONSUME_MEDIA if channel.state is State.HIBERNATE else State.HIBERNATE
        channel.set_state(state, noticed_after_s=_NOTICED_AFTER_S)
    return True


def _swap_profiles(a: Channel, b: Channel) -> None:
    kernel = a.kernel
    display.show_partners(a, b)
    for channel in (b, a):
        channel.set_var("original_destination_number", channel.profile.destination)
        channel.set_var("original_caller_id_name", channel.profile.caller_name)
        channel.set_var("original_caller_id_number", channel.profile.caller_number)
        channel.profile = channel.profile.stepped(kernel.new_uuid(), kernel.stamp_us)
    b.other = OtherLeg("originator", a.uuid, a.name, replace(a.profile, times=Times()))
    a.other = OtherLeg("originatee", b.uuid, b.name, b.profile.copied())
    a.profile.callee_name = b.profile.callee_name
    a.profile.callee_number = b.profile.callee_number
    b.profile.caller_name = a.profile.caller_name
    b.profile.caller_number = a.profile.caller_number


def _note_transfer(channel: Channel, what: str) -> None:
    source = f"{int(channel.kernel.now)}:{channel.profile.uuid}:{what}"
    channel.profile.transfer_source = source
    channel.push_var("transfer_history", source)
    channel.set_var("transfer_source", source)


def join(channel: Channel) -> Steps:
    """CS_SOFT_EXECUTE of a channel that bridges by uuid: the owner waits for the other one and bridges; the other one waits.

    Looked at every 20 ms. A caller who hangs up meanwhile leaves the other leg waiting for ever: the ghost leg (fact 6).
    """
    if not channel.has(Flag.UUID_BRIDGE_ORIGINATOR):
        return
    kernel = channel.kernel
    other = kernel.find(channel.var("uuid_bridge") or "")
    if other is None:
        channel.flags.discard(Flag.UUID_BRIDGE_ORIGINATOR)
        if not transfer.after_bridge(channel):
            hang_up(channel, "DESTINATION_OUT_OF_ORDER")
        return
    channel.set_var("uuid_bridge", None)
    other.lock()
    while not (channel.is_down or other.is_down):
        if other.state is other.running is State.RESET:
            other.set_state(State.SOFT_EXECUTE)
        elif other.state is other.running is State.SOFT_EXECUTE:
            break
        yield from _until_next_look(channel)
    other.unlock()
    # before they talk: the next uuid_bridge may come while they do, and sets it again (08f)
    channel.flags.discard(Flag.UUID_BRIDGE_ORIGINATOR)
    if not (channel.is_down or other is channel):
        yield from _join(channel, other)


def _until_next_look(channel: Channel) -> Steps:
    """20 ms, not less when something else wakes the session meanwhile; a hang-up is noticed at once."""
    until = channel.kernel.now + FRAME_S
    while channel.kernel.now < until and not channel.is_down:
        yield until


def _join(channel: Channel, other: Channel) -> Steps:
    if other.is_down:
        hang_up(channel, "DESTINATION_OUT_OF_ORDER")
        return
    kernel = channel.kernel
    kernel.emit(channel, "CHANNEL_EXECUTE", after={"Application": "uuid_bridge", "Application-Data": other.uuid})
    kernel.emit(other, "CHANNEL_EXECUTE", after={"Application": "uuid_bridge", "Application-Data": channel.uuid})
    channel.application = ("uuid_bridge", other.uuid)
    other.application = ("uuid_bridge", channel.uuid)
    yield from bridge.bridge(channel, other)
    if not (channel.has(Flag.TRANSFER) or channel.has(Flag.REDIRECT)) and channel.state not in (
        State.ROUTING,
        State.PARK,
    ):
        channel.set_state(State.EXECUTE)
