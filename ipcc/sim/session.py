"""The life of a channel: the core state machine that every session runs (switch_core_session_run and its standard handlers)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import bridge, causes, display, execute, recording, times, transfer, uuid_bridge
from ipcc.sim.applications.park import park
from ipcc.sim.channels import Extension
from ipcc.sim.hangup import hang_up
from ipcc.sim.outputs import PhoneCancelled, PhoneHungUp
from ipcc.sim.states import CallState, Flag, State
from ipcc.sim.timeline import Thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps


def start(channel: Channel) -> None:
    """Begin the session of a channel the kernel has taken in."""
    channel.thread = Thread(channel.kernel.timeline, run(channel))
    channel.thread.start()


def run(channel: Channel) -> Steps:
    """Enter one state after the other until the channel is destroyed."""
    kernel = channel.kernel
    if channel.direction == "inbound":
        # a dialled leg is further when its session begins (13b)
        kernel.set_running(channel, State.NEW)
    channel.state = State.INIT
    while channel.state is not State.DESTROY:
        if channel.state is channel.running:
            channel.is_idle = True
            yield None
            channel.is_idle = False
            yield from execute.carry_out_messages(channel)
            continue
        yield from _enter(channel)
    while channel.locks > 0:
        yield None
    _destroy(channel)


def _enter(channel: Channel) -> Steps:
    kernel = channel.kernel
    state = channel.state
    if state is State.ROUTING and channel.direction == "inbound":
        channel.running = state
        kernel.set_callstate(channel, CallState.RINGING)
    if state is State.EXECUTE and channel.has(Flag.ANSWERED):
        channel.running = state
        kernel.set_callstate(channel, CallState.ACTIVE)
    kernel.set_running(channel, state)
    if State.ROUTING <= state < State.HANGUP:
        channel.flags.discard(Flag.TRANSFER)
    handler = _HANDLERS.get(state)
    if handler is not None:
        steps = handler(channel)
        if steps is not None:
            yield from steps


def _init(channel: Channel) -> None:
    channel.state = State.ROUTING
    channel.kernel.emit(channel, "CHANNEL_CREATE")
    if channel.direction == "outbound":
        channel.kernel.emit(channel, "CHANNEL_ORIGINATE")


def _routing(channel: Channel) -> None:
    if channel.has(Flag.ORIGINATING):
        channel.set_state(State.CONSUME_MEDIA)
        return
    kernel = channel.kernel
    channel.flags.discard(Flag.REDIRECT)
    channel.list_parties()
    channel.list_place()

    def resolve(field: str) -> str:
        return execute.expanded(channel, field) if "${" in field else execute.look_up(channel, field) or ""

    def assign(name: str, value: str) -> None:
        channel.set_var(name, execute.expanded(channel, value))

    profile = channel.profile
    if profile.dialplan.lower() == "inline":
        applications = transfer.inline(profile.destination)
        # the applications are no number: the one dialled before is shown again (08c)
        profile.destination, profile.rdnis = profile.rdnis, ""
    else:
        applications = kernel.settings.dialplan.hunt(profile.context, resolve, assign)
    if not applications:
        hang_up(channel, "NO_ROUTE_DESTINATION")
        return
    display.show_as_caller(channel)
    channel.extension = Extension(applications)
    channel.set_state(State.EXECUTE)


def _execute(channel: Channel) -> Steps:
    channel.call_uuid = channel.uuid
    channel.set_var("call_uuid", channel.uuid)
    while channel.state is State.EXECUTE:
        channel.flags.discard(Flag.RESET)
        application = channel.extension.take() if channel.extension else None
        if application is None:
            break
        yield from execute.execute(channel, *application)
    if channel.state is State.EXECUTE and channel.is_ready:
        hang_up(channel, causes.NORMAL_CLEARING)


def _soft_execute(channel: Channel) -> Steps | None:
    if not channel.has(Flag.UUID_BRIDGE):
        return None
    channel.flags.discard(Flag.UUID_BRIDGE)
    return uuid_bridge.join(channel)


def _exchange_media(channel: Channel) -> Steps:
    return bridge.listen(channel)


def _park(channel: Channel) -> Steps:
    channel.flags.discard(Flag.REDIRECT)
    yield from park(channel, "")
    if channel.state is State.PARK and channel.is_ready:
        hang_up(channel, causes.NORMAL_CLEARING)


def _hibernate(channel: Channel) -> None:
    if channel.has(Flag.UUID_BRIDGE):
        channel.set_state(State.RESET)


def _reset(channel: Channel) -> None:
    channel.flags.discard(Flag.ORIGINATING)
    channel.flags.discard(Flag.REDIRECT)
    if channel.has(Flag.UUID_BRIDGE_ORIGINATOR):
        channel.set_state(State.SOFT_EXECUTE)


def _hangup(channel: Channel) -> None:
    _tell_phone(channel)
    recording.stop_all(channel)
    channel.kernel.set_callstate(channel, CallState.HANGUP)
    if hook := channel.var("api_hangup_hook"):
        command, _, argument = execute.expanded(channel, hook).partition(" ")
        channel.kernel.run_api(command, argument)
    channel.state = State.REPORTING


def _tell_phone(channel: Channel) -> None:
    """BYE, CANCEL or a refusal, unless the phone ended the call itself; either way the variables say who did."""
    cause = channel.cause or causes.NORMAL_CLEARING
    reason = causes.reason_header(cause)
    if channel.is_local:
        return
    if channel.remote_gone:
        if channel.hung_up_by:
            channel.set_var("sip_hangup_disposition", channel.hung_up_by)
        return
    if channel.has(Flag.ANSWERED):
        channel.set_var("sip_hangup_disposition", "send_bye")
        channel.kernel.put(PhoneHungUp(channel.uuid, cause, 200, reason))
    elif channel.direction == "outbound":
        channel.set_var("sip_hangup_disposition", "send_cancel")
        channel.kernel.put(PhoneCancelled(channel.uuid, cause, reason))
    else:
        channel.set_var("sip_hangup_disposition", "send_refuse")
        channel.kernel.put(PhoneHungUp(channel.uuid, cause, causes.sip_code(cause), reason))


def _reporting(channel: Channel) -> None:
    channel.variables.update(times.report(channel))
    channel.kernel.emit(channel, "CHANNEL_HANGUP_COMPLETE")
    channel.state = State.DESTROY


def _destroy(channel: Channel) -> None:
    kernel = channel.kernel
    channel.call_uuid = channel.uuid
    channel.set_var("call_uuid", channel.uuid)
    kernel.emit(channel, "CHANNEL_DESTROY")
    kernel.remove(channel)
    kernel.scheduler.unschedule(channel.uuid)
    channel.gone = True
    kernel.set_running(channel, State.DESTROY)
    for watch in list(channel.watchers):
        watch()


_HANDLERS: dict[State, Callable[[Channel], Steps | None]] = {
    State.INIT: _init,
    State.ROUTING: _routing,
    State.EXECUTE: _execute,
    State.SOFT_EXECUTE: _soft_execute,
    State.EXCHANGE_MEDIA: _exchange_media,
    State.PARK: _park,
    State.CONSUME_MEDIA: _hibernate,
    State.HIBERNATE: _hibernate,
    State.RESET: _reset,
    State.HANGUP: _hangup,
    State.REPORTING: _reporting,
}
