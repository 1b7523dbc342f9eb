"""A witness on the event socket: hears ALL events and asks the switch what there is, whichever switch it is."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from ipcc.esl.wire import Decoder, Frame, SwitchEvent, event_of
from ipcc.settings import SwitchAddress
from ipcc.tasks import Tasks

ANSWER_S = 10.0


class Ear:
    """``events`` is everything the switch told since ``open``."""

    def __init__(self) -> None:
        self.events: list[SwitchEvent] = []
        self._answers: asyncio.Queue[Frame] = asyncio.Queue()
        self._tasks = Tasks()
        self._writer: asyncio.StreamWriter | None = None

    async def open(self, address: SwitchAddress, password: str, style: str = "plain", hears: str = "ALL") -> None:
        """Sign in and hear everything from now on, or nothing; ``json`` tells a line break from a literal %0A, ``plain`` does not."""
        reader, self._writer = await asyncio.open_connection(address.host, address.port)
        self._tasks.once("ear", self._read(reader))
        await self._answer()
        assert (await self._say(f"auth {password}")).reply.startswith("+OK"), "the switch refused the password"
        if hears:
            await self._say(f"event {style} {hears}")

    async def close(self) -> None:
        await self._tasks.stop()
        if self._writer:
            self._writer.close()
            await self._writer.wait_closed()

    async def api(self, command: str) -> str:
        """The answer to an api command."""
        return (await self._say(f"api {command}")).reply

    async def order(self, command: str) -> str:
        """The answer to any other command, such as bgapi or sendmsg."""
        return (await self._say(command)).reply

    async def channels(self) -> list[dict[str, Any]]:
        """Every leg on the switch."""
        return list(json.loads(await self.api("show channels as json")).get("rows", []))

    async def tasks(self, leg: str) -> list[dict[str, Any]]:
        """What is scheduled for a leg."""
        rows = json.loads(await self.api("show tasks as json")).get("rows", [])
        return [row for row in rows if row["task_group"] == leg]

    def heard(self, name: str, leg: str = "", **values: str) -> list[SwitchEvent]:
        """The events of that name, on that leg, whose headers (``_`` for ``-``) hold the values."""
        return [
            event
            for event in self.events
            if event.name == name
            and (not leg or event.uuid == leg)
            and all(value in event.get(header.replace("_", "-")) for header, value in values.items())
        ]

    async def _say(self, text: str) -> Frame:
        assert self._writer is not None
        self._writer.write(text.encode() + b"\n\n")
        return await self._answer()

    async def _answer(self) -> Frame:
        return await asyncio.wait_for(self._answers.get(), ANSWER_S)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        decoder = Decoder()
        while data := await reader.read(1 << 16):
            for frame in decoder.feed(data):
                if frame.is_event:
                    self.events.append(event_of(frame))
                else:
                    self._answers.put_nowait(frame)
