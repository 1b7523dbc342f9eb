"""Conference rooms: who is in them, who may speak and hear, who has the floor, and what is told of it (mod_conference)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipcc.sim import headers
from ipcc.sim.outputs import HeaderValue, RecordingStarted, RecordingStopped
from ipcc.sim.settings import Spool

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.kernel import Kernel

SUBCLASS = "conference::maintenance"
_RATE = 8000
_ENERGY_LEVEL = "100"
# the mixer first looks at a room a frame after it was made; members of the same moment are in by then (08c)
_FIRST_MIX_S = 0.025
_HEARD_AFTER_FRAMES = 3
"""From unmute to start-talking of somebody who never stopped speaking (11a)."""


@dataclass
class Member:
    """One leg in a room. Ids count through all rooms and never begin again."""

    id: int
    room: Room
    channel: Channel
    joined_s: int
    can_speak: bool = True
    can_hear: bool = True
    is_held: bool = False
    is_talking: bool = False
    is_moderator: bool = False
    ends_room: bool = False
    last_talked_s: int = 0
    is_leaving: bool = False

    @property
    def has_floor(self) -> bool:
        return self.room.floor is self

    def dismiss(self) -> None:
        """Out of the room; what becomes of the leg is for its dialplan to say."""
        self.is_leaving = True
        self.channel.wake()


@dataclass
class Room:
    """A conference while somebody is in it."""

    kernel: Kernel
    name: str
    profile: str
    uuid: str
    started_s: int
    members: list[Member] = field(default_factory=list)
    """The latest first, as lists show them."""
    floor: Member | None = None
    is_locked: bool = False
    recordings: dict[str, float] = field(default_factory=dict)
    """Files being written, each with the time it was begun."""

    def tell(self, action: str, member: Member | None = None, **fields: str) -> None:
        """One conference::maintenance event."""
        out = self._headers()
        if member:
            out.update(member_headers(member))
        out["Action"] = action
        out.update({name.replace("_", "-"): value for name, value in fields.items()})
        self.kernel.fire("CUSTOM", out, SUBCLASS)

    def _headers(self) -> dict[str, HeaderValue]:
        return {
            "Conference-Name": self.name,
            "Conference-Domain": self.kernel.settings.domain,
            "Conference-Size": str(len(self.members)),
            "Conference-Ghosts": "0",
            "Conference-Profile-Name": self.profile,
            "Conference-Unique-ID": self.uuid,
        }

    def find(self, number: int) -> Member | None:
        return next((member for member in self.members if member.id == number), None)

    # --- the floor -----------------------------------------------------------------------------------------------

    def give_floor(self, member: Member | None) -> None:
        """Whoever is heard first by the mixer; None when its holder has gone."""
        old = self.floor.id if self.floor and member else None
        self.floor = member
        self.tell(
            "floor-change", member, Old_ID=str(old) if old else "none", New_ID=str(member.id) if member else "none"
        )

    def mix(self) -> None:
        """Nobody has the floor: the first in the list gets it."""
        if self.floor is None and self.members:
            self.give_floor(self.members[0])

    # --- files ---------------------------------------------------------------------------------------------------

    def record(self, path: str) -> None:
        """Write what is said to ``path``; a path that cannot be written is told to nobody."""
        if self.kernel.settings.spool(path) is Spool.IMPOSSIBLE:
            return
        kernel = self.kernel
        self.recordings[path] = kernel.now
        kernel.put(RecordingStarted(self.uuid, path, kernel.now, False))
        kernel.timeline.at(kernel.timeline.next_frame(), lambda: self.tell("start-recording", Path=path))

    def stop_recording(self, path: str) -> None:
        started = self.recordings.pop(path)
        kernel = self.kernel
        is_written = kernel.settings.spool(path) is not Spool.FULL
        kernel.put(RecordingStopped(self.uuid, path, started, kernel.now, False, (), True, is_written))
        elapsed = round((kernel.now - started) * 1000)
        kernel.timeline.at(
            kernel.timeline.next_frame(),
            lambda: self.tell("stop-recording", Path=path, Milliseconds_Elapsed=str(elapsed)),
        )


@dataclass
class Rooms:
    """All rooms of a switch."""

    by_name: dict[str, Room] = field(default_factory=dict)
    next_id: int = 1


def enter(channel: Channel, name: str, profile: str, flags: frozenset[str]) -> Member | None:
    """Into the room, which is made if it is not there; None if it is locked."""
    kernel = channel.kernel
    room = kernel.rooms.by_name.get(name)
    if room is None:
        room = Room(kernel, name, profile, kernel.new_uuid(), int(kernel.now))
        kernel.rooms.by_name[name] = room
        room.tell("conference-create")
        kernel.timeline.after(_FIRST_MIX_S, room.mix)
    elif room.is_locked:
        return None
    member = Member(kernel.rooms.next_id, room, channel, int(kernel.now))
    kernel.rooms.next_id += 1
    member.can_speak = "mute" not in flags
    member.can_hear = "deaf" not in flags
    member.is_moderator = "moderator" in flags
    member.ends_room = "endconf" in flags
    room.members.insert(0, member)
    channel.member = member
    channel.reads_linear = True
    channel.set_var("conference_name", name)
    channel.set_var("conference_member_id", str(member.id))
    channel.set_var("conference_moderator", "true" if member.is_moderator else "false")
    channel.set_var("conference_uuid", room.uuid)
    room.tell("add-member", member)
    return member


def leave(member: Member) -> None:
    """Out of the room; the last one to leave ends it, and so does the last one marked ``endconf``."""
    room, channel = member.room, member.channel
    kernel = room.kernel
    if member.has_floor:
        # told while the one who leaves still counts
        room.give_floor(None)
        kernel.timeline.at(kernel.timeline.next_frame(), room.mix)
    room.members.remove(member)
    channel.member = None
    room.tell("del-member", member)
    channel.reads_linear = False
    if member.ends_room and not any(other.ends_room for other in room.members):
        for other in room.members:
            other.dismiss()
    if not room.members:
        kernel.timeline.at(kernel.timeline.next_frame(), lambda: _end(room))


def _end(room: Room) -> None:
    rooms = room.kernel.rooms.by_name
    if room.members or rooms.get(room.name) is not room:
        return
    for path in list(room.recordings):
        room.stop_recording(path)
    del rooms[room.name]
    room.tell("conference-destroy")


def talk(member: Member) -> None:
    """The energy of what this member says has passed the level; the floor goes to him if its holder is silent."""
    if member.is_talking or not member.can_speak or member.is_held:
        return
    room = member.room
    member.is_talking = True
    member.last_talked_s = int(room.kernel.now)
    room.tell("start-talking", member)
    if room.floor and room.floor is not member and not room.floor.is_talking:
        room.give_floor(member)


def be_silent(member: Member) -> None:
    if member.is_talking:
        member.is_talking = False
        member.last_talked_s = int(member.room.kernel.now)
        member.room.tell("stop-talking", member)


def let_speak(member: Member, *, allowed: bool) -> None:
    """Mute or unmute; who is speaking all the time is noticed a little later."""
    member.can_speak = allowed
    if not allowed:
        member.is_talking = False
    member.room.tell("unmute-member" if allowed else "mute-member", member)
    timeline = member.room.kernel.timeline
    if allowed and member.channel.voice.is_speaking:
        timeline.at(timeline.next_frame(_HEARD_AFTER_FRAMES), lambda: _notice(member))


def _notice(member: Member) -> None:
    if member.channel.member is member and member.channel.voice.is_speaking:
        talk(member)


def member_headers(member: Member) -> dict[str, HeaderValue]:
    """A member and its channel, without variables."""
    out: dict[str, HeaderValue] = {"Floor": _truth(member.has_floor)}
    out.update(headers.channel_headers(member.channel))
    out.update(
        {
            "Video": "false",
            "Hear": _truth(member.can_hear),
            "See": "true",
            "Speak": _truth(member.can_speak),
            "Talking": _truth(member.is_talking),
            "Mute-Detect": "false",
            "Hold": _truth(member.is_held),
            "Member-ID": str(member.id),
            "Member-Type": "moderator" if member.is_moderator else "member",
            "Member-Ghost": "false",
            "Energy-Level": _ENERGY_LEVEL,
            "Current-Energy": "5000" if member.is_talking else "0",
        }
    )
    return out


def _truth(value: bool) -> str:
    return "true" if value else "false"
