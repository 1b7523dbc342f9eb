"""Who stands where, in all replicas: the lists of REST, and each change over WebSocket.

Who is served here is shown as he stands here, everybody else as his replica told it. Messages: ``session`` with the whole view of one,
and where he was told to stand before (``from_at``, ``from_queue``; empty for one who is new); ``session.left`` with its ids and
where he stood last; ``reset`` when the list is to be read anew. A client that wants one node or queue is also told who leaves it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from starlette.websockets import WebSocket

from ipcc.clock import Clock
from ipcc.http.websocket import Hub, StreamEvent
from ipcc.http.websocket import Wanted as Filter
from ipcc.metrics import IVR_MIRROR_BEHIND, IVR_MIRROR_SESSIONS, Metrics
from services.ivr.core.past import Open
from services.ivr.mirror import Mirror
from services.ivr.schemas import CountView, SessionView, Wanted
from services.ivr.usecases import Sessions

LOOK_EVERY_S = 0.25


@dataclass
class Live:
    """Run it by ``tasks.spawn(name, live.run)``; ``replica`` is the name of this one."""

    sessions: Sessions
    mirror: Mirror
    replica: str
    hub: Hub
    clock: Clock
    metrics: Metrics
    _changed: dict[str, Open | None] = field(default_factory=dict)
    _told: dict[str, SessionView] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.mirror.on_change(self._changed.__setitem__)

    def views(self, wanted: Wanted) -> list[SessionView]:
        """Everybody whom ``wanted`` fits, oldest first."""
        found = [SessionView.of(runner, self.replica) for runner in self.sessions.running.values()]
        found += [SessionView.told(one) for one in self.mirror if not self._is_known_better(one)]
        return sorted(filter(wanted.fits, found), key=lambda view: (view.started_at, view.session_id))

    def counts(self, wanted: Wanted) -> list[CountView]:
        """How many of them stand at which node."""
        names = ("flow", "version", "at", "kind", "queue")
        counted = Counter(tuple(getattr(view, name) for name in names) for view in self.views(wanted))
        return [CountView(**dict(zip(names, key, strict=True)), callers=n) for key, n in sorted(counted.items())]

    def find(self, call_id: str) -> SessionView | None:
        """The session of a call, wherever it runs."""
        runner = self.sessions.running.get(call_id)
        if runner is not None:
            return SessionView.of(runner, self.replica)
        found = self.mirror.find(call_id)
        return SessionView.told(found) if found is not None and not self._is_known_better(found) else None

    def behind_s(self) -> float:
        """How old what is shown of other replicas may be, in seconds."""
        return round(self.mirror.behind_s(), 1)

    async def run(self) -> None:
        """Look and tell for ever."""
        while True:
            self.look()
            self.metrics.put(IVR_MIRROR_BEHIND, self.behind_s())
            self.metrics.put(IVR_MIRROR_SESSIONS, self.mirror.count)
            await self.clock.sleep(LOOK_EVERY_S)

    async def follow(self, socket: WebSocket, after: str | None, wanted: Wanted) -> None:
        """Serve one client, from what REST shows at this moment or from ``after`` on."""
        self.look()
        await self.hub.serve(socket, after, _filter(wanted))

    def look(self) -> None:
        """Tell what is otherwise than it was told."""
        changed = dict(self._changed)
        self._changed.clear()
        for session_id, found in changed.items():
            if found is None:
                self._leave(session_id)
            else:
                self._tell(session_id, found)

    def _tell(self, session_id: str, found: Open) -> None:
        runner = self.sessions.running.get(found.started.call_id)
        is_here = runner is not None and runner.session.session_id == session_id
        view = SessionView.of(runner, self.replica) if runner is not None and is_here else SessionView.told(found)
        before = self._told.get(session_id)
        if view == before:
            return
        self._told[session_id] = view
        came = {"from_at": before.at if before else "", "from_queue": before.queue if before else ""}
        self.hub.publish("session", {**view.model_dump(mode="json"), **came}, session_id)

    def _leave(self, session_id: str) -> None:
        last = self._told.pop(session_id, None)
        if last is not None:
            shown = {"session_id", "call_id", "flow", "version", "at", "queue"}
            self.hub.publish("session.left", last.model_dump(mode="json", include=shown), session_id)

    def _is_known_better(self, found: Open) -> bool:
        """Whether it runs here, or has ended here and that has not been heard back yet."""
        started = found.started
        runner = self.sessions.running.get(started.call_id)
        if runner is not None and runner.session.session_id == started.session_id:
            return True
        kept = self.sessions.outside.sender.traces.kept.get(started.session_id)
        return kept is not None and kept.ended_at is not None


def _filter(wanted: Wanted) -> Filter:
    """Of the changes those of sessions that fit, or did before."""

    def wants(event: StreamEvent) -> bool:
        told = event.data
        if event.type == "reset":
            return True
        places = [(told["at"], told["queue"])]
        if told.get("from_at"):
            places.append((told["from_at"], told["from_queue"]))
        return any(wanted.fits_place(told["flow"], at, queue) for at, queue in places)

    return wants
