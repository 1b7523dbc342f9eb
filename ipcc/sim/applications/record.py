"""record: what one caller says, until a key, the time limit, his silence or his end (record_function, switch_ivr_record_file_event)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipcc.sim import digits, execute, signalling
from ipcc.sim.applications.playback import terminators_of
from ipcc.sim.hangup import hang_up
from ipcc.sim.outputs import RecordingStarted, RecordingStopped
from ipcc.sim.recording import is_writable_format
from ipcc.sim.settings import Spool
from ipcc.sim.states import Flag

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps

_SILENCE_S = 3
"""How long a silence ends the recording where only a threshold was given."""
_FAILED = "DESTINATION_OUT_OF_ORDER"


@dataclass(frozen=True)
class Wanted:
    """What is asked for: ``threshold`` is the mean amplitude below which there is silence, 0 for never; 0 seconds are no limit."""

    path: str
    limit_s: int
    threshold: int
    silence_s: int


def record(channel: Channel, argument: str) -> Steps:
    """``path [[+]limit [silence-threshold [silence-seconds]]]``.

    Unlike record_session it makes no folders: a file that cannot be opened ends the call, and so does whoever takes the leg
    away meanwhile (a transfer, a bridge). The result is in variables: ``record_seconds``, ``record_ms``,
    ``silence_hits_exhausted``, ``playback_terminator_used``.
    """
    wanted = _read(channel, argument)
    if wanted is None:
        return
    channel.set_var("playback_terminator_used", None)
    signalling.pre_answer(channel)
    if channel.is_ready and _can_be_opened(channel, wanted.path):
        yield from _record(channel, wanted)
        if channel.is_ready:
            return
    hang_up(channel, _FAILED)


def _read(channel: Channel, argument: str) -> Wanted | None:
    words = [*argument.split(), "", "", "", ""][:4]
    if not words[0]:
        return None
    prefix = channel.var("sound_prefix") or channel.kernel.settings.sounds_dir
    path = words[0] if words[0].startswith("/") else f"{prefix}/{words[0]}"
    limit, threshold, silence = (int(word) if word.isdecimal() else 0 for word in (words[1].lstrip("+"), *words[2:]))
    return Wanted(path, limit, threshold, silence or _SILENCE_S)


def _can_be_opened(channel: Channel, path: str) -> bool:
    return is_writable_format(path) and channel.kernel.settings.spool(path) in (Spool.WRITABLE, Spool.FULL)


def _record(channel: Channel, wanted: Wanted) -> Steps:
    kernel = channel.kernel
    channel.set_var("silence_hits_exhausted", "false")
    channel.reads_linear = True
    started = kernel.now
    kernel.emit(channel, "RECORD_START", after={"Record-File-Path": wanted.path})
    kernel.put(RecordingStarted(channel.uuid, wanted.path, started, stereo=False, alone=True))
    channel.flags.discard(Flag.BREAK)
    yield from _listen(channel, wanted, started)
    channel.flags.discard(Flag.BREAK)
    _tell_size(channel, kernel.now - started)
    kernel.emit(channel, "RECORD_STOP", after={"Record-File-Path": wanted.path})
    channel.reads_linear = False
    kernel.put(
        RecordingStopped(
            uuid=channel.uuid,
            path=wanted.path,
            started=started,
            ended=kernel.now,
            stereo=False,
            masked=channel.voice.silences(started, kernel.now),
            written=kernel.settings.spool(wanted.path) is not Spool.FULL,
        )
    )


def _listen(channel: Channel, wanted: Wanted, started: float) -> Steps:
    kernel = channel.kernel
    # whole seconds of the clock, and more than the limit of them (04f: a limit of 2 gave 2.1 s)
    until = math.floor(started) + wanted.limit_s + 1 if wanted.limit_s else math.inf
    while channel.is_ready and Flag.BREAK not in channel.flags and kernel.now < until:
        if _takes_terminator(channel):
            return
        quiet_since = channel.voice.quiet_since(wanted.threshold)
        silent_until = math.inf if quiet_since is None else max(quiet_since, started) + wanted.silence_s
        if kernel.now >= silent_until:
            channel.set_var("silence_hits_exhausted", "true")
            return
        due = min(until, silent_until)
        yield from execute.pause(channel, due if math.isfinite(due) else None)


def _takes_terminator(channel: Channel) -> bool:
    terminators = terminators_of(channel)
    while (key := digits.take(channel)) is not None:
        if key in terminators:
            channel.set_var("playback_terminator_used", key)
            return True
    return False


def _tell_size(channel: Channel, seconds: float) -> None:
    milliseconds = round(seconds * 50) * 20
    size = str(44 + milliseconds * 16)
    channel.set_var("record_record_file_size", size)
    channel.set_var("record_file_size", size)
    channel.set_var("record_seconds", str(milliseconds // 1000))
    channel.set_var("record_ms", str(milliseconds))
    channel.set_var("record_samples", str(milliseconds * 8))
