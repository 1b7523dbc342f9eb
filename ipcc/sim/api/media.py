"""uuid_broadcast, uuid_break, uuid_record, uuid_hold, uuid_displace, uuid_audio, keys: what is heard and keyed on a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import broadcast as orders
from ipcc.sim import digits, hold, recording
from ipcc.sim.api.parts import NO_CHANNEL, NO_SESSION, usage, words_of
from ipcc.sim.channels import Digit
from ipcc.sim.states import Flag

if TYPE_CHECKING:
    from ipcc.sim.kernel import Kernel

_RECORD_USAGE = "<uuid> [start|stop|mask|unmask] <path> [<limit>] [<recording_vars>]"


def broadcast(kernel: Kernel, argument: str) -> str:
    """``uuid path|app::argument [aleg|bleg|both]``: run inside whatever each leg is doing."""
    uuid, path, legs = words_of(argument, 3)
    if not path:
        return usage("<uuid> <path> [aleg|bleg|holdb|both]")
    channel = kernel.find(uuid)
    if channel is None:
        return "-ERR invalid uuid\n"
    if legs == "bleg":
        channel = kernel.find(channel.partner or "")
    elif legs == "both" and (partner := kernel.find(channel.partner or "")):
        orders.order(partner, path)
    if channel:
        orders.order(channel, path, holds_partner=legs in ("", "holdb"))
    return "+OK Message sent\n"


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
    digits.send(channel, keys.partition("@")[0])
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


def displace(kernel: Kernel, argument: str) -> str:
    """Put a sound in the place of, or with ``mux`` beside, what the leg hears: audible only, no event (07d)."""
    words = argument.split()
    if len(words) < 3 or words[1] not in ("start", "stop"):
        return usage("<uuid> [start|stop] <path> [<limit>] [mux]")
    channel = kernel.find(words[0])
    if channel is None:
        return NO_SESSION
    path = words[2]
    if words[1] == "stop":
        known = path in channel.displaced
        channel.displaced.discard(path)
        return "+OK Success\n" if known else "-ERR Cannot stop displace session!\n"
    if path in channel.displaced or kernel.settings.sounds(path) is None or not channel.has_media:
        return "-ERR Cannot displace session!\n"
    channel.displaced.add(path)
    return "+OK Success\n"


def uuid_hold(kernel: Kernel, argument: str) -> str:
    """``[off|toggle] uuid``; a uuid that is no channel is fine with the switch (fact 29)."""
    words = argument.split()
    if not words:
        return usage("[off|toggle] <uuid> [<display>]") + "-ERR Operation failed\n"
    change = {"off": hold.unhold, "toggle": hold.toggle}.get(words[0].lower())
    channel = kernel.find(words[1] if change and len(words) > 1 else words[0])
    done = channel is None or (change or hold.hold)(channel)
    return "+OK Success\n" if done else "-ERR Operation failed\n"


def flush_dtmf(kernel: Kernel, argument: str) -> str:
    channel = kernel.find(argument.strip())
    if channel is None:
        return NO_CHANNEL
    channel.digits.clear()
    return "+OK Success\n"
