"""Two channels talk to each other: the media bridge, bridging by uuid, intercept (switch_ivr_bridge.c)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ipcc.sim import broadcast, causes, digits, execute, signalling, transfer
from ipcc.sim.channels import OtherLeg, Times
from ipcc.sim.hangup import hang_up
from ipcc.sim.states import Flag, State
from ipcc.sim.timeline import FRAME_S

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps

# from uuid_bridge to the sessions leaving what they did: the one value that fits 06u0 to 06u3 and 06v
_NOTICED_AFTER_S = 0.022
# how often a leg that waits for its partner's session looks at it (switch_cond_next)
_LOOK_S = 0.001

# --- by uuid -----------------------------------------------------------------------------------------------------


def bridge_by_uuid(a: Channel, b: Channel) -> bool:
    """Tell both channels to leave what they do and meet, ``a`` as the owner; False if neither has media yet.

    Nothing has happened when this returns: the sessions notice about a frame later (fact 5).
    """
    if not a.has_media:
        if not b.has_media:
            return False
        a, b = b, a
    flip_caller_id(a)
    if b.direction == "outbound":
        b.flags.discard(Flag.DIALPLAN)
    for channel in (a, b):
        channel.flags.add(Flag.REDIRECT)
    a.set_var("uuid_bridge", b.uuid)
    _bond(a, b)
    _bond(b, a)
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


def flip_caller_id(channel: Channel) -> None:
    """A dialled leg that begins to act by itself shows its callee as the caller (switch_channel_flip_cid)."""
    if channel.direction != "outbound" or channel.has(Flag.DIALPLAN):
        return
    channel.flags.add(Flag.DIALPLAN)
    _flip(channel)


def _flip(channel: Channel) -> None:
    profile = channel.profile
    channel.set_var("pre_transfer_caller_id_name", profile.caller_name)
    channel.set_var("pre_transfer_caller_id_number", profile.caller_number)
    profile.caller_name, profile.callee_name = profile.callee_name, profile.caller_name
    profile.caller_number, profile.callee_number = profile.callee_number, profile.caller_number
    channel.callee_direction = "RECV"
    channel.set_var("channel_cid_flipped", "yes")
    channel.list_parties()


def show_as_caller(channel: Channel) -> None:
    """A leg that begins an extension shows its own caller, whoever it was joined with (switch_channel_sort_cid)."""
    if channel.direction == "inbound" and channel.has(Flag.BLEG):
        channel.flags.discard(Flag.BLEG)
        _flip(channel)
    else:
        flip_caller_id(channel)


def announce_dialled(channel: Channel) -> None:
    """A leg dialled through user/ is announced a second time once it is there (fact 25), and takes the user's variables."""
    user = next((u for u in channel.kernel.settings.users if channel.presence_id == f"{u.id}@{u.domain}"), None)
    if user is None:
        return
    channel.kernel.emit(channel, "CHANNEL_OUTGOING")
    channel.variables.update(user.variables)
    channel.set_var("originate_endpoint", "user")


def _bond(channel: Channel, other: Channel) -> None:
    channel.set_var("bridge_channel", other.name)
    channel.set_var("bridge_uuid", other.uuid)
    channel.set_var("signal_bond", other.uuid)


def _swap_profiles(a: Channel, b: Channel) -> None:
    kernel = a.kernel
    _show_partners(a, b)
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


def _show_partners(a: Channel, b: Channel) -> None:
    """Whoever was shown as caller and is now called, or the other way round, changes places (switch_channel_invert_cid)."""
    if not _shows_caller(a):
        _invert_caller_id(a)
        if a.direction == "inbound":
            b.flags.discard(Flag.BLEG)
    if _shows_caller(b):
        _invert_caller_id(b)
        if b.direction == "inbound":
            b.flags.add(Flag.BLEG)


def _shows_caller(channel: Channel) -> bool:
    """Whether its profile names the one who calls (switch_channel_inbound_display)."""
    return not channel.has(Flag.BLEG) if channel.direction == "inbound" else channel.has(Flag.DIALPLAN)


def _invert_caller_id(channel: Channel) -> None:
    profile = channel.profile
    profile.caller_name, profile.callee_name = profile.callee_name or "Unknown", profile.caller_name
    profile.caller_number, profile.callee_number = profile.callee_number or "Unknown", profile.caller_number


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
    yield from bridge(channel, other)
    if not (channel.has(Flag.TRANSFER) or channel.has(Flag.REDIRECT)) and channel.state not in (
        State.ROUTING,
        State.PARK,
    ):
        channel.set_state(State.EXECUTE)


# --- media -------------------------------------------------------------------------------------------------------


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
        _bond(channel, other)
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
