"""Keys pressed on a leg: queued until something takes them; every key taken is told by a DTMF event (switch_channel_dequeue_dtmf).

Keys that arrive while ``sensitive_dtmf`` is true are told to nobody and kept out of ``digits_dialed``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipcc.sim import meta
from ipcc.sim.channels import Digit
from ipcc.sim.outputs import DigitsSent

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel

_SENSITIVE = "sensitive_dtmf"


@dataclass(frozen=True)
class SensitiveDigit(Digit):
    """A key nobody is told of (switch_channel.c, DTMF_FLAG_SENSITIVE)."""


def press(channel: Channel, digit: Digit) -> None:
    """A key arrives on the leg; typed ahead it waits for the application that wants it."""
    if channel.is_true(_SENSITIVE):
        digit = SensitiveDigit(digit.digit, digit.source, digit.samples)
    channel.digits.append(digit)
    channel.wake()


def take(channel: Channel) -> str | None:
    """The next key in the queue, announced unless it is sensitive; None if there is none."""
    if not channel.digits:
        return None
    digit = channel.digits.popleft()
    if isinstance(digit, SensitiveDigit):
        return digit.digit
    channel.digits_dialed += digit.digit
    channel.kernel.emit(
        channel,
        "DTMF",
        after={"DTMF-Digit": digit.digit, "DTMF-Duration": str(digit.samples), "DTMF-Source": digit.source},
    )
    return digit.digit


def send(channel: Channel, keys: str) -> None:
    """Keys to the phone of this leg; where that is a leg of this very switch they are pressed there."""
    channel.kernel.put(DigitsSent(channel.uuid, keys))
    far = channel.kernel.find(channel.far_end)
    if far:
        for key in keys:
            press(far, Digit(key, "RTP", 2000))


def pass_on(channel: Channel, other: Channel) -> None:
    """In a bridge every key goes on to the partner's phone."""
    sent = ""
    while (digit := take(channel)) is not None:
        if not meta.swallows(channel, other, digit):
            sent += digit
    if sent:
        send(other, sent)
