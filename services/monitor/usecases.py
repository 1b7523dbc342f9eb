"""The live picture kept up to date, sent to those who watch, and its breaches told as alerts."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from ipcc.bus.events import Publisher
from ipcc.clock import Clock
from ipcc.contracts.acd import AgentState
from ipcc.contracts.alert import AlertCleared, AlertRaised
from ipcc.contracts.envelope import Event
from ipcc.errors import BusDown
from ipcc.esl.port import Switches
from ipcc.http.websocket import Hub
from ipcc.metrics import (
    MONITOR_AGENTS,
    MONITOR_ALERTS,
    MONITOR_CALLS,
    MONITOR_ENTRIES,
    MONITOR_LONGEST_WAIT,
    MONITOR_OLDEST_VOICEMAIL,
    MONITOR_SERVICE_LEVEL,
    MONITOR_SWITCH_SESSIONS,
    MONITOR_VOICEMAILS,
    MONITOR_WAITING,
    Metrics,
)
from services.monitor.core.board import Board
from services.monitor.core.invariants import Breach, Watch
from services.monitor.schemas import AlertView, BoardView, News, NodeView, board_view

log = structlog.get_logger(__name__)

# what happened longer before the start is history: it fills the board but raises no alert
NEWS = timedelta(seconds=60)
SHOWN_ALERTS = 50
# what cannot become right again (a recording that is missing) is shown for so long
ALERT_KEPT = timedelta(hours=12)
LOOK_EVERY = timedelta(seconds=1)
REMEMBER = 50_000


@dataclass
class Live:
    """The picture of this replica."""

    board: Board
    clock: Clock
    switches: Switches
    publisher: Publisher
    hub: Hub
    metrics: Metrics
    publish_every_s: float
    watch: Watch = field(default_factory=Watch)
    alerts: dict[str, AlertView] = field(default_factory=dict)
    behind: set[str] = field(default_factory=set)
    cut_off_since: Callable[[], datetime | None] = lambda: None
    """Since when the broker does not answer; None while it does."""
    _seen: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Queue[AlertRaised | AlertCleared] = field(default_factory=asyncio.Queue)
    _started: datetime | None = None
    _looked: datetime | None = None

    def apply(self, event: Event) -> None:
        """Take one event; the same again changes nothing."""
        if event.id in self._seen:
            return
        self._seen[event.id] = None
        if len(self._seen) > REMEMBER:
            self._seen.popitem(last=False)
        self.board.apply(event, self.clock.now())
        for breach in self.watch.apply(event):
            self._note(breach, event.time)
        self._changed.set()

    def view(self) -> BoardView:
        """The picture now."""
        now = self.clock.now()
        self.board.turn_day(now)
        view = board_view(self.board, self._nodes(), list(self.alerts.values())[-SHOWN_ALERTS:], now)
        cut_off = self.cut_off_since()
        if cut_off is not None:
            return view.model_copy(update={"news": News.CUT_OFF, "news_until": cut_off})
        return view.model_copy(update={"news": News.READING if self.behind else News.LIVE})

    async def send_changes(self) -> None:
        """Send the board to the wallboards when it changed, at most every ``publish_every_s``; once a second anyway for the clocks."""
        self._started = self._looked = self.clock.now()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._changed.wait()
            self._changed.clear()
            self.look()
            view = self.view()
            self._measure(view)
            if self.hub.clients:
                self.hub.publish("board", view.model_dump(mode="json"))
            await self.clock.sleep(self.publish_every_s)

    def look(self) -> None:
        """See what only time shows, once a second; not before all that was told has been read."""
        now = self.clock.now()
        if self.behind or (self._looked is not None and now - self._looked < LOOK_EVERY):
            return
        self._looked = now
        for breach in self.watch.look(now):
            self._note(breach, now)
        for alert in [a for a in self.alerts.values() if now - a.since > ALERT_KEPT]:
            self._clear(alert.alert_id, alert.rule)

    async def send_alerts(self) -> None:
        """Put the alerts on their topic, for ever."""
        while True:
            alert = await self._news.get()
            while True:
                try:
                    await self.publisher.publish(alert)
                except BusDown as error:
                    log.warning("alert_waits", error=str(error))
                    await self.clock.sleep(1.0)
                else:
                    break

    def _note(self, breach: Breach, at: datetime) -> None:
        if self._started is None or at < self._started - NEWS:
            return
        alert_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{breach.rule}/{breach.key}"))
        if breach.cleared:
            self._clear(alert_id, breach.rule)
            return
        if alert_id in self.alerts:
            return
        view = AlertView(alert_id=alert_id, rule=breach.rule, severity=breach.severity, text=breach.text, since=at)
        self.alerts[alert_id] = view
        self.metrics.count(MONITOR_ALERTS, rule=breach.rule)
        log.warning("invariant_broken", rule=breach.rule, text=breach.text)
        self._news.put_nowait(
            AlertRaised(
                alert_id=alert_id, rule=breach.rule, severity=breach.severity, text=breach.text, subject=breach.key
            )
        )

    def _clear(self, alert_id: str, rule: str) -> None:
        if self.alerts.pop(alert_id, None) is not None:
            self._news.put_nowait(AlertCleared(alert_id=alert_id, rule=rule))

    def _nodes(self) -> list[NodeView]:
        found = []
        for node in self.switches.nodes():
            beat = node.state.heartbeat
            found.append(
                NodeView(
                    node_id=node.node_id,
                    is_up=node.is_up,
                    sessions=beat.sessions if beat else None,
                    max_sessions=beat.max_sessions if beat else None,
                    idle_cpu_percent=beat.idle_cpu_percent if beat else None,
                    error="" if node.is_up else node.state.last_error,
                )
            )
        return found

    def _measure(self, view: BoardView) -> None:
        for queue in view.queues:
            self.metrics.put(MONITOR_WAITING, queue.waiting, queue=queue.queue_id)
            self.metrics.put(MONITOR_LONGEST_WAIT, queue.longest_waiting_s, queue=queue.queue_id)
            if queue.service_level is not None:
                self.metrics.put(MONITOR_SERVICE_LEVEL, queue.service_level, queue=queue.queue_id)
            self.metrics.put(MONITOR_OLDEST_VOICEMAIL, queue.oldest_voicemail_s, queue=queue.queue_id)
            for state in ("waiting", "taken", "overdue"):
                number = getattr(queue, f"voicemails_{state}")
                self.metrics.put(MONITOR_VOICEMAILS, number, queue=queue.queue_id, state=state)
            for outcome in ("offered", "answered", "abandoned", "overflowed", "transferred"):
                self.metrics.put(MONITOR_ENTRIES, getattr(queue, outcome), queue=queue.queue_id, outcome=outcome)
        for agent_state in AgentState:
            number = view.agents_by_state.get(agent_state.value, 0)
            self.metrics.put(MONITOR_AGENTS, number, state=agent_state.value)
        self.metrics.put(MONITOR_CALLS, view.totals.calls_now)
        for node in view.nodes:
            self.metrics.put(MONITOR_SWITCH_SESSIONS, node.sessions or 0, node=node.node_id)
