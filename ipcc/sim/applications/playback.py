"""playback and everything that sounds: files, sequences of files, tones, silence, endless streams (switch_ivr_play_file)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipcc.sim import digits, execute, signalling
from ipcc.sim.outputs import PlaybackStarted
from ipcc.sim.states import Flag

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.kernel import Kernel
    from ipcc.sim.timeline import Steps

OnDigit = Callable[[str], bool]
"""Told each key pressed while something plays; True stops the playing."""

_TONES = re.compile(r"%\((\d+)\s*,\s*(\d+)")


@dataclass
class Result:
    """How a playing ended: ``done``, ``break`` (a key or uuid_break), ``missing`` (no such file) or ``error``."""

    status: str = "done"


def duration_of(kernel: Kernel, path: str) -> float | None:
    """Seconds that ``path`` plays, infinity for a stream, None if the switch could not open it."""
    kind, separator, rest = path.partition("://")
    if not separator:
        full = path if path.startswith("/") else f"{kernel.settings.sounds_dir}/{path}"
        return kernel.settings.sounds(full)
    if kind == "silence_stream":
        milliseconds = rest.partition(",")[0]
        return math.inf if milliseconds.startswith("-") else _number(milliseconds) / 1000
    if kind == "tone_stream":
        return _tone_duration(rest)
    if kind in ("local_stream", "shout"):
        return math.inf
    if kind in ("file_string", "phrase_files"):
        return _sequence_duration(kernel, rest)
    return kernel.settings.sounds(path)


def _sequence_duration(kernel: Kernel, names: str) -> float | None:
    lengths = [duration_of(kernel, name) for name in names.split("!") if name]
    known = [length for length in lengths if length is not None]
    return sum(known) if known else None


def _tone_duration(tones: str) -> float:
    body, _, options = tones.partition(";loops=")
    once = sum(int(on) + int(off) for on, off in _TONES.findall(body)) / 1000
    if not options:
        return once
    return math.inf if options.startswith("-") else once * max(_number(options), 1)


def _number(text: str) -> int:
    found = re.match(r"\s*(\d+)", text)
    return int(found.group(1)) if found else 0


def play(channel: Channel, path: str, on_digit: OnDigit | None = None, result: Result | None = None) -> Steps:
    """Play ``path`` to its end, or until a key, uuid_break, a bridge, a transfer or the hang-up stops it.

    Commands queued meanwhile run inside: the sound waits for them (fact 13).
    """
    result = result if result is not None else Result()
    kernel = channel.kernel
    signalling.pre_answer(channel)
    length = duration_of(kernel, path)
    if length is None or not channel.is_ready:
        result.status = "missing" if channel.is_ready else "error"
        return
    header: dict[str, str | list[str]] = {}
    if "://" in path:
        header["Playback-File-Type"] = path.partition("://")[0]
    header["Playback-File-Path"] = path
    kernel.emit(channel, "PLAYBACK_START", after=header)
    kernel.put(PlaybackStarted(channel.uuid, path))
    left = [length]
    channel.flags.discard(Flag.BREAK)
    yield from _let_sound(channel, left, on_digit, result)
    _note_played(channel, length - left[0] if math.isfinite(length) else kernel.now - left[0])
    kernel.emit(
        channel, "PLAYBACK_STOP", after={**header, "Playback-Status": "break" if result.status == "break" else "done"}
    )


def sound(channel: Channel, seconds: float, result: Result) -> Steps:
    """Something that is told by no event sounds so long, or until uuid_break, a transfer or the hang-up stops it (15a)."""
    signalling.pre_answer(channel)
    channel.flags.discard(Flag.BREAK)
    yield from _let_sound(channel, [seconds], None, result)


def _let_sound(channel: Channel, left: list[float], on_digit: OnDigit | None, result: Result) -> Steps:
    """``left[0]`` is what remains to be heard in seconds; an endless stream notes there when it began."""
    kernel = channel.kernel
    endless = math.isinf(left[0])
    if endless:
        left[0] = kernel.now
    while channel.is_ready and result.status == "done" and (endless or left[0] > 1e-6):
        if not execute.has_work(channel):
            begun = kernel.now
            yield None if endless else kernel.now + left[0]
            left[0] -= 0 if endless else kernel.now - begun
        if not channel.is_ready:
            # only here: ended by what ran inside it, the switch says FILE PLAYED (04t)
            result.status = "error"
            break
        yield from execute.carry_out_messages(channel)
        _look_for_break(channel, on_digit, result)


def _look_for_break(channel: Channel, on_digit: OnDigit | None, result: Result) -> None:
    if Flag.BREAK in channel.flags:
        channel.flags.discard(Flag.BREAK)
        result.status = "break"
    while on_digit and result.status == "done" and (digit := digits.take(channel)) is not None:
        if on_digit(digit):
            result.status = "break"


def _note_played(channel: Channel, seconds: float) -> None:
    milliseconds = round(seconds * 1000)
    channel.set_var("playback_last_offset_pos", str(milliseconds * 8))
    channel.set_var("playback_seconds", str(milliseconds // 1000))
    channel.set_var("playback_ms", str(milliseconds))
    channel.set_var("playback_samples", str(milliseconds * 8))


def terminators_of(channel: Channel) -> str:
    """The keys that stop ``playback`` and ``record`` (mod_dptools.c, on_dtmf)."""
    wanted = channel.var("playback_terminators") or "*"
    return {"none": "", "any": "0123456789*#"}.get(wanted.lower(), wanted)


def playback(channel: Channel, argument: str) -> Steps:
    """Play; keys in ``playback_terminators`` (normally ``*``) stop it."""
    terminators = terminators_of(channel)
    channel.set_var("playback_terminator_used", None)

    def on_digit(digit: str) -> bool:
        if digit in terminators:
            channel.set_var("playback_terminator_used", digit)
            return True
        return False

    result = Result()
    # text for a voice nobody named says nothing, and is told as played (15b)
    if not argument.startswith("say:"):
        yield from play(channel, argument, on_digit, result)
    channel.set_var("current_application_response", _RESPONSES[result.status])


_RESPONSES = {"done": "FILE PLAYED", "break": "FILE PLAYED", "missing": "FILE NOT FOUND", "error": "PLAYBACK ERROR"}


def endless_playback(channel: Channel, argument: str) -> Steps:
    """Play again and again until something stops it."""
    while channel.is_ready:
        result = Result()
        yield from play(channel, argument, None, result)
        if result.status != "done":
            break
