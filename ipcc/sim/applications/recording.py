"""record, record_session, stop_record_session and their masks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ipcc.sim import digits, execute, signalling
from ipcc.sim import recording as recorder
from ipcc.sim.outputs import RecordingStarted, RecordingStopped
from ipcc.sim.settings import Spool
from ipcc.sim.states import Flag

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps


def record_session(channel: Channel, argument: str) -> Steps:
    """Record both sides from the next frame on; a path that cannot be written is passed over in silence (10e)."""
    path, _, limit = argument.partition("+")
    if not recorder.can_start(channel, path.strip()):
        return
    yield channel.kernel.timeline.next_frame()
    recorder.start(channel, path.strip(), float(limit) if limit.isdigit() else 0)


def stop_record_session(channel: Channel, argument: str) -> None:
    recorder.stop(channel, argument.strip())


def record_session_mask(channel: Channel, argument: str) -> None:
    recorder.mask(channel, argument.strip(), masked=True)


def record_session_unmask(channel: Channel, argument: str) -> None:
    recorder.mask(channel, argument.strip(), masked=False)


def record(channel: Channel, argument: str) -> Steps:
    """``path limit silence-threshold silence-hits``: record only this caller until a terminator (told as in 04f), the limit or the end."""
    words = argument.split(" ")
    path = words[0]
    limit = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    kernel = channel.kernel
    signalling.pre_answer(channel)
    if kernel.settings.spool(path) is Spool.IMPOSSIBLE:
        return
    terminators = channel.var("playback_terminators") or "*"
    channel.set_var("playback_terminator_used", None)
    started = kernel.now
    kernel.emit(channel, "RECORD_START", after={"Record-File-Path": path})
    kernel.put(RecordingStarted(channel.uuid, path, started, stereo=False))
    until = math.floor(started) + limit if limit else math.inf
    channel.flags.discard(Flag.BREAK)
    while channel.is_ready and kernel.now < until and Flag.BREAK not in channel.flags:
        yield from execute.pause(channel, until if math.isfinite(until) else None)
        if key := next((digit for digit in iter(lambda: digits.take(channel), None) if digit in terminators), None):
            channel.set_var("playback_terminator_used", key)
            break
    channel.flags.discard(Flag.BREAK)
    milliseconds = round((kernel.now - started) * 1000)
    channel.set_var("record_ms", str(milliseconds))
    channel.set_var("record_samples", str(milliseconds * 8))
    channel.set_var("record_seconds", str(milliseconds // 1000))
    kernel.emit(channel, "RECORD_STOP", after={"Record-File-Path": path})
    kernel.put(RecordingStopped(channel.uuid, path, started, kernel.now, stereo=False, masked=()))
