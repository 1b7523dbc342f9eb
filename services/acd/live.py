"""The live picture over WebSocket: every agent, entry and queue that has changed, as REST would show it now.

A client reads the lists over REST once and follows from there. Messages: ``agent`` and ``entry`` with the whole view of one;
``entry.left`` with its id and queue; ``reset`` when the lists are to be read anew; ``queue`` with its figures and the ids of who
waits in it, first served first. An entry's ``position`` is as of its message; the order in ``queue`` is the newer word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from starlette.websockets import WebSocket

from ipcc.clock import Clock
from ipcc.http.websocket import Hub, StreamEvent, Wanted, everything
from services.acd.core.rows import Agent, Entry, Offer
from services.acd.core.state import State
from services.acd.mirror import Mirror
from services.acd.usecases import Desk, entry_view, seconds_waited

LOOK_EVERY_S = 0.25
# of a longer queue the first so many are told in their order
ORDER_TOLD = 500


@dataclass
class Shown:
    """The rows of one domain as they were last told. Rows never change: another row is another object."""

    agents: Mapping[str, Agent] = field(default_factory=dict)
    entries: Mapping[str, Entry] = field(default_factory=dict)
    offers: Mapping[str, Offer] = field(default_factory=dict)


@dataclass
class Live:
    """Run it by ``tasks.spawn(name, live.run)``."""

    desk: Desk
    hub: Hub
    clock: Clock
    _shown: dict[str, Shown] = field(default_factory=dict)

    async def run(self) -> None:
        """Look and tell for ever."""
        while True:
            self.look()
            await self.clock.sleep(LOOK_EVERY_S)

    async def follow(self, socket: WebSocket, after: str | None, queue_ids: Iterable[str]) -> None:
        """Serve one client, from what REST shows at this moment or from ``after`` on."""
        self.look()
        await self.hub.serve(socket, after, of_queues(queue_ids))

    def look(self) -> None:
        """Tell what is otherwise than it was told."""
        for mirror in self.desk.mirrors.values():
            if mirror.is_ready:
                state = mirror.state
                before = self._shown.get(mirror.domain)
                self._shown[mirror.domain] = Shown(dict(state.agents), dict(state.entries), dict(state.offers))
                if before is not None:
                    self._tell(mirror, before)
                elif self.hub.clients:
                    # until now there was nothing to be read over REST
                    self.hub.publish("reset", {})

    def _tell(self, mirror: Mirror, before: Shown) -> None:
        state, now = mirror.state, self.clock.now()
        moved = _differing(before.agents, state.agents)
        for view in self.desk.views_of(moved):
            self._publish("agent", view, view.id)
        offered = {before.offers[key].entry_id for key in before.offers.keys() - state.offers.keys()}
        changed = _differing(before.entries, state.entries) | (offered & state.entries.keys())
        for key in sorted(changed):
            self._publish("entry", entry_view(mirror, state.entries[key], now), state.entries[key].queue_id)
        gone = [before.entries[key] for key in sorted(before.entries.keys() - state.entries.keys())]
        for entry in gone:
            self.hub.publish("entry.left", {"id": entry.id, "queue_id": entry.queue_id}, entry.queue_id)
        stood = {before.entries[key].queue_id for key in changed & before.entries.keys()}
        for queue_id in sorted({state.entries[key].queue_id for key in changed} | stood | {e.queue_id for e in gone}):
            self.hub.publish("queue", self._queue(state, queue_id), queue_id)

    def _queue(self, state: State, queue_id: str) -> dict[str, Any]:
        waiting = state.in_queue(queue_id)
        now = self.clock.now()
        return {
            "id": queue_id,
            "waiting": sum(not entry.offer_id for entry in waiting),
            "offered": sum(bool(entry.offer_id) for entry in waiting),
            "longest_wait_s": max((seconds_waited(entry, now) for entry in waiting), default=0.0),
            "order": [entry.id for entry in waiting[:ORDER_TOLD]],
        }

    def _publish(self, kind: str, view: BaseModel, subject: str) -> None:
        self.hub.publish(kind, view.model_dump(mode="json"), subject)


def of_queues(queue_ids: Iterable[str]) -> Wanted:
    """The filter of a client that wants agents and, of the rest, these queues alone; all of them when none is named."""
    wanted = frozenset(queue_ids)

    def wants(event: StreamEvent) -> bool:
        return event.type in ("agent", "reset") or event.subject in wanted

    return wants if wanted else everything


def _differing(old: Mapping[str, Agent | Entry], new: Mapping[str, Agent | Entry]) -> set[str]:
    return {key for key, row in new.items() if old.get(key) is not row and old.get(key) != row}
