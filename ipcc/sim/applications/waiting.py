"""sleep, echo, wait_for_silence and the applications that only note something: log, info, break, start_dtmf."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import digits, execute, signalling
from ipcc.sim.states import Flag

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps


def sleep(channel: Channel, argument: str) -> Steps:
    """Wait so many milliseconds; keys pressed meanwhile stay queued unless ``sleep_eat_digits`` is set."""
    milliseconds = int(argument) if argument.strip().isdigit() else 0
    until = channel.kernel.now + milliseconds / 1000
    while channel.is_ready and channel.kernel.now < until - 1e-6:
        yield from execute.pause(channel, until)
        if channel.is_true("sleep_eat_digits"):
            while digits.take(channel) is not None:
                pass
        if Flag.BREAK in channel.flags:
            channel.flags.discard(Flag.BREAK)
            return


def echo(channel: Channel, argument: str) -> Steps:
    """Send back what is heard until the end."""
    del argument
    signalling.answer(channel)
    while channel.is_ready:
        yield from execute.pause(channel)
        while digits.take(channel) is not None:
            pass


def note(channel: Channel, argument: str) -> None:
    """log, info and others whose effect nobody outside can see."""
    del channel, argument


def flush_dtmf(channel: Channel, argument: str) -> None:
    del argument
    channel.digits.clear()


def stop(channel: Channel, argument: str) -> None:
    """break: stop what is playing."""
    del argument
    channel.flags.add(Flag.BREAK)
