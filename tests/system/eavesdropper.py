"""Somebody else on the switch's event socket, who hears every event and every log line and dumps every channel he hears of."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ipcc.settings import SwitchAddress
from ipcc.tasks import Tasks
from tests.traces import frames

CHUNK = 1 << 16


class Eavesdropper:
    """All that was said on his connection, as it came."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._heard = bytearray()
        self._read_to = 0

    def frames(self) -> list[frames.Frame]:
        """The whole frames so far."""
        return list(frames.split(bytes(self._heard)))

    def say(self, command: str) -> None:
        """Send a command; its answer is among what is heard."""
        self._writer.write(command.encode() + b"\n\n")

    async def listen(self) -> None:
        """Hear until the connection ends; ask for a dump at every event of a channel."""
        while chunk := await self._reader.read(CHUNK):
            self._heard += chunk
            self._dump_channels()

    def _dump_channels(self) -> None:
        for frame in frames.split(bytes(self._heard[self._read_to :])):
            self._read_to += len(frame.raw)
            if frame.is_event and (uuid := frames.event_of(frame).get("Unique-ID")):
                self.say(f"api uuid_dump {uuid}")


@asynccontextmanager
async def eavesdropping(address: SwitchAddress, password: str) -> AsyncIterator[Eavesdropper]:
    """One who listens for as long as the block lasts."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    one = Eavesdropper(reader, writer)
    one.say(f"auth {password}")
    one.say("log debug")
    one.say("event plain ALL")
    listening = Tasks().once("eavesdrop", one.listen())
    try:
        yield one
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        await asyncio.wait({listening}, timeout=5)
