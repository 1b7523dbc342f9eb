"""conference: mute, hold, kick, play, record, lock in one of them (conference_api.c)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from ipcc.sim import conference as rooms
from ipcc.sim.api import conference_lists as lists
from ipcc.sim.applications.playback import duration_of
from ipcc.sim.outputs import DigitsSent, PlaybackStarted
from ipcc.sim.transfer import session_transfer

if TYPE_CHECKING:
    from ipcc.sim.conference import Member, Room
    from ipcc.sim.kernel import Kernel

MemberCommand = Callable[["Member", str], str]
RoomCommand = Callable[["Room", list[str]], str]


def conference(kernel: Kernel, argument: str) -> str:
    """``name command …``, or ``list`` of all rooms."""
    words = argument.split()
    if not words:
        return "".join(f"<conf name> {name}\n" for name in (*_ROOM_COMMANDS, *_MEMBER_COMMANDS))
    room = kernel.rooms.by_name.get(words[0])
    if room is None:
        return _of_all(list(kernel.rooms.by_name.values()), words[0])
    if len(words) == 1:
        return "Conference command, not specified.\nTry 'help'\n"
    command, rest = words[1].lower(), words[2:]
    if command in _ROOM_COMMANDS:
        return _ROOM_COMMANDS[command](room, rest)
    if command in _MEMBER_COMMANDS:
        return _on_members(room, command, rest)
    return f"-ERR Conference command '{words[1]}' not found.\n"


def _of_all(every: list[Room], command: str) -> str:
    if command == "list":
        return "".join(map(lists.summary, every)) or "+OK No active conferences.\n"
    if command == "count":
        return str(len(every))
    if command == "json_list":
        return lists.as_json([lists.described(room) for room in every])
    return f"-ERR Conference {command} not found\n"


def _on_members(room: Room, command: str, words: list[str]) -> str:
    if not words:
        return f"conference <confname> {command} [<member_id>|all|last|non_moderator]"
    run, data = _MEMBER_COMMANDS[command], " ".join(words[1:])
    who = words[0].lower()
    groups = {
        "all": list(room.members),
        "last": room.members[:1],
        "non_moderator": [member for member in room.members if not member.is_moderator],
    }
    if who in groups:
        return "".join(run(member, data) for member in groups[who])
    member = room.find(int(who)) if who.isdigit() else None
    if member is None:
        return f"-ERR Non-Existant ID {int(who)}\n" if who.isdigit() else "-ERR Non-Existant member\n"
    return run(member, data)


# --- one member --------------------------------------------------------------------------------------------------


def _mute(member: Member, data: str) -> str:
    del data
    rooms.let_speak(member, allowed=False)
    return f"+OK mute {member.id}\n"


def _unmute(member: Member, data: str) -> str:
    del data
    rooms.let_speak(member, allowed=True)
    return f"+OK unmute {member.id}\n"


def _toggle_mute(member: Member, data: str) -> str:
    return _mute(member, data) if member.can_speak else _unmute(member, data)


def _deaf(member: Member, data: str) -> str:
    del data
    member.can_hear = False
    member.room.tell("deaf-member", member)
    return f"+OK deaf {member.id}\n"


def _undeaf(member: Member, data: str) -> str:
    del data
    member.can_hear = True
    member.room.tell("undeaf-member", member)
    return f"+OK undeaf {member.id}\n"


def _hold(member: Member, data: str) -> str:
    del data
    member.is_held, member.is_talking = True, False
    member.room.tell("hold-member", member)
    return f"+OK hold {member.id}\n"


def _unhold(member: Member, data: str) -> str:
    del data
    member.is_held = False
    member.room.tell("unhold-member", member)
    return f"+OK unhold {member.id}\n"


def _floor(member: Member, data: str) -> str:
    del data
    room = member.room
    if room.floor is None:
        room.give_floor(member)
        return f"+OK floor {member.id}\n"
    if room.floor is member:
        room.give_floor(None)
        return "+OK floor none\n"
    return f"-ERR floor is held by {room.floor.id}\n"


def _kick(member: Member, data: str) -> str:
    del data
    member.dismiss()
    member.room.tell("kick-member", member)
    return f"+OK kicked {member.id}\n"


def _hup(member: Member, data: str) -> str:
    del data
    member.dismiss()
    member.room.tell("hup-member", member)
    return f"+OK hup {member.id}\n"


def _volume(way: str, member: Member, data: str) -> str:
    level = data.split(" ", maxsplit=1)[0] or "0"
    member.room.tell(f"volume-{way}-member", member, Volume_Level=level)
    return f"+OK Volume {way.upper()} {member.id} = {level}\n"


def _volume_in(member: Member, data: str) -> str:
    return _volume("in", member, data)


def _volume_out(member: Member, data: str) -> str:
    return _volume("out", member, data)


def _dtmf(member: Member, data: str) -> str:
    if not data:
        return "-ERR Invalid input!\n"
    member.room.kernel.put(DigitsSent(member.channel.uuid, data))
    return f"+OK sent {data} to {member.id}\n"


def _get_uuid(member: Member, data: str) -> str:
    del data
    return member.channel.uuid


# --- the room ----------------------------------------------------------------------------------------------------


def _play(room: Room, words: list[str]) -> str:
    path = words[0] if words else "(unspecified)"
    seconds = duration_of(room.kernel, path)
    to = words[1] if len(words) > 1 and words[1].lower() != "async" else ""
    member = room.find(int(to)) if to.isdigit() else None
    if to and member is None:
        return f"-ERR Member: {int(to) if to.isdigit() else 0} not found.\n"
    if seconds is None:
        if not member:
            # told although nothing sounds (11a)
            room.tell("play-file", File=path, Async="false", Error="File could not be played")
        return f"-ERR (play) File: {path} not found.\n"
    for each in [member] if member else room.members:
        room.kernel.put(PlaybackStarted(each.channel.uuid, path))
    if member:
        room.tell("play-file-member", member, File=path)
    else:
        room.tell("play-file", File=path, Async="false")
    if math.isfinite(seconds):
        room.kernel.timeline.after(seconds, lambda: _played(room, member, path, seconds))
    return f"+OK (play) Playing file {path}" + (f" to member {member.id}\n" if member else "\n")


def _played(room: Room, member: Member | None, path: str, seconds: float) -> None:
    length = {"seconds": str(int(seconds)), "milliseconds": str(round(seconds * 1000))}
    if member is None and room.members:
        room.tell("play-file-done", None, File=path, **length)
    elif member in room.members:
        room.tell("play-file-member-done", member, File=path, **length)


def _record(room: Room, words: list[str]) -> str:
    if not words:
        return "conference <confname> record <filename>"
    if words[0] in room.recordings:
        return f"-ERR file [{words[0]}] is already being used for recording.\n"
    room.record(words[0])
    return f"+OK Record file {words[0]}\n"


def _norecord(room: Room, words: list[str]) -> str:
    wanted = words[0] if words else "all"
    if wanted == "all":
        paths = list(room.recordings)
    elif wanted in room.recordings:
        paths = [wanted]
    else:
        return f"-ERR non-existant recording '{wanted}'\n"
    for path in paths:
        room.stop_recording(path)
    # one that is named is not counted (11a)
    count = len(paths) if wanted == "all" else 0
    told = "".join(f"Stopped recording file {path}\n" for path in paths)
    return f"{told}+OK Stopped recording {count} file{'' if count == 1 else 's'}\n"


def _recording(room: Room, words: list[str]) -> str:
    action = words[0].lower() if words else ""
    if action == "start":
        return _record(room, words[1:])
    if action == "stop":
        return _norecord(room, words[1:])
    if action == "check":
        told = "".join(f"+OK Record file {path}\n" for path in room.recordings)
        return told or "-ERR Conference is not being recorded.\n"
    return "conference <confname> recording [start|stop|check|pause|resume] [<filename>|all]"


def _lock(room: Room, words: list[str]) -> str:
    del words
    room.is_locked = True
    room.tell("lock")
    return f"+OK {room.name} locked\n"


def _unlock(room: Room, words: list[str]) -> str:
    del words
    room.is_locked = False
    room.tell("unlock")
    return f"+OK {room.name} unlocked\n"


def _transfer(room: Room, words: list[str]) -> str:
    told = ""
    for number in words[1:]:
        member = room.find(int(number)) if number.isdigit() else None
        if member is None:
            told += f"-ERR No Member {number} in conference {room.name}.\n"
            continue
        name, _, profile = words[0].partition("@")
        session_transfer(member.channel, f"conference:{name}@{profile or 'default'}", "inline")
        room.tell("transfer", member, Old_Conference_Name=room.name, New_Conference_Name=words[0])
        told += f"+OK Member '{member.id}' sent to conference {words[0]}.\n"
    return told


_ROOM_COMMANDS: Mapping[str, RoomCommand] = MappingProxyType(
    {
        "list": lists.listed,
        "json_list": lambda room, words: lists.as_json([lists.described(room)]),
        "count": lambda room, words: str(len(room.members)),
        "play": _play,
        "record": _record,
        "norecord": _norecord,
        "recording": _recording,
        "lock": _lock,
        "unlock": _unlock,
        "transfer": _transfer,
    }
)

_MEMBER_COMMANDS: Mapping[str, MemberCommand] = MappingProxyType(
    {
        "mute": _mute,
        "unmute": _unmute,
        "tmute": _toggle_mute,
        "deaf": _deaf,
        "undeaf": _undeaf,
        "hold": _hold,
        "unhold": _unhold,
        "floor": _floor,
        "kick": _kick,
        "hup": _hup,
        "volume_in": _volume_in,
        "volume_out": _volume_out,
        "dtmf": _dtmf,
        "get-uuid": _get_uuid,
    }
)
