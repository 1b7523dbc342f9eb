"""The event socket of the simulated switch on real TCP: clients that connect to it, and servers it connects to."""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

import structlog

from ipcc.sim import esl_commands
from ipcc.sim.esl_session import QUEUE_EVENTS, Control, Outgoing, Session, Switch
from ipcc.sim.outputs import ApiDone, Output, SimEvent, SocketWanted
from ipcc.tasks import Tasks

log = structlog.get_logger(__name__)

_SEND_BUFFER_BYTES = 1 << 20
"""Bytes written but not yet taken by the client, before its events wait in the queue."""


class Shell(Switch, Protocol):
    """The running switch: what the sessions ask, and what drives it."""

    def now(self) -> float:
        """The switch's clock, in seconds since 1970."""

    def delay(self, when: float) -> float:
        """Seconds of the machine until the switch's clock shows ``when``, 0 when it has."""

    def add_listener(self, hear: Callable[[Output], None]) -> None:
        """Call ``hear`` with everything that leaves the switch."""

    def freeze(self) -> None:
        """Stop everything: no answer, no event, no call moves, until `thaw`."""

    def thaw(self) -> None:
        """Go on."""

    def control_began(self, uuid: str) -> None:
        """The outbound connection asked for by SocketWanted stands."""

    def control_refused(self, uuid: str) -> None:
        """The outbound connection asked for by SocketWanted could not be made."""


@dataclass(frozen=True)
class ServerSettings:
    """How the event socket is set up."""

    password: str = "ClueCon"  # noqa: S105  the switch's own default; a real one is given by a file
    queue_events: int = QUEUE_EVENTS
    connect_timeout_s: float = 5.0
    """How long an outbound connection may take to be made."""


class EslServer:
    """All event-socket connections of one switch."""

    def __init__(self, switch: Shell, settings: ServerSettings | None = None) -> None:
        self._switch = switch
        self._settings = settings or ServerSettings()
        self._connections: list[_Connection] = []
        self._overrun: set[_Connection] = set()
        self._tasks = Tasks()
        self._server: asyncio.Server | None = None
        switch.add_listener(self._hear)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen. Raises OSError when the address is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self, self._session(None)), host, port)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        if self._server is None:
            raise RuntimeError("not started")
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    @property
    def is_frozen(self) -> bool:
        """A stalled client has stopped the whole switch (fact 7)."""
        return bool(self._overrun)

    async def close(self) -> None:
        """Close every connection and stop listening."""
        await self._tasks.stop()
        for connection in list(self._connections):
            connection.abort()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    # --- called by connections -----------------------------------------------------------------------------------

    def joined(self, connection: _Connection) -> None:
        """A connection stands."""
        self._connections.append(connection)

    def left(self, connection: _Connection) -> None:
        """A connection is gone; if it was the one that froze the switch, everything goes on."""
        if connection in self._connections:
            self._connections.remove(connection)
        if connection not in self._overrun:
            return
        self._overrun.discard(connection)
        if not self._overrun:
            self._switch.thaw()
            for other in list(self._connections):
                other.catch_up()

    def now(self) -> float:
        """The switch's clock."""
        return self._switch.now()

    def delay(self, when: float) -> float:
        """Seconds of the machine until the switch's clock shows ``when``."""
        return self._switch.delay(when)

    # --- what leaves the switch ----------------------------------------------------------------------------------

    def _hear(self, output: Output) -> None:
        if isinstance(output, SimEvent):
            self._spread(output)
        elif isinstance(output, ApiDone):
            for connection in list(self._connections):
                if connection.answer(output):
                    return
        elif isinstance(output, SocketWanted):
            self._tasks.once(f"esl-out {output.address}", self._connect(output))

    def _spread(self, event: SimEvent) -> None:
        outgoing = Outgoing(event)
        for connection in list(self._connections):
            connection.offer(outgoing)
            if connection.session.is_overrun and connection not in self._overrun:
                self._freeze(connection)

    def _freeze(self, connection: _Connection) -> None:
        session = connection.session
        log.error("esl_listener_lost_events", lost=session.lost, queued=session.queued, size=session.queue_events)
        self._overrun.add(connection)
        self._switch.freeze()

    def _session(self, control: Control | None) -> Session:
        return Session(
            switch=self._switch,
            run=esl_commands.run,
            new_uuid=lambda: str(uuid.uuid4()),
            password=self._settings.password,
            control=control,
            queue_events=self._settings.queue_events,
        )

    async def _connect(self, wanted: SocketWanted) -> None:
        host, _, port = wanted.address.rpartition(":")
        control = Control(wanted.uuid, is_async=wanted.is_async, is_full=wanted.is_full)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._settings.connect_timeout_s):
                await loop.create_connection(lambda: _Connection(self, self._session(control)), host, int(port))
        except (OSError, TimeoutError, ValueError):
            self._switch.control_refused(wanted.uuid)
        else:
            self._switch.control_began(wanted.uuid)


class _Connection(asyncio.Protocol):
    """One socket: moves bytes between it and its session."""

    def __init__(self, server: EslServer, session: Session) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unheard = bytearray()
        self.session = session

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_SEND_BUFFER_BYTES)
        self._server.joined(self)
        if not self._server.is_frozen:
            self.session.open()
            self._write()

    def data_received(self, data: bytes) -> None:
        if self._server.is_frozen:
            self._unheard += data
            return
        self.session.receive(data, self._server.now())
        self._write()

    def pause_writing(self) -> None:
        self.session.is_held = True

    def resume_writing(self) -> None:
        self.session.is_held = False
        if not self._server.is_frozen:
            self.session.flush()
            self._write()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._transport = None
        self.session.closed()
        self._server.left(self)

    def offer(self, outgoing: Outgoing) -> None:
        """Queue an event and write what may be written."""
        self.session.offer(outgoing, self._server.now())
        self._write()

    def answer(self, done: ApiDone) -> bool:
        """Pass on a late api answer, if it is this connection's."""
        if not self.session.answer(done.ticket, done.text):
            return False
        self._write()
        return True

    def catch_up(self) -> None:
        """After a freeze: hear what came meanwhile."""
        data = bytes(self._unheard)
        self._unheard.clear()
        if not self.session.is_greeted:
            self.session.open()
        self.session.receive(data, self._server.now())
        self._write()

    def abort(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _write(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        data = self.session.take()
        if data:
            transport.write(data)
        if self.session.is_closing:
            transport.close()
        else:
            self._set_timer()

    def _set_timer(self) -> None:
        due = self.session.next_due()
        if self._timer is not None or due is None or not math.isfinite(due):
            return  # a timer that stands is never too late: a look comes before the end of a linger
        self._timer = asyncio.get_running_loop().call_later(self._server.delay(due), self._tick)

    def _tick(self) -> None:
        self._timer = None
        if not self._server.is_frozen:
            self.session.tick(self._server.now())
            self._write()
