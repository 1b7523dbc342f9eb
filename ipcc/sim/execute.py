"""Running applications on a channel: from the dialplan, from sendmsg, one inside another (switch_core_session_exec)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import broadcast, variables
from ipcc.sim.hangup import hang_up
from ipcc.sim.states import Flag

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel, Message
    from ipcc.sim.outputs import HeaderValue
    from ipcc.sim.timeline import Steps

_PROFILE_NAMES = {
    "destination_number": "destination",
    "caller_id_name": "caller_name",
    "caller_id_number": "caller_number",
    "callee_id_name": "callee_name",
    "callee_id_number": "callee_number",
    "network_addr": "network_addr",
    "ani": "ani",
    "rdnis": "rdnis",
    "context": "context",
    "dialplan": "dialplan",
    "username": "username",
    "source": "source",
}


_SHORTEST_ROUND_S = 0.5
_PATIENCE_S = 5.0


def look_up(channel: Channel, name: str) -> str | None:
    """What ``${name}`` is on this channel: variable, caller profile, global variable, or an api command's text."""
    if name.endswith(")") and "(" in name:
        command, _, argument = name[:-1].partition("(")
        return channel.kernel.run_api(command, argument)
    value = channel.var(name)
    if value is not None:
        return value
    if name in _PROFILE_NAMES:
        return str(getattr(channel.profile, _PROFILE_NAMES[name]))
    if name in ("unique_id", "uuid"):
        return channel.uuid
    return channel.kernel.globals.get(name)


def expanded(channel: Channel, text: str) -> str:
    return variables.expand(text, lambda name: look_up(channel, name))


def execute(channel: Channel, app: str, argument: str, event_uuid: str = "") -> Steps:
    """Run one application, with CHANNEL_EXECUTE before and CHANNEL_EXECUTE_COMPLETE after it.

    An unknown application ends the call (fact 14); one that is not implemented here is unknown.
    """
    run = channel.kernel.applications.get(app.lower())
    if run is None:
        hang_up(channel, "DESTINATION_OUT_OF_ORDER")
        return
    argument = expanded(channel, argument)
    kernel = channel.kernel
    channel.set_var("current_application", app)
    channel.set_var("current_application_data", argument)
    channel.set_var("current_application_response", None)
    channel.application = (app, argument)
    header: dict[str, HeaderValue] = {"Application": app}
    if argument:
        header["Application-Data"] = argument
    application_uuid = event_uuid or kernel.new_uuid()
    kernel.emit(channel, "CHANNEL_EXECUTE", after={**header, "Application-UUID": application_uuid})
    channel.last_app = (app, argument)
    steps = run(channel, argument)
    if steps is not None:
        yield from steps
    response = channel.var("current_application_response") or "_none_"
    header["Application-Response"] = response
    header["Application-UUID"] = application_uuid
    kernel.emit(channel, "CHANNEL_EXECUTE_COMPLETE", after=header)


def pause(channel: Channel, until: float | None = None) -> Steps:
    """Do what is queued on the channel; if nothing is, wait until something happens or ``until`` has come."""
    if not has_work(channel):
        yield until
    yield from carry_out_messages(channel)


def has_work(channel: Channel) -> bool:
    """Whether a queued command may run now."""
    if not channel.messages or channel.is_down:
        return False
    return not channel.has(Flag.EVENT_LOCK) or any(message.priority for message in channel.messages)


def carry_out_messages(channel: Channel) -> Steps:
    """Everything queued by sendmsg, unless a locked command is running (fact 13)."""
    while (message := _next_message(channel)) is not None:
        yield from _carry_out(channel, message)
        if message.done:
            message.done()


def _next_message(channel: Channel) -> Message | None:
    if not channel.messages or channel.is_down:
        return None
    if channel.has(Flag.EVENT_LOCK):
        for message in channel.messages:
            if message.priority and not channel.has(Flag.EVENT_LOCK_PRI):
                channel.messages.remove(message)
                return message
        return None
    return channel.messages.popleft()


def _carry_out(channel: Channel, message: Message) -> Steps:
    if message.command == "hangup":
        hang_up(channel, message.cause)
    elif message.command == "execute":
        yield from _execute_message(channel, message)


def _execute_message(channel: Channel, message: Message) -> Steps:
    lock = Flag.EVENT_LOCK_PRI if message.priority else Flag.EVENT_LOCK
    if message.lock:
        channel.flags.add(lock)
    outer = channel.has(Flag.BROADCAST)
    channel.flags.add(Flag.BROADCAST)
    partner = channel.kernel.find(channel.partner or "") if message.holds_partner else None
    if partner:
        yield from _hold_music(channel, partner)
    yield from _execute_rounds(channel, message)
    if not outer:
        channel.flags -= {Flag.BROADCAST, Flag.STOP_BROADCAST}
    if partner:
        broadcast.stop(partner)
    channel.set_var("current_loop", None)
    channel.set_var("total_loops", None)
    if message.lock:
        channel.flags.discard(lock)


def _execute_rounds(channel: Channel, message: Message) -> Steps:
    rounds = message.loops if message.loops >= 0 else 1_000_000
    kernel = channel.kernel
    for number in range(rounds):
        if channel.is_down or (number and not channel.is_ready):
            break
        begun = kernel.now
        channel.set_var("current_loop", str(number + 1))
        channel.set_var("total_loops", str(message.loops))
        yield from execute(channel, message.app, message.argument, message.event_uuid)
        # what ends at once again and again would never let go of the session
        if channel.has(Flag.STOP_BROADCAST) or kernel.now - begun < _SHORTEST_ROUND_S:
            break


def _hold_music(channel: Channel, partner: Channel) -> Steps:
    """The partner is given music first; what was ordered begins when he hears it (07d)."""
    music = broadcast.hold_music(channel)
    if not music or partner.has(Flag.BROADCAST):
        return
    broadcast.order(partner, music, loops=broadcast.FOR_EVER)
    until = channel.kernel.now + _PATIENCE_S
    while channel.is_ready and not partner.is_down and not partner.has(Flag.BROADCAST) and channel.kernel.now < until:
        yield channel.kernel.timeline.next_frame()
