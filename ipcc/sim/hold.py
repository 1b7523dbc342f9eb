"""Hold: by uuid_hold, which re-invites the phone, and by the phone's own re-INVITE (switch_ivr_hold, toggle_hold)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import broadcast
from ipcc.sim.states import CallState, Flag

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel

_DEFAULT_MUSIC = "local_stream://moh"
_RESUMED_AFTER_S = 0.25
"""How long the switch waits before it believes a phone that it is back."""


def hold(channel: Channel) -> bool:
    """uuid_hold: the phone of this leg is put on hold, its partner hears music; False if it was held already."""
    if channel.callstate is CallState.HELD:
        return False
    channel.flags.add(Flag.HOLD)
    _begin(channel)
    _entertain(channel, broadcast.hold_music(channel), priority=False)
    channel.kernel.emit(channel, "CHANNEL_HOLD")
    _clear_application(channel)
    return True


def unhold(channel: Channel) -> bool:
    """uuid_hold off; False if the leg was not held. It is active when its phone has agreed, a frame later."""
    if channel.callstate is not CallState.HELD:
        return False
    channel.flags.discard(Flag.HOLD)
    _end(channel)
    _quieten(channel)
    kernel = channel.kernel
    kernel.emit(channel, "CHANNEL_UNHOLD")
    _clear_application(channel)
    kernel.timeline.at(kernel.timeline.next_frame(), lambda: _be_active(channel))
    return True


def toggle(channel: Channel) -> bool:
    """uuid_hold toggle: held becomes active and the other way round; any other call state stays."""
    if channel.callstate is CallState.HELD:
        return unhold(channel)
    if channel.callstate in (CallState.ACTIVE, CallState.UNHELD):
        return hold(channel)
    return True


def hold_by_phone(channel: Channel) -> None:
    """The phone says ``sendonly`` or ``inactive``."""
    if channel.has(Flag.PROTO_HOLD) or not channel.has(Flag.ANSWERED):
        return
    channel.flags.add(Flag.PROTO_HOLD)
    _mark(channel)
    _entertain(channel, broadcast.hold_music(channel) or _DEFAULT_MUSIC, priority=True)


def resume_by_phone(channel: Channel) -> None:
    """The phone says ``sendrecv`` again."""
    if channel.has(Flag.PROTO_HOLD):
        channel.kernel.timeline.after(_RESUMED_AFTER_S, lambda: _resume(channel))


def _resume(channel: Channel) -> None:
    if channel.is_down or not channel.has(Flag.PROTO_HOLD):
        return
    channel.flags.discard(Flag.PROTO_HOLD)
    _quieten(channel)
    leave(channel)
    _be_active(channel)


def leave(channel: Channel) -> None:
    """The leg is held no longer, because it was resumed or because it ends; told if it was held."""
    if channel.has(Flag.LEG_HOLDING):
        _end(channel)
        channel.kernel.emit(channel, "CHANNEL_UNHOLD")
        _clear_application(channel)


def _mark(channel: Channel) -> None:
    if not channel.has(Flag.LEG_HOLDING):
        _begin(channel)
        channel.kernel.emit(channel, "CHANNEL_HOLD")
        _clear_application(channel)


def _begin(channel: Channel) -> None:
    if channel.has(Flag.LEG_HOLDING):
        return
    channel.flags.add(Flag.LEG_HOLDING)
    if channel.has(Flag.ANSWERED):
        channel.kernel.set_callstate(channel, CallState.HELD)
        channel.profile.times.last_hold = channel.kernel.stamp_us


def _end(channel: Channel) -> None:
    channel.flags.discard(Flag.LEG_HOLDING)
    if not channel.has(Flag.ANSWERED):
        return
    channel.kernel.set_callstate(channel, CallState.UNHELD)
    times = channel.profile.times
    if times.last_hold:
        times.hold_accum += channel.kernel.stamp_us - times.last_hold


def _be_active(channel: Channel) -> None:
    if not channel.is_down and channel.callstate is CallState.UNHELD:
        channel.kernel.set_callstate(channel, CallState.ACTIVE)


def _clear_application(channel: Channel) -> None:
    # ``show channels`` takes the application from these events too, and they name none (07a)
    channel.application = ("", "")


def _entertain(channel: Channel, music: str | None, *, priority: bool) -> None:
    partner = channel.kernel.find(channel.partner or "")
    if partner and music and music != "silence":
        broadcast.order(partner, music, loops=broadcast.FOR_EVER, priority=priority)


def _quieten(channel: Channel) -> None:
    partner = channel.kernel.find(channel.partner or "")
    if partner:
        broadcast.stop(partner)
