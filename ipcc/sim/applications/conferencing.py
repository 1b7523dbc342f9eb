"""conference: into a room and stay until hung up, transferred, kicked, or the room ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import conference as rooms
from ipcc.sim import digits, execute, signalling

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.conference import Member
    from ipcc.sim.timeline import Steps


def conference(channel: Channel, argument: str) -> Steps:
    """``name[@profile][+flags{mute|deaf|moderator|endconf}]``. Keys do what the profile's controls say, and nothing else."""
    place, _, rest = argument.strip().partition("+")
    name, _, profile = place.partition("@")
    flags = rest.partition("flags{")[2].partition("}")[0]
    signalling.answer(channel)
    if not name or not channel.is_ready:
        return
    member = rooms.enter(channel, name, profile or "default", frozenset(flags.split("|")))
    if member is None:
        return
    if channel.voice.is_speaking:
        rooms.talk(member)
    while channel.is_ready and not member.is_leaving:
        yield from execute.pause(channel)
        while channel.is_ready and (key := digits.take(channel)) is not None:
            _control(member, key)
    rooms.leave(member)


def _control(member: Member, key: str) -> None:
    action = member.room.kernel.settings.conference_controls.get(key)
    if action == "mute":
        rooms.let_speak(member, allowed=not member.can_speak)
    elif action == "event":
        member.room.tell("dtmf", member, DTMF_Key=key)
    elif action == "hangup":
        member.dismiss()
