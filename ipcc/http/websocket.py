"""Event streams over WebSocket: one hub per stream, a bounded queue per client, resuming after a lost connection.

Every message is ``{"id", "type", "data"}``. A client that comes back names the last id it saw and gets what it missed; when that is
no longer known (too old, or another replica) it gets ``reset`` first and must load the snapshot again over REST.
A client that reads too slowly is cut off with 1013 rather than allowed to hold memory or others back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from ipcc.auth.guard import SUBPROTOCOL
from ipcc.ids import new_id
from ipcc.metrics import WEBSOCKET_CLIENTS, WEBSOCKET_DROPPED, Metrics

log = structlog.get_logger(__name__)

TRY_AGAIN_LATER = 1013
GOING_AWAY = 1001


@dataclass(frozen=True)
class StreamEvent:
    """One message of a stream; ``subject`` is whom it concerns, for filters, and is not sent."""

    id: str
    number: int
    type: str
    data: dict[str, Any]
    subject: str = ""

    def text(self) -> str:
        """The message as sent."""
        return orjson.dumps({"id": self.id, "type": self.type, "data": self.data}, default=str).decode()


Wanted = Callable[[StreamEvent], bool]


def everything(_event: StreamEvent) -> bool:
    """The filter of a client that wants the whole stream."""
    return True


@dataclass(eq=False)
class _Client:
    wanted: Wanted
    queue: asyncio.Queue[str]
    too_slow: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, text: str) -> None:
        try:
            self.queue.put_nowait(text)
        except asyncio.QueueFull:
            self.too_slow.set()


class Hub:
    """Publishes to all connected clients; ``publish`` never waits."""

    def __init__(
        self, stream: str, metrics: Metrics, *, history: int = 2000, queue: int = 500, ping_s: float = 20
    ) -> None:
        self._stream = stream
        self._metrics = metrics
        self._history: deque[StreamEvent] = deque(maxlen=history)
        self._queue = queue
        self._ping_s = ping_s
        self._clients: set[_Client] = set()
        self._number = 0
        # ids of another process never match ours, so a client of a former life is told to reset
        self._life = new_id()
        self._closed = asyncio.Event()

    @property
    def clients(self) -> int:
        """How many are connected now."""
        return len(self._clients)

    def publish(self, kind: str, data: dict[str, Any], subject: str = "", event_id: str = "") -> StreamEvent:
        """Send to every client whose filter wants it, and remember it for those who come back.

        ``event_id`` is for a hub that resumes by ids of its own.
        """
        self._number += 1
        event = StreamEvent(event_id or f"{self._life}:{self._number}", self._number, kind, data, subject)
        self._history.append(event)
        text = event.text()
        for client in self._clients:
            if client.wanted(event):
                client.offer(text)
        return event

    async def serve(self, socket: WebSocket, last_id: str | None = None, wanted: Wanted = everything) -> None:
        """Accept ``socket`` and send to it until either side ends; returns, never raises for a lost client."""
        offered = socket.scope.get("subprotocols", ())
        await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        # one more than the history may hold, so that resuming alone never makes a client too slow
        client = _Client(wanted, asyncio.Queue(self._queue + (self._history.maxlen or 0) + 1))
        for text in self._missed(last_id, wanted):
            client.offer(text)
        self._clients.add(client)
        self._report()
        try:
            await self._pump(socket, client)
        finally:
            self._clients.discard(client)
            self._report()

    async def close(self) -> None:
        """End every connection; clients reconnect elsewhere."""
        self._closed.set()

    def _missed(self, last_id: str | None, wanted: Wanted) -> list[str]:
        hello = orjson.dumps({"id": f"{self._life}:{self._number}", "type": "hello", "data": {}}).decode()
        if last_id is None:
            return [hello]
        life, _, number = last_id.rpartition(":")
        oldest = self._history[0].number if self._history else self._number + 1
        if life != self._life or not number.isdecimal() or not oldest - 1 <= int(number) <= self._number:
            reset = orjson.dumps({"id": f"{self._life}:{self._number}", "type": "reset", "data": {}}).decode()
            return [reset]
        return [event.text() for event in self._history if event.number > int(number) and wanted(event)]

    async def _pump(self, socket: WebSocket, client: _Client) -> None:
        """Send, watch the client, watch for the end: whichever finishes first ends all three."""
        async with asyncio.TaskGroup() as group:
            ends = [
                group.create_task(self._send(socket, client)),
                group.create_task(self._hear(socket)),
                group.create_task(client.too_slow.wait()),
                group.create_task(self._closed.wait()),
            ]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in ends:
                task.cancel()
        if client.too_slow.is_set():
            self._metrics.count(WEBSOCKET_DROPPED, stream=self._stream)
            log.warning("websocket_client_too_slow", stream=self._stream)
            await self._end(socket, TRY_AGAIN_LATER)
        elif self._closed.is_set():
            await self._end(socket, GOING_AWAY)

    async def _send(self, socket: WebSocket, client: _Client) -> None:
        while True:
            try:
                text = await asyncio.wait_for(client.queue.get(), self._ping_s)
            except TimeoutError:
                # pages cannot see protocol pings; they reconnect when none of these comes
                text = '{"type":"ping"}'
            try:
                await socket.send_text(text)
            except (WebSocketDisconnect, RuntimeError, OSError):
                return

    @staticmethod
    async def _hear(socket: WebSocket) -> None:
        while True:
            try:
                message = await socket.receive()
            except RuntimeError:
                return
            if message["type"] == "websocket.disconnect":
                return

    @staticmethod
    async def _end(socket: WebSocket, code: int) -> None:
        if socket.application_state is WebSocketState.CONNECTED and socket.client_state is WebSocketState.CONNECTED:
            await socket.close(code)

    def _report(self) -> None:
        self._metrics.put(WEBSOCKET_CLIENTS, len(self._clients), stream=self._stream)
