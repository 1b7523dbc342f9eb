"""loopback/…: a leg that dials into the switch's own dialplan, made of two channels that mirror each other (mod_loopback)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ipcc.sim import session, signalling
from ipcc.sim.channels import Channel
from ipcc.sim.hangup import hang_up
from ipcc.sim.profiles import Profile, Times
from ipcc.sim.states import Flag, State

if TYPE_CHECKING:
    from ipcc.sim.kernel import Kernel


def dial(kernel: Kernel, destination: str, variables: tuple[tuple[str, str], ...]) -> Channel:
    """``number/context/dialplan``: the leg that dials; its other half runs the dialplan.

    An ``origination_uuid`` that is in use is silently replaced by a new one.
    """
    number, _, rest = destination.partition("/")
    context, _, dialplan = rest.partition("/")
    given = dict(variables)
    uuid = given.get("origination_uuid", "")
    if not uuid or uuid in kernel.channels:
        uuid = kernel.new_uuid()
    caller = (given.get("origination_caller_id_name", ""), given.get("origination_caller_id_number", "0000000000"))
    first = _half(kernel, uuid, f"loopback/{number}-a", "outbound", caller)
    second = _half(kernel, kernel.new_uuid(), f"loopback/{number}-b", "inbound", caller)
    first.profile.destination = number
    # the last word of what was dialled, whatever it is (18k)
    first.profile.callee_name, first.profile.callee_number = "Outbound Call", destination.rpartition("/")[2]
    first.flags.add(Flag.ORIGINATING)
    second.profile.destination = number
    second.profile.context = context or "default"
    second.profile.dialplan = dialplan or "XML"
    second.flags.add(Flag.DIALPLAN)
    _begin(first, second, variables)
    if uuid == given.get("origination_uuid"):
        # it is made under another and then renamed (18k); not where that is in use (18n)
        kernel.emit(first, "CHANNEL_UUID", before={"Old-Unique-ID": kernel.new_uuid()})
    kernel.emit(first, "CHANNEL_OUTGOING")
    session.start(first)
    session.start(second)
    _mirror(second, first)
    second.watch(lambda: _mirror(second, first))
    first.watch(lambda: _end_too(first, second))
    return first


def _half(kernel: Kernel, uuid: str, name: str, direction: str, caller: tuple[str, str]) -> Channel:
    now = kernel.stamp_us
    profile = Profile(
        caller_name=caller[0],
        caller_number=caller[1],
        orig_caller_name=caller[0],
        orig_caller_number=caller[1],
        ani=caller[1],
        source="mod_loopback",
        uuid=kernel.new_uuid(),
        direction=direction,
        logical_direction=direction,
        times=Times(profile_created=now, created=now),
    )
    channel = Channel(kernel, uuid, name, direction, profile, sofia_profile="loopback")
    channel.is_local = True
    return channel


def _begin(first: Channel, second: Channel, variables: tuple[tuple[str, str], ...]) -> None:
    for channel, other, leg in ((first, second, "A"), (second, first, "B")):
        channel.kernel.add(channel)
        channel.variables.update(
            {
                "direction": channel.direction,
                "uuid": channel.uuid,
                "call_uuid": channel.uuid,
                "session_id": str(channel.session_id),
                "channel_name": channel.name,
                "is_loopback": "1",
                "loopback_leg": leg,
                "other_loopback_leg_uuid": other.uuid,
            }
        )
    for name, value in variables:
        first.set_var(name, value)
    first.set_var("originate_endpoint", "loopback")
    first.state = State.INIT


def _mirror(second: Channel, first: Channel) -> None:
    """What the half in the dialplan does, the dialling half reports."""
    if second.is_down:
        _end_too(second, first)
        return
    moves: tuple[tuple[Flag, Callable[[Channel], None]], ...] = (
        (Flag.RING_READY, signalling.ring_ready),
        (Flag.EARLY_MEDIA, signalling.pre_answer),
        (Flag.ANSWERED, signalling.answer),
    )
    for flag, move in moves:
        if second.has(flag) and not first.has(flag):
            move(first)


def _end_too(ended: Channel, other: Channel) -> None:
    if ended.is_down and not other.is_down:
        hang_up(other, ended.cause or "NORMAL_CLEARING")
