"""play_and_get_digits and read: a prompt, keys, a pattern, several tries (switch_play_and_get_digits, switch_ivr_read)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipcc.sim import digits, execute
from ipcc.sim.applications.playback import play
from ipcc.sim.dialstring import split_arguments
from ipcc.sim.transfer import session_transfer

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps


@dataclass
class Wanted:
    """What is to be keyed. Times in seconds; ``digit_timeout`` is the pause allowed between keys."""

    least: int
    most: int
    timeout: float
    terminators: str
    prompt: str
    digit_timeout: float


@dataclass
class Keyed:
    """What has been keyed so far."""

    digits: str = ""
    terminator: str = ""
    is_asked: bool = False
    """He was there when the prompt was over."""


def _collect(channel: Channel, wanted: Wanted, keyed: Keyed) -> Steps:
    """Play the prompt and take keys until there are enough, a terminator came, or the time is over.

    The first key stops the prompt; keys typed ahead count.
    """

    def take(digit: str) -> bool:
        if digit in wanted.terminators:
            keyed.terminator = digit
        else:
            keyed.digits += digit
        return True

    if wanted.prompt and not channel.digits:
        yield from play(channel, wanted.prompt, take)
    keyed.is_asked = channel.is_ready
    deadline = channel.kernel.now + (wanted.digit_timeout if keyed.digits else wanted.timeout)
    while channel.is_ready and not keyed.terminator and len(keyed.digits) < wanted.most:
        if (digit := digits.take(channel)) is not None:
            take(digit)
            deadline = channel.kernel.now + wanted.digit_timeout
            continue
        if channel.kernel.now >= deadline - 1e-6:
            break
        yield from execute.pause(channel, deadline)


def play_and_get_digits(channel: Channel, argument: str) -> Steps:
    """``min max tries timeout terminators file invalid-file variable regexp digit-timeout transfer-on-failure``.

    Only variables tell the result (fact 34): the value with ``read_result=success``; nothing with ``failure``; wrong keys
    stay in ``<variable>_invalid``; after a hang-up what had been keyed by then, with ``failure``, and nothing in the prompt.
    """
    words = split_arguments(argument)
    if len(words) < 8:
        return
    least, most, tries, timeout_ms = (_number(word) for word in words[:4])
    digit_timeout_ms = _number(words[9]) if len(words) > 9 else timeout_ms
    wanted = Wanted(least, most, timeout_ms / 1000, words[4], _file(words[5]), (digit_timeout_ms or timeout_ms) / 1000)
    invalid, name = _file(words[6]), words[7]
    pattern = words[8] if len(words) > 8 else ""
    _forget(channel, name)
    for _ in range(max(tries, 1)):
        keyed = Keyed()
        yield from _collect(channel, wanted, keyed)
        if not channel.is_ready:
            _leave(channel, name, keyed)
            return
        if _is_valid(keyed.digits, wanted, pattern):
            _succeed(channel, name, keyed)
            return
        if keyed.digits:
            channel.set_var(f"{name}_invalid", keyed.digits)
        if invalid:
            yield from play(channel, invalid)
    channel.set_var("read_result", "failure")
    if len(words) > 10 and channel.is_ready:
        session_transfer(channel, *words[10:13])


def read(channel: Channel, argument: str) -> Steps:
    """``min max file variable timeout terminators digit-timeout``: one try, any keys (fact 34)."""
    words = split_arguments(argument)
    if len(words) < 4:
        return
    timeout_ms = _number(words[4]) if len(words) > 4 else 1000
    digit_timeout_ms = _number(words[6]) if len(words) > 6 else timeout_ms
    terminators = words[5] if len(words) > 5 else "#"
    wanted = Wanted(
        _number(words[0]), _number(words[1]), timeout_ms / 1000, terminators, _file(words[2]), digit_timeout_ms / 1000
    )
    name = words[3]
    _forget(channel, name)
    keyed = Keyed()
    yield from _collect(channel, wanted, keyed)
    if not channel.is_ready:
        _leave(channel, name, keyed)
        return
    if len(keyed.digits) >= max(wanted.least, 1):
        _succeed(channel, name, keyed)
    else:
        channel.set_var("read_result", "failure")


def _is_valid(keyed: str, wanted: Wanted, pattern: str) -> bool:
    if len(keyed) < wanted.least:
        return False
    return not pattern or re.search(pattern, keyed) is not None


def _succeed(channel: Channel, name: str, keyed: Keyed) -> None:
    channel.set_var(name, keyed.digits)
    channel.set_var("read_result", "success")
    if keyed.terminator:
        channel.set_var("read_terminator_used", keyed.terminator)


def _leave(channel: Channel, name: str, keyed: Keyed) -> None:
    """Keys of somebody who hung up in the middle, and a failure, unless it was in the prompt (switch_ivr_read; 04h, 18f to 18h)."""
    if keyed.is_asked:
        channel.set_var("read_result", "failure")
    if keyed.digits:
        channel.set_var(name, keyed.digits)


def _forget(channel: Channel, name: str) -> None:
    for variable in (name, f"{name}_invalid", "read_result", "read_terminator_used"):
        channel.set_var(variable, None)


def _file(word: str) -> str:
    return "" if word in ("silence", "undef", "") else word


def _number(word: str) -> int:
    return int(word) if word.isdigit() else 0
