"""A client of the event socket that shows frames as they came."""

import asyncio
import contextlib
from collections import deque

from tests.traces import frames


class Client:
    """Reads only when told to; events that come before a reply are kept for `heard`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._events: deque[frames.Event] = deque()

    async def frame(self) -> frames.Frame:
        """The next frame, of whatever kind."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\n\n"), 10)
        headers = next(frames.split(head.replace(b"Content-Length", b"Length"))).headers
        body = await self.reader.readexactly(int(headers.get("Length", "0")))
        return next(frames.split(head + body))

    async def answer(self) -> frames.Frame:
        """The next frame that is no event."""
        while (frame := await self.frame()).is_event:
            self._events.append(frames.event_of(frame))
        return frame

    async def say(self, text: str) -> frames.Frame:
        """Send a command; its answer."""
        self.writer.write(text.encode() + b"\n\n")
        return await self.answer()

    async def heard(self, name: str) -> frames.Event:
        """The next event of that name; those before it are forgotten."""
        while self._events:
            if (event := self._events.popleft()).name == name:
                return event
        while True:
            frame = await self.frame()
            if frame.is_event and (event := frames.event_of(frame)).name == name:
                return event

    async def close(self) -> None:
        """Close the socket."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()
