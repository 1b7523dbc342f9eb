"""A speech recogniser on a real WebSocket that notes what it is sent, and goes wrong in the ways such engines do."""

from __future__ import annotations

import asyncio
import json
import math
import struct
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

RATE = 8000


@dataclass
class Given:
    """What came over one connection."""

    path: str
    config: dict[str, Any] = field(default_factory=dict)
    samples: bytes = b""
    messages: int = 0
    is_whole: bool = False


@dataclass
class Engine:
    """Answers as vosk-server does: something to every piece of sound, the result to the end, and closes.

    ``texts`` are given one an utterance, the last for ever, each word with ``conf``. ``wrong``: "", slow (no result, ever),
    silent (closes without one), cut_off (breaks off in the middle of the sound), or a raw message in place of the result.
    """

    texts: list[str] = field(default_factory=lambda: ["余额"])
    conf: float = 0.9
    wrong: str | bytes = ""
    given: list[Given] = field(default_factory=list)
    port: int = 0
    closed: int = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def answer(self, link: ServerConnection) -> None:
        """One connection."""
        assert link.request is not None
        given = Given(link.request.path)
        self.given.append(given)
        try:
            async for message in link:
                if isinstance(message, bytes):
                    given.samples += message
                    given.messages += 1
                    if self.wrong == "cut_off":
                        link.transport.abort()
                        return
                    await link.send(json.dumps({"partial": "so far"}))
                elif message == '{"eof" : 1}':
                    given.is_whole = True
                    await self._end(link)
                    return
                else:
                    given.config = json.loads(message)["config"]
        finally:
            self.closed += 1

    async def _end(self, link: ServerConnection) -> None:
        if self.wrong == "slow":
            await link.wait_closed()
        elif self.wrong == "silent":
            return
        elif self.wrong:
            await link.send(self.wrong)
        else:
            text = self.texts.pop(0) if len(self.texts) > 1 else self.texts[0]
            words = [{"word": word, "conf": self.conf} for word in text.split()]
            await link.send(json.dumps({"text": text, **({"result": words} if words else {})}))


@asynccontextmanager
async def engine() -> AsyncIterator[Engine]:
    """One on a free port."""
    found = Engine()
    async with serve(found.answer, "127.0.0.1", 0, close_timeout=0.2) as server:
        found.port = next(iter(server.sockets)).getsockname()[1]
        yield found


@asynccontextmanager
async def deaf() -> AsyncIterator[str]:
    """A server that takes connections and says nothing, not even that it is a WebSocket."""
    over = asyncio.Event()

    async def serve_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    server = await asyncio.start_server(serve_nothing, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        over.set()
        server.close()


def tone(seconds: float, level: int = 8000, rate: int = RATE) -> bytes:
    """Somebody speaks: a tone as samples of 16 bits."""
    samples = (round(level * math.sin(2 * math.pi * 400 * n / rate)) for n in range(round(seconds * rate)))
    return b"".join(struct.pack("<h", one) for one in samples)


def write_wav(path: Path, samples: bytes, rate: int = RATE, channels: int = 1) -> None:
    """As the switch's record application leaves it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples)
