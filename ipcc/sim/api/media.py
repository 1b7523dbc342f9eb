"""uuid_broadcast, uuid_break, uuid_record, uuid_send_dtmf, uuid_recv_dtmf, uuid_audio: what is heard and keyed on a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import digits, recording
from ipcc.sim.api.parts import NO_CHANNEL, NO_SESSION, usage, words_of
from ipcc.sim.channels import Digit, Message
from ipcc.sim.outputs import DigitsSent
from ipcc.sim.states import Flag
from ipcc.sim.timeline import FRAME_S

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.kernel import Kernel

# a broadcast reached the session 140 ms after the command in every recording (05a-05h, 07d)
_BROADCAST_FRAMES = 6
_RECORD_USAGE = "<uuid> [start|stop|mask|unmask] <path> [<limit>] [<recording_vars>]"


def broadcast(kernel: Kernel, argument: str) -> str:
    """``uuid path|app::argument [aleg|bleg|both]``: run inside whatever each leg is doing."""
    uuid, path, legs = words_of(argument, 3)
    if not path:
        return usage("<uuid> <path> [aleg|bleg|holdb|both]")
    channel = kernel.find(uuid)
    if channel is None:
        return "-ERR invalid uuid\n"
    for leg in _legs(kernel, channel, legs or "aleg"):
        _broadcast_on(leg, path)
    return "+OK Message sent\n"


def _legs(kernel: Kernel, channel: Channel, legs: str) -> list[Channel]:
    partner = kernel.find(channel.partner or "")
    chosen = [channel] if legs in ("aleg", "both") else []
    if partner and legs in ("bleg", "both", "holdb"):
        chosen.append(partner)
    return chosen


def _broadcast_on(channel: Channel, path: str) -> None:
    app, separator, argument = path.partition("::")
    if not separator:
        app, argument = "playback", path
    message = Message("execute", app.partition("!")[0], argument)
    kernel = channel.kernel

    def queue() -> None:
        channel.messages.append(message)
        channel.wake()

    kernel.timeline.at(kernel.now + _BROADCAST_FRAMES * FRAME_S, queue)


def break_(kernel: Kernel, argument: str) -> str:
    """Stop what is playing; with ``all`` what is queued too."""
    uuid, which = words_of(argument, 2)
    if not uuid:
        return usage("<uuid> [all]")
    channel = kernel.find(uuid)
    if channel is None:
        return NO_CHANNEL
    if which == "all":
        channel.messages.clear()
    channel.flags.add(Flag.BREAK)
    channel.wake()
    return "+OK\n"


def record(kernel: Kernel, argument: str) -> str:
    """Start, stop, mask, unmask; the path must be the one the recording was started with."""
    uuid, action, path, rest = words_of(argument, 4)
    if not path:
        return usage(_RECORD_USAGE)
    channel = kernel.find(uuid)
    if channel is None:
        return NO_SESSION
    limit = rest.partition(" ")[0]
    if action == "start":
        done = recording.start(channel, path, int(limit) if limit.isdigit() else 0)
        return "+OK Success\n" if done else "-ERR Cannot record session!\n"
    if action == "stop":
        return "+OK Success\n" if recording.stop(channel, path) else "-ERR Cannot stop record session!\n"
    if action in ("mask", "unmask"):
        done = recording.mask(channel, path, masked=action == "mask")
        return "+OK Success\n" if done else f"-ERR Cannot {action} recording session!\n"
    return usage(_RECORD_USAGE)


def send_dtmf(kernel: Kernel, argument: str) -> str:
    """Keys to the phone of this leg."""
    uuid, keys = words_of(argument, 2)
    channel = kernel.find(uuid)
    if channel is None:
        return NO_SESSION
    if not keys:
        return usage("<uuid> <dtmf_data>")
    kernel.put(DigitsSent(uuid, keys.partition("@")[0]))
    return f"+OK {uuid} sent DTMF {keys}.\n"


def recv_dtmf(kernel: Kernel, argument: str) -> str:
    """Keys as if the phone of this leg had sent them."""
    uuid, keys = words_of(argument, 2)
    channel = kernel.find(uuid)
    if channel is None:
        return NO_SESSION
    if not keys:
        return usage("<uuid> <dtmf_data>")
    for key in keys.partition("@")[0]:
        digits.press(channel, Digit(key, "APP", 2000))
    return f"+OK {uuid} received DTMF {keys}.\n"


def audio(kernel: Kernel, argument: str) -> str:
    """Mute and level: audible only, no event (07c)."""
    words = argument.split()
    syntax = usage("<uuid> [start [read|write] [mute|level <level>]|stop]")
    if not words:
        return syntax
    if kernel.find(words[0]) is None:
        return NO_CHANNEL
    return "+OK\n" if words[1:2] in (["start"], ["stop"]) else syntax


def flush_dtmf(kernel: Kernel, argument: str) -> str:
    channel = kernel.find(argument.strip())
    if channel is None:
        return NO_CHANNEL
    channel.digits.clear()
    return "+OK Success\n"
