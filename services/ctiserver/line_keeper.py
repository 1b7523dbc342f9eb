"""Hangs up the nailed-up lines whose agents have gone; the replica that is the ear of a line's switch does it."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from ipcc.contracts.acd import AgentState
from ipcc.contracts.tags import is_line
from ipcc.errors import SwitchDown, SwitchRefused
from ipcc.esl.commands import UuidKill
from ipcc.ids import LegId, NodeId
from services.ctiserver.core.desktop import Desktops
from services.ctiserver.core.standing_lines import StandingLines
from services.ctiserver.directory import Directory
from services.ctiserver.steering import Steering

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.5


class LineKeeper:
    """Run it by ``tasks.spawn(name, keeper.run)``. ``is_ready``: whether it is known who is signed in where."""

    def __init__(
        self,
        lines: StandingLines,
        directory: Directory,
        desktops: Desktops,
        steering: Steering,
        is_ready: Callable[[], bool],
    ) -> None:
        self.lines = lines
        self._directory = directory
        self._desktops = desktops
        self._steering = steering
        self._is_ready = is_ready

    async def run(self) -> None:
        """Look and act, for ever."""
        while True:
            await self._steering.clock.sleep(LOOK_EVERY_S)
            if self._is_ready():
                await self.look()

    async def look(self) -> None:
        """Once."""
        ear = self._steering.ear
        standing = {
            place: NodeId(state.node_id)
            for place, _, state in self._directory.phones()
            if is_line(place) and state is not None and state.registered
        }
        seats = {
            now.changed.phone_id: agent_id
            for agent_id, now in self._desktops.agents.items()
            if now.changed.state is not AgentState.OUT and is_line(now.changed.phone_id)
        }
        busy = {leg.address for leg in ear.book.live_legs()}
        for place in self.lines.judge(standing, seats, busy, self._steering.clock.now()):
            held = ear.held.get(standing[place])
            if held is None or not ear.listens_to(held) or not held.node.is_up:
                continue
            log.info("line_ended", line=place, agent_id=self.lines.owner_of(place))
            try:
                await held.node.api(UuidKill(LegId(place.removeprefix("line-"))))
            except (SwitchRefused, SwitchDown) as error:
                log.warning("line_not_ended", line=place, reason=str(error))
