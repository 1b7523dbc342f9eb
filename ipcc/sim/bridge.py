"""Two legs hear each other until one of them leaves, and what becomes of them then (switch_ivr_bridge.c, audio_bridge_thread)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import broadcast, causes, digits, execute, signalling, transfer
from ipcc.sim.hangup import hang_up
from ipcc.sim.profiles import OtherLeg
from ipcc.sim.states import Flag, State

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps

# how often a leg that waits for its partner's session looks at it (switch_cond_next)
_LOOK_S = 0.001


def bridge(a: Channel, b: Channel) -> Steps:
    """Let ``a`` (whose session runs this) and ``b`` hear each other until one of them leaves."""
    kernel = a.kernel
    a.flags.add(Flag.BRIDGE_ORIGINATOR)
    b.flags.discard(Flag.BRIDGE_ORIGINATOR)
    if b.has(Flag.ANSWERED) and not a.has(Flag.ANSWERED):
        signalling.answer(a)
    elif b.has(Flag.EARLY_MEDIA) and not a.has_media:
        signalling.pre_answer(a)
    if not a.is_ready:
        hang_up(b, a.cause or causes.NORMAL_CLEARING)
        return
    b.lock()
    a.profile.callee_name, a.profile.callee_number = b.profile.callee_name, b.profile.callee_number
    if a.other is None or a.other.uuid != b.uuid:
        a.other = OtherLeg("originatee", b.uuid, b.name, b.profile.copied())
    b.set_state(State.CONSUME_MEDIA)
    _share_call(a, b)
    for channel in (a, b):
        channel.profile.times.bridged = kernel.stamp_us
        channel.flags -= {Flag.STOP_BROADCAST, Flag.INTERCEPTED}
    kernel.emit(a, "CHANNEL_BRIDGE", before=_pair(a, b))
    _connect(a, b)
    if b.running is not State.CONSUME_MEDIA:
        kernel.set_running(b, State.CONSUME_MEDIA)
    b.set_state(State.EXCHANGE_MEDIA)
    yield from _talk(a, b)
    a.flags.discard(Flag.BRIDGE_ORIGINATOR)
    a.set_var("bridge_to", None)
    while b.state is State.EXCHANGE_MEDIA and not b.gone:
        yield kernel.now + _LOOK_S
    _disconnect(a, b)
    b.unlock()
    _after_bridge(a, b)


def _share_call(a: Channel, b: Channel) -> None:
    """One call uuid for both; a consultation inside a bridge belongs to the call of that bridge."""
    a.call_uuid = b.call_uuid = a.call_uuid if a.has(Flag.INNER_BRIDGE) else a.uuid
    b.set_var("call_uuid", b.call_uuid)


def _pair(a: Channel, b: Channel) -> dict[str, str | list[str]]:
    return {"Bridge-A-Unique-ID": a.uuid, "Bridge-B-Unique-ID": b.uuid}


def _connect(a: Channel, b: Channel) -> None:
    for channel, other in ((a, b), (b, a)):
        channel.partner = other.uuid
        channel.bridged_to = other.uuid
        channel.flags.add(Flag.BRIDGED)
        channel.set_var("bridge_to", other.uuid)
        channel.set_var("last_bridge_to", other.uuid)
        bond(channel, other)
        # the owner is shown whom he reached, the other one who reached him
        shown = channel.profile
        name, number = (
            (shown.callee_name, shown.callee_number) if channel is a else (shown.caller_name, shown.caller_number)
        )
        channel.sent_callee = (name or number, number)
        channel.callee_direction = "SEND"
        channel.list_parties()
        channel.set_var("last_sent_callee_id_name", name or number)
        channel.set_var("last_sent_callee_id_number", number)
        signalling.execute_on(channel, "execute_on_pre_bridge", "api_before_bridge")


def bond(channel: Channel, other: Channel) -> None:
    """Note on the channel whom it is with."""
    channel.set_var("bridge_channel", other.name)
    channel.set_var("bridge_uuid", other.uuid)
    channel.set_var("signal_bond", other.uuid)


def _talk(channel: Channel, other: Channel) -> Steps:
    """The media loop of one side: runs until either side is told or wants to do something else."""
    look = channel.kernel.timeline.wake_current()
    other.watch(look)
    while channel.is_ready and not other.is_down and other.has(Flag.BRIDGED) and channel.has(Flag.BRIDGED):
        if other.has(Flag.ANSWERED) and not channel.has(Flag.ANSWERED):
            signalling.answer(channel)
        digits.pass_on(channel, other)
        yield from execute.pause(channel)
    other.unwatch(look)
    channel.flags.discard(Flag.BRIDGED)
    channel.partner = None
    if channel.has(Flag.LEG_HOLDING) or channel.has(Flag.HANGUP_HELD):
        _leave_held(channel, other)
    broadcast.stop(other)
    other.wake()


def _leave_held(channel: Channel, other: Channel) -> None:
    """Who leaves a bridge while he holds the other one ends the other one, whatever park_after_bridge says.

    Only ``hold_hangup_xfer_exten`` saves him (switch_ivr_bridge.c, end of audio_bridge_thread).
    """
    if other.is_ready and other.state is not State.PARK:
        if where := channel.var("hold_hangup_xfer_exten"):
            other.set_var("transfer_after_bridge", where)
        else:
            hang_up(other, causes.NORMAL_CLEARING)


def listen(channel: Channel) -> Steps:
    """CS_EXCHANGE_MEDIA: the side of a bridge that does not own it."""
    kernel = channel.kernel
    other = kernel.channels.get(channel.bridged_to or "")
    if other is None:
        hang_up(channel, "DESTINATION_OUT_OF_ORDER")
        return
    yield from _talk(channel, other)
    if channel.state is not State.EXCHANGE_MEDIA or channel.has(Flag.TRANSFER) or channel.has(Flag.REDIRECT):
        return
    channel.set_var("bridge_to", None)
    # whoever was consulted is parked until it is clear whom he gets
    if not channel.has(Flag.INNER_BRIDGE):
        if transfer.after_bridge(channel):
            return
        _end_listening(channel)
    # the owner tells of the end before this side has unwound (fact 9)
    yield kernel.now + 2 * _LOOK_S
    if channel.state is State.EXCHANGE_MEDIA:
        channel.set_var("park_timeout", "3")
        channel.set_state(State.PARK)


def _end_listening(channel: Channel) -> None:
    """The partner is gone: so is this side."""
    if channel.has(Flag.INTERCEPTED):
        channel.flags -= {Flag.INTERCEPTED, Flag.INTERCEPT}
    elif channel.has(Flag.INTERCEPT):
        hang_up(channel, "PICKED_OFF")
    elif not channel.has(Flag.ANSWERED):
        hang_up(channel, "ORIGINATOR_CANCEL")
    else:
        hang_up(channel, causes.NORMAL_CLEARING)


def _disconnect(a: Channel, b: Channel) -> None:
    if a.cause:
        b.set_var("bridge_hangup_cause", a.cause)
    if b.cause:
        a.set_var("bridge_hangup_cause", b.cause)
    b.call_uuid = b.uuid
    b.set_var("call_uuid", b.uuid)
    b.set_var("last_bridge_role", "originatee")
    a.set_var("last_bridge_role", "originator")
    a.kernel.emit(a, "CHANNEL_UNBRIDGE", before=_pair(a, b))
    for channel in (a, b):
        signalling.execute_on(channel, "execute_on_post_bridge", "api_after_bridge")
        channel.bridged_to = None


def _after_bridge(a: Channel, b: Channel) -> None:
    """What becomes of the owner: park, transfer or hang up as its variables say; otherwise its dialplan goes on."""
    if a.has(Flag.INNER_BRIDGE):
        return
    if a.has(Flag.TRANSFER) or a.has(Flag.REDIRECT):
        _leave_redirected(a)
        return
    cause = b.cause or causes.NORMAL_CLEARING
    if not b.has(Flag.ANSWERED):
        handle_failure(a, cause)
    if a.is_down:
        return
    if b.has(Flag.ANSWERED) or b.has(Flag.EARLY_MEDIA):
        if transfer.after_bridge(a):
            return
        hup = a.var("hangup_after_bridge") or ""
        if hup.lower() == "explicit" or a.is_true("hangup_after_bridge"):
            hang_up(a, cause)


def _leave_redirected(a: Channel) -> None:
    if (
        a.has(Flag.REDIRECT)
        and not a.is_down
        and a.state not in (State.RESET, State.PARK, State.ROUTING, State.EXECUTE)
    ):
        a.set_state(State.RESET)


def handle_failure(channel: Channel, cause: str) -> None:
    """A bridge that did not come about: go on with the dialplan if told so, else end with the partner's cause."""
    continue_on = channel.var("continue_on_fail") or ""
    failure_causes = [part.strip().upper() for part in continue_on.split(",")]
    if (
        channel.is_true("continue_on_fail")
        or cause in failure_causes
        or str(causes.NUMBERS.get(cause)) in failure_causes
    ):
        return
    if transfer.on_failure(channel, cause):
        return
    hang_up(channel, "NORMAL_CLEARING" if cause in ("NO_USER_RESPONSE", "ORIGINATOR_CANCEL") else cause)
