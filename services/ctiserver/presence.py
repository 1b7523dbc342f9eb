"""One desktop an agent: a second one takes over or is refused, and one that was lost makes him not ready, after a stated time.

Every connection and loss is told on the call topic, so a desktop that comes back at another replica is known here, too. The
replica that told of a loss is the one that asks acd.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

import structlog
from starlette.websockets import WebSocket, WebSocketState

from ipcc.clock import Clock
from ipcc.contracts.acd import AgentState
from ipcc.contracts.call import DesktopChanged
from ipcc.contracts.envelope import Event
from ipcc.errors import IpccError, NotNow
from services.ctiserver.core.desktop import Desktops
from services.ctiserver.core.presence import Presence
from services.ctiserver.publishing import Outgoing
from services.ctiserver.usecases import AgentDesk

log = structlog.get_logger(__name__)

TAKEN_OVER = 4409
"""The close code of a desktop whose agent opened another."""
LOST = "desktop_lost"
OURSELVES = "ctiserver"
"""The reason he is not ready for."""
LOOK_EVERY_S = 0.5
KEEP = timedelta(hours=1)


class SecondDesktop(StrEnum):
    """What becomes of a desktop when its agent opens another."""

    TAKE_OVER = "take_over"
    REFUSE = "refuse"


@dataclass(eq=False)
class _Seat:
    """A connection to this replica."""

    agent_id: str
    desktop_id: str
    left: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Attendance:
    """Who sits where, and what follows from leaving. ``lost_s``: so long a desktop may be away."""

    desk: AgentDesk
    desktops: Desktops
    outgoing: Outgoing
    clock: Clock
    lost_s: float
    second: SecondDesktop
    presence: Presence = field(default_factory=Presence)
    _seats: set[_Seat] = field(default_factory=set)
    _mine: dict[str, str] = field(default_factory=dict)
    """Agents whose loss we told, and of which desktop."""

    def take(self, event: Event) -> None:
        """Something on the call topic."""
        if not isinstance(event.data, DesktopChanged):
            return
        self.presence.take(event.data, event.time)
        for seat in self._seats:
            if self.presence.is_taken(seat.agent_id, seat.desktop_id):
                seat.left.set()

    async def sit(self, socket: WebSocket, agent_id: str, desktop_id: str, show: Callable[[], Awaitable[None]]) -> None:
        """Serve ``show`` to the agent's desktop until it goes or another takes over. Raises NotNow (desktop.exists)."""
        if self.second is SecondDesktop.REFUSE and self.presence.is_taken(agent_id, desktop_id):
            raise NotNow("desktop.exists", f"agent {agent_id} has a desktop open", agent_id=agent_id)
        seat = _Seat(agent_id, desktop_id)
        self._seats.add(seat)
        self._mine.pop(agent_id, None)
        self._tell(seat, connected=True)
        try:
            async with asyncio.TaskGroup() as group:
                ends = [group.create_task(_awaited(show)), group.create_task(_waited(seat.left))]
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                for task in ends:
                    task.cancel()
            if seat.left.is_set() and socket.client_state is WebSocketState.CONNECTED:
                await socket.close(TAKEN_OVER, "another desktop was opened")
        finally:
            self._seats.discard(seat)
            if not seat.left.is_set() and not self._is_seated(agent_id):
                self._mine[agent_id] = desktop_id
                self._tell(seat, connected=False)

    async def run(self) -> None:
        """Look for those who have been away for too long, for ever."""
        while True:
            await self.clock.sleep(LOOK_EVERY_S)
            now = self.clock.now()
            for agent_id, desk in list(self.presence.lost_before(now - timedelta(seconds=self.lost_s))):
                if self._mine.get(agent_id) == desk.desktop_id:
                    del self._mine[agent_id]
                    await self._lose(agent_id)
            self.presence.forget(now, KEEP)

    async def _lose(self, agent_id: str) -> None:
        known = self.desktops.agents.get(agent_id)
        if known is None or known.changed.state in (AgentState.OUT, AgentState.NOT_READY):
            return
        log.warning("desktop_lost", agent_id=agent_id)
        try:
            await self.desk.set_not_ready(agent_id, LOST, by=OURSELVES)
        except IpccError as error:
            log.warning("desktop_lost_not_told", agent_id=agent_id, reason=str(error))

    def _is_seated(self, agent_id: str) -> bool:
        return any(seat.agent_id == agent_id for seat in self._seats)

    def _tell(self, seat: _Seat, *, connected: bool) -> None:
        reason = "connected" if connected else "lost"
        changed = DesktopChanged(agent_id=seat.agent_id, desktop_id=seat.desktop_id, connected=connected, reason=reason)
        self.outgoing.put(changed, self.clock.now())


async def _awaited(show: Callable[[], Awaitable[None]]) -> None:
    await show()


async def _waited(event: asyncio.Event) -> None:
    await event.wait()
