"""One RTP stream both ways: a tone or silence out, keys as telephone events (RFC 4733), and what came in kept for a while."""

from __future__ import annotations

import asyncio
import random
import struct
from collections import deque
from collections.abc import Sequence
from typing import cast

from ipcc.tasks import Tasks
from tests.live.telephone import sound

EVENTS = "0123456789*#ABCD"
ALAW, TELEPHONE_EVENT = 8, 101
PACKET_S = 0.02
KEY_PACKETS, GAP_PACKETS, END_PACKETS = 5, 4, 3
KEPT_PACKETS = 25


class RtpStream(asyncio.DatagramProtocol):
    """The sound of one call. ``hertz`` is the voice of whoever holds this telephone; 0 is silence."""

    def __init__(self, hertz: int) -> None:
        self.hertz = hertz
        self.is_silent = False
        self.received = 0
        self.keys_heard = ""
        self._peer: tuple[str, int] | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._heard: deque[bytes] = deque(maxlen=KEPT_PACKETS)
        self._last_event = b""
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        self._speech: asyncio.Queue[bytes] = asyncio.Queue()
        self._tasks = Tasks()
        self._number = random.getrandbits(15)
        self._stamp = random.getrandbits(30)
        self._source = random.getrandbits(32)

    async def open(self, host: str) -> int:
        """Take a free even port; it."""
        loop = asyncio.get_running_loop()
        for _ in range(200):
            port = random.randrange(40000, 60000, 2)
            try:
                await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
            except OSError:
                continue
            return port
        raise OSError("no free RTP port")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def talk_to(self, peer: tuple[str, int] | None) -> None:
        """Send there from now on."""
        began = self._peer is not None
        self._peer = peer or self._peer
        if self._peer and not began:
            self._tasks.once("rtp", self._send_all())

    async def press(self, digits: str) -> None:
        """Key digits one after the other; returns when the last was sent."""
        for digit in digits:
            self._keys.put_nowait(digit)
        await self._keys.join()

    async def say(self, samples: Sequence[int]) -> None:
        """Say something; returns when the last of it was sent."""
        coded = bytes(map(sound.encode, samples))
        for first in range(0, len(coded) - sound.SAMPLES + 1, sound.SAMPLES):
            self._speech.put_nowait(coded[first : first + sound.SAMPLES])
        await self._speech.join()

    async def hear(self, packets: int = KEPT_PACKETS) -> list[int]:
        """The samples of the next half second; less, when nothing comes."""
        self._heard.clear()
        for _ in range(packets * 3):
            if len(self._heard) >= packets:
                break
            await asyncio.sleep(PACKET_S)
        return sound.decoded(self._heard)

    async def close(self) -> None:
        """Stop sending and free the port."""
        await self._tasks.stop()
        if self._transport:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) < 13:
            return
        kind = data[1] & 0x7F
        if kind == ALAW:
            self.received += 1
            self._heard.append(data[12:])
        elif kind == TELEPHONE_EVENT and data[4:8] != self._last_event:
            self._last_event = data[4:8]
            self.keys_heard += EVENTS[data[12] & 0x0F]

    async def _send_all(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        tick = 0
        while True:
            if self._keys.empty():
                self._send(ALAW, self._voice(tick), self._stamp)
                self._stamp += sound.SAMPLES
                packets = 1
            else:
                packets = await self._send_key(self._keys.get_nowait())
                self._keys.task_done()
            tick += packets
            # behind a stalled machine the missed packets are not sent in one burst
            due = max(due + PACKET_S, loop.time() - 0.1)
            await asyncio.sleep(max(due - loop.time(), 0))

    def _voice(self, tick: int) -> bytes:
        if self._speech.empty():
            return sound.tone(0 if self.is_silent else self.hertz)[tick % 50]
        self._speech.task_done()
        return self._speech.get_nowait()

    async def _send_key(self, digit: str) -> int:
        """The key's event packets all bear the time it was pressed; its end is sent three times."""
        event, began = EVENTS.index(digit), self._stamp
        for packet in range(KEY_PACKETS + END_PACKETS):
            is_end = packet >= KEY_PACKETS
            duration = min(packet + 1, KEY_PACKETS) * sound.SAMPLES
            payload = struct.pack(">BBH", event, (0x80 if is_end else 0) | 10, duration)
            self._send(TELEPHONE_EVENT, payload, began, marker=packet == 0)
            if not is_end:
                await asyncio.sleep(PACKET_S)
        self._stamp += KEY_PACKETS * sound.SAMPLES
        for _ in range(GAP_PACKETS):
            self._send(ALAW, sound.tone(0)[0], self._stamp)
            self._stamp += sound.SAMPLES
            await asyncio.sleep(PACKET_S)
        return KEY_PACKETS + GAP_PACKETS

    def _send(self, kind: int, payload: bytes, stamp: int, *, marker: bool = False) -> None:
        if self._transport is None or self._peer is None or self._transport.is_closing():
            return
        self._number = (self._number + 1) & 0xFFFF
        head = struct.pack(
            ">BBHII", 0x80, (0x80 if marker else 0) | kind, self._number, stamp & 0xFFFFFFFF, self._source
        )
        self._transport.sendto(head + payload, self._peer)
