"""Writes the RTP a test caller sends, as a pcap file that SIPp plays: a tone, and telephone-event digits at given moments.

    python media.py caller.pcap --seconds 20 --digits 2:1 5:6222#

means 20 s of sound, the digit 1 after two seconds, and 6222# from second five on.
"""

from __future__ import annotations

import argparse
import math
import struct
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

EVENTS = "0123456789*#ABCD"
ALAW, TELEPHONE_EVENT = 8, 101
SAMPLES = 160
DIGIT_PACKETS, GAP_PACKETS = 8, 6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--tone", type=int, default=440, help="Hz; 0 is silence")
    parser.add_argument("--digits", nargs="*", default=[], metavar="SECOND:DIGITS")
    options = parser.parse_args()
    starts = digit_starts(options.digits)
    packets = stream(50 * options.seconds, options.tone, starts)
    options.target.write_bytes(
        pcap_head() + b"".join(pcap_packet(number, payload) for number, payload in enumerate(packets))
    )
    return 0


def digit_starts(texts: list[str]) -> dict[int, str]:
    """Packet number to digit; digits of one group follow each other with a gap."""
    starts: dict[int, str] = {}
    for text in texts:
        second, digits = text.split(":", 1)
        packets = count(int(50 * float(second)), DIGIT_PACKETS + GAP_PACKETS)
        starts.update(zip(packets, digits, strict=False))
    return starts


def stream(total: int, tone: int, starts: dict[int, str]) -> Iterator[bytes]:
    event, left, begun = "", 0, 0
    for number in range(total):
        if number in starts:
            event, left, begun = starts[number], DIGIT_PACKETS, number
        if left:
            left -= 1
            yield event_packet(number, begun, event, last=left < 3)
        else:
            yield rtp(ALAW, number, number * SAMPLES, sound(number, tone))


def event_packet(number: int, begun: int, digit: str, *, last: bool) -> bytes:
    """RFC 4733: the timestamp stays that of the beginning, the duration grows; the end is sent three times."""
    duration = (min(number - begun, DIGIT_PACKETS - 3) + 1) * SAMPLES
    payload = struct.pack(">BBH", EVENTS.index(digit), (0x80 if last else 0) | 10, duration)
    return rtp(TELEPHONE_EVENT, number, begun * SAMPLES, payload, marker=number == begun)


def rtp(kind: int, number: int, stamp: int, payload: bytes, *, marker: bool = False) -> bytes:
    return struct.pack(">BBHII", 0x80, (0x80 if marker else 0) | kind, number & 0xFFFF, stamp, 0x1BCC) + payload


def sound(number: int, tone: int) -> bytes:
    first = number * SAMPLES
    return bytes(
        alaw(int(8000 * math.sin(2 * math.pi * tone * index / 8000))) for index in range(first, first + SAMPLES)
    )


def alaw(sample: int) -> int:
    """G.711: sign, three bits of segment, four of step, every second bit turned over."""
    sign = 0x80 if sample >= 0 else 0
    magnitude = min(abs(sample), 32635) >> 4
    segment = max(0, magnitude.bit_length() - 4)
    step = magnitude & 0x0F if segment < 1 else (magnitude >> (segment - 1)) & 0x0F
    return (sign | segment << 4 | step) ^ 0x55


def pcap_head() -> bytes:
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)


def pcap_packet(number: int, payload: bytes) -> bytes:
    seconds, part = divmod(number, 50)
    ethernet = bytes(12) + b"\x08\x00"
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1")
    udp = struct.pack(">HHHH", 6000, 6000, 8 + len(payload), 0)
    frame = ethernet + ip + udp + payload
    return struct.pack("<IIII", seconds, part * 20000, len(frame), len(frame)) + frame


if __name__ == "__main__":
    sys.exit(main())
