"""Conference rooms and their members as the lists show them (conference_list, json_list)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipcc.sim.conference import Member, Room


def summary(room: Room) -> str:
    """A room in the list of all rooms."""
    count = len(room.members)
    locked = " locked" if room.is_locked else ""
    flags = "|".join([*(["locked"] if room.is_locked else []), *_ROOM_FLAGS])
    members = f"{count} member{'' if count == 1 else 's'}"
    return f"+OK Conference {room.name} ({members} rate: 8000{locked} flags: {flags})\n" + _lines(room, ";")


_ROOM_FLAGS = ("running", "answered", "enforce_min", "dynamic", "exit_sound", "enter_sound")


def listed(room: Room, words: list[str]) -> str:
    """Its members: ``count``, or one a line, fields parted by ``;`` or ``delim X``."""
    if words[:1] == ["count"]:
        return str(len(room.members))
    delimiter = words[1].strip('"') if words[:1] == ["delim"] and len(words) > 1 else ";"
    return _lines(room, delimiter)


def _lines(room: Room, delimiter: str) -> str:
    return "".join(delimiter.join(_line(member)) + "\n" for member in room.members)


def _line(member: Member) -> list[str]:
    profile = member.channel.profile
    marks = {
        "hear": member.can_hear and not member.is_held,
        "speak": member.can_speak and not member.is_held,
        "talking": member.is_talking and not member.is_held,
        "hold": member.is_held,
        "floor": member.has_floor,
        "moderator": member.is_moderator,
    }
    flags = "|".join(name for name, is_set in marks.items() if is_set)
    who = [str(member.id), member.channel.name, member.channel.uuid, profile.caller_name, profile.caller_number]
    return [*who, flags, "0", "0", "100"]


def as_json(value: object, depth: int = 0) -> str:
    """As cJSON prints: tabs, one member a line, the items of a list one after the other."""
    tabs = "\t" * depth
    if isinstance(value, dict):
        lines = [f"{tabs}\t{json.dumps(key)}:\t{as_json(item, depth + 1)}" for key, item in value.items()]
        return "\n".join(["{", *([",\n".join(lines)] if lines else []), tabs + "}"])
    if isinstance(value, list):
        return "[" + ", ".join(as_json(item, depth + 1) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def described(room: Room) -> dict[str, object]:
    """A room and its members, as json_list tells them."""
    flags = {name: name in _ROOM_FLAGS for name in _JSON_FLAGS}
    flags["locked"], flags["recording"] = room.is_locked, bool(room.recordings)
    now = int(room.kernel.now)
    return {
        "conference_name": room.name,
        "member_count": len(room.members),
        "ghost_count": 0,
        "rate": 8000,
        "run_time": now - room.started_s,
        "conference_uuid": room.uuid,
        "canvas_count": 0,
        "max_bw_in": 0,
        "force_bw_in": 0,
        "video_floor_packets": 0,
        **flags,
        "variables": {},
        "members": [_described_member(member, now) for member in room.members],
    }


_JSON_FLAGS = (
    "locked",
    "destruct",
    "wait_mod",
    "audio_always",
    "running",
    "answered",
    "enforce_min",
    "bridge_to",
    "dynamic",
    "exit_sound",
    "enter_sound",
    "recording",
    "video_bridge",
    "video_floor_only",
    "video_rfc4579",
)


def _described_member(member: Member, now: int) -> dict[str, object]:
    profile = member.channel.profile
    flags = {
        "can_hear": member.can_hear,
        "can_see": True,
        "can_speak": member.can_speak,
        "hold": member.is_held,
        "mute_detect": False,
        "talking": member.is_talking,
        "has_video": False,
        "video_bridge": False,
        "has_floor": member.has_floor,
        "is_moderator": member.is_moderator,
        "end_conference": member.ends_room,
        "mandatory_member_end_conference": False,
        "pass_digits": False,
    }
    return {
        "type": "caller",
        "id": member.id,
        "flags": flags,
        "uuid": member.channel.uuid,
        "caller_id_name": profile.caller_name,
        "caller_id_number": profile.caller_number,
        "join_time": now - member.joined_s,
        "last_talking": now - member.last_talked_s if member.last_talked_s else 0,
        "energy": 100,
        "volume_in": 0,
        "volume_out": 0,
        "output-volume": 0,
        "input-volume": 0,
    }
