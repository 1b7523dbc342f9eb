"""The switches as the owner of a domain sees them: looked at when he takes over, when one is back, and every few seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from ipcc.clock import Clock
from ipcc.errors import SwitchDown
from ipcc.esl.port import Switches, SwitchNode
from ipcc.esl.wire import WireError
from services.acd.core.inputs import LegsSeen, NodeChanged
from services.acd.core.state import State
from services.acd.looks import Lookout

log = structlog.get_logger(__name__)


@dataclass
class Sight:
    """``state`` is what is believed, None before it was read; what is seen goes to ``report``."""

    switches: Switches
    clock: Clock
    state: Callable[[], State | None]
    report: Callable[[object], None]
    _lookout: Lookout = field(init=False)
    _not_looked_at: set[str] = field(default_factory=set)
    """Nodes that were away at the takeover: the first look at them is one of a takeover still."""

    def __post_init__(self) -> None:
        self._lookout = Lookout(self.clock)

    async def first(self, state: State, learn: Callable[[NodeChanged], None]) -> list[LegsSeen]:
        """Every switch at a takeover; ``learn`` is told of each whether it can be used."""
        looks: list[LegsSeen] = []
        self._not_looked_at.clear()
        for node in self.switches.nodes():
            seen = await self._look(node, state, is_takeover=True)
            if seen is not None:
                looks.append(seen)
            else:
                self._not_looked_at.add(node.node_id)
            learn(NodeChanged(node.node_id, seen is not None, "" if seen is not None else node.state.last_error))
        return looks

    async def greet(self, node: SwitchNode) -> None:
        """A switch is back: compared first, used afterwards."""
        state = self.state()
        if state is not None:
            seen = await self._look(node, state, is_takeover=node.node_id in self._not_looked_at)
            if seen is not None:
                self._not_looked_at.discard(node.node_id)
                self.report(seen)
                self.report(NodeChanged(node.node_id, is_up=True))

    async def keep_looking(self, every_s: float) -> None:
        """At every switch that is up, for ever."""
        while True:
            await self.clock.sleep(every_s)
            for node in self.switches.nodes():
                state = self.state()
                if not node.is_up or state is None:
                    continue
                if state.is_up(node.node_id):
                    seen = await self._look(node, state, is_takeover=False)
                    if seen is not None:
                        self.report(seen)
                else:
                    await self.greet(node)

    async def _look(self, node: SwitchNode, state: State, *, is_takeover: bool) -> LegsSeen | None:
        if not node.is_up:
            return None
        try:
            return await self._lookout.look(node, state, is_takeover=is_takeover)
        except (SwitchDown, WireError) as error:
            log.warning("switch_not_looked_at", node_id=node.node_id, reason=str(error))
            return None
