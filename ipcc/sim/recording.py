"""Recordings attached to a channel (media bugs of record_session and uuid_record). Pure: what is written is told as outputs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipcc.sim.outputs import RecordingStarted, RecordingStopped
from ipcc.sim.settings import Spool

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Timer

# formats whose module the recorded switch had; mp3 was refused there (10g)
_FORMATS = frozenset({"wav", "raw", "r8", "al", "ul", "au", "ogg", "gsm", "wve"})


@dataclass
class Recording:
    """One file being written."""

    channel: Channel
    asked: str
    path: str
    started: float
    stereo: bool
    spool: Spool
    minimum_s: float
    masked: list[tuple[float, float]] = field(default_factory=list)
    masked_since: float | None = None
    limit: Timer | None = None


def start(channel: Channel, asked: str, limit_s: float = 0) -> bool:
    """Begin to record; False where the switch says ``Cannot record session!``. The same path again changes nothing (10a)."""
    kernel = channel.kernel
    path = _full(channel, asked)
    if find(channel, path):
        return True
    if not can_start(channel, asked):
        return False
    spool = kernel.settings.spool(path)
    recording = Recording(
        channel=channel,
        asked=asked,
        path=path,
        started=kernel.now,
        stereo=channel.is_true("RECORD_STEREO") or channel.is_true("RECORD_STEREO_SWAP"),
        spool=spool,
        minimum_s=float(channel.var("RECORD_MIN_SEC") or 0),
    )
    channel.recordings.append(recording)
    kernel.emit(channel, "RECORD_START", after={"Record-File-Path": path})
    kernel.put(RecordingStarted(channel.uuid, path, kernel.now, recording.stereo))
    if limit_s > 0:
        # compared in whole seconds of the clock, so up to one second early (fact 23: 2 s gave 1.6 to 2.6 s)
        recording.limit = kernel.timeline.at(math.floor(kernel.now) + limit_s, lambda: _expire(channel, path))
    return True


def can_start(channel: Channel, asked: str) -> bool:
    """Whether the path can be written and the leg has sound."""
    path = _full(channel, asked)
    return (
        channel.has_media
        and not channel.is_down
        and is_writable_format(path)
        and channel.kernel.settings.spool(path) is not Spool.IMPOSSIBLE
    )


def _full(channel: Channel, asked: str) -> str:
    """A relative path lies among the sounds; only the full one stops it again (10b)."""
    return asked if asked.startswith(("/", "{")) else f"{channel.kernel.settings.sounds_dir}/{asked}"


def is_writable_format(path: str) -> bool:
    if path.startswith("/dev/"):
        return True
    return path.rpartition(".")[2].lower() in _FORMATS


def find(channel: Channel, path: str) -> Recording | None:
    return next((recording for recording in channel.recordings if recording.path == path), None)


def _expire(channel: Channel, path: str) -> None:
    stop(channel, path)


def stop(channel: Channel, path: str) -> bool:
    """End one recording, or with ``all`` every one; False if there was none of that exact path."""
    found = [recording for recording in channel.recordings if path in (recording.path, "all")]
    for recording in found:
        _close(recording, "success-maxtime")
    return bool(found)


def stop_all(channel: Channel) -> None:
    """The leg ends, and its recordings with it."""
    for recording in list(channel.recordings):
        _close(recording, "success-silence")


def mask(channel: Channel, path: str, masked: bool) -> bool:
    """Write silence from now on, or sound again. Nothing announces it."""
    recording = find(channel, path)
    if recording is None:
        return False
    offset = channel.kernel.now - recording.started
    if masked and recording.masked_since is None:
        recording.masked_since = offset
    elif not masked and recording.masked_since is not None:
        recording.masked.append((recording.masked_since, offset))
        recording.masked_since = None
    return True


def _close(recording: Recording, completion: str) -> None:
    channel = recording.channel
    kernel = channel.kernel
    channel.recordings.remove(recording)
    if recording.limit:
        recording.limit.cancel()
    seconds = kernel.now - recording.started
    if recording.masked_since is not None:
        recording.masked.append((recording.masked_since, seconds))
    kept = seconds >= recording.minimum_s
    after: dict[str, str | list[str]] = {"Record-File-Path": recording.path}
    if recording.spool is not Spool.FULL:
        _tell_size(recording, seconds)
        why = completion if kept else "input-too-short"
        channel.set_var("record_completion_cause", why)
        after["Record-Completion-Cause"] = why
    kernel.emit(channel, "RECORD_STOP", after=after)
    kernel.put(
        RecordingStopped(
            uuid=channel.uuid,
            path=recording.path,
            started=recording.started,
            ended=kernel.now,
            stereo=recording.stereo,
            masked=tuple(recording.masked),
            kept=kept,
            written=recording.spool is not Spool.FULL,
        )
    )


def _tell_size(recording: Recording, seconds: float) -> None:
    channels = 2 if recording.stereo else 1
    milliseconds = round(seconds * 50) * 20
    recording.channel.set_var("record_file_size", str(44 + milliseconds * 16 * channels))
    recording.channel.set_var("record_ms", str(milliseconds))
    recording.channel.set_var("record_samples", str(milliseconds * 8))
    recording.channel.set_var("record_seconds", str(milliseconds // 1000))
