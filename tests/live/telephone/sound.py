"""A-law sound: tones made, tones found again. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache

RATE = 8000
SAMPLES = 160
"""Of one packet: 20 ms."""
_LEVEL = 8000
_AUDIBLE = 2000.0
"""Least amplitude that counts as heard: a quarter of our own tones, far more than speech or music has at one frequency."""


def encode(sample: int) -> int:
    """G.711 A-law: sign, three bits of segment, four of step, every second bit turned over."""
    sign = 0x80 if sample >= 0 else 0
    magnitude = min(abs(sample), 32635) >> 4
    segment = max(0, magnitude.bit_length() - 4)
    step = magnitude & 0x0F if segment < 1 else (magnitude >> (segment - 1)) & 0x0F
    return (sign | segment << 4 | step) ^ 0x55


def decode(byte: int) -> int:
    """The sample of an A-law byte."""
    byte ^= 0x55
    segment, step = (byte >> 4) & 7, byte & 0x0F
    magnitude = (step << 4) + 8 if segment == 0 else ((step << 4) + 0x108) << (segment - 1)
    return magnitude if byte & 0x80 else -magnitude


@cache
def _decoded() -> tuple[int, ...]:
    return tuple(decode(byte) for byte in range(256))


@cache
def tone(hertz: int) -> tuple[bytes, ...]:
    """One second of a tone as packets; whole hertz join without a click. 0 is silence."""
    wave = bytes(encode(round(_LEVEL * math.sin(2 * math.pi * hertz * n / RATE))) for n in range(RATE))
    return tuple(wave[first : first + SAMPLES] for first in range(0, RATE, SAMPLES))


def decoded(packets: Iterable[bytes]) -> list[int]:
    """The samples of packets."""
    table = _decoded()
    return [table[byte] for packet in packets for byte in packet]


def strength(samples: Sequence[int], hertz: int) -> float:
    """The amplitude of one tone in the samples (Goertzel)."""
    turn = 2 * math.cos(2 * math.pi * hertz / RATE)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + turn * last - before
    power = last * last + before * before - turn * last * before
    return 2 * math.sqrt(max(power, 0.0)) / max(len(samples), 1)


def is_heard(samples: Sequence[int], hertz: int) -> bool:
    """Whether the tone is in the samples, louder than anything by chance."""
    return len(samples) >= 10 * SAMPLES and strength(samples, hertz) > _AUDIBLE


def is_sound(samples: Sequence[int]) -> bool:
    """Whether there is anything but silence."""
    return bool(samples) and sum(map(abs, samples)) / len(samples) > 50
