"""The event stream of agents' desktops: goes on after a broken connection, also at another replica, from the last event seen."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import orjson
from starlette.websockets import WebSocket

from ipcc.bus import Record
from ipcc.contracts.topics import ACD, CALL, RECORDING, Topic
from ipcc.http.websocket import Hub, StreamEvent, Wanted
from ipcc.metrics import Metrics
from services.ctiserver.core.cursor import Cursor
from services.ctiserver.core.desktop import QUEUE, Message

TOPICS: tuple[Topic, ...] = (CALL, ACD, RECORDING)
WIDTH = sum(topic.partitions for topic in TOPICS)


def place_of(topic: str, partition: int) -> int:
    """The place of a partition in the cursor."""
    first = 0
    for known in TOPICS:
        if known.name == topic:
            return first + partition
        first += known.partitions
    raise ValueError(f"{topic} is not in the stream")


@dataclass(frozen=True)
class Viewer:
    """The filter of one client: of the events of one agent and of the queues he ``serves`` when they come, or of all, without
    those he has ``seen``."""

    agent_id: str = ""
    seen: Cursor | None = None
    serves: Callable[[str, str], bool] = lambda _agent, _queue: False

    def __call__(self, event: StreamEvent) -> bool:
        if self.agent_id and not self.is_for(event.subject):
            return False
        # another replica may have been further than this one is: what comes live may be known too
        return self.seen is None or not self.seen.has_seen(_cursor_of(event))

    def is_for(self, subject: str) -> bool:
        """Whether events of ``subject`` concern this agent."""
        if subject.startswith(QUEUE):
            return self.serves(self.agent_id, subject.removeprefix(QUEUE))
        return subject == self.agent_id


class DesktopHub(Hub):
    """A hub whose event ids are cursors into the topics, with a history per agent and queue and one of all.

    A client whose last event is older than the history, or not one of ours, gets ``reset`` first: it loads the snapshot by REST.
    """

    def __init__(
        self, metrics: Metrics, per_agent: int, of_all: int, serves: Callable[[str, str], bool] = lambda _a, _q: False
    ) -> None:
        super().__init__("desktop", metrics, history=1)
        self._serves = serves
        self._per_agent = per_agent
        self._offsets = [0] * WIDTH
        self._oldest = Cursor((0,) * WIDTH)
        self._all: deque[StreamEvent] = deque(maxlen=of_all)
        self._of: dict[str, deque[StreamEvent]] = {}
        self._evicted: dict[str, Cursor] = {}

    def begin(self, topic: str, positions: Mapping[int, int]) -> None:
        """Reading of ``topic`` starts here: what was before is not known."""
        oldest = list(self._oldest.offsets)
        for partition, offset in positions.items():
            self._offsets[place_of(topic, partition)] = oldest[place_of(topic, partition)] = offset
        self._oldest = Cursor(tuple(oldest))

    def tell(self, record: Record, messages: Sequence[Message]) -> None:
        """Send what one record gave, and remember how far we are."""
        place = place_of(record.topic, record.partition)
        self._offsets[place] = record.offset
        for index, message in enumerate(messages):
            cursor = Cursor(tuple(self._offsets), place, index)
            event = self.publish(message.type, message.data, message.subject, event_id=str(cursor))
            self._remember("", self._all, event)
            mine = self._of.setdefault(message.subject, deque(maxlen=self._per_agent))
            self._remember(message.subject, mine, event)
        self._offsets[place] = record.offset + 1

    async def show(self, socket: WebSocket, agent_id: str = "", last_id: str | None = None) -> None:
        """Accept ``socket`` and send it the events of ``agent_id``, or of all, that come after ``last_id``."""
        seen = Cursor.parse(last_id, WIDTH) if last_id else None
        await self.serve(socket, last_id, Viewer(agent_id, seen, self._serves))

    def _missed(self, last_id: str | None, wanted: Wanted) -> list[str]:
        viewer = wanted if isinstance(wanted, Viewer) else Viewer()
        now = str(Cursor(tuple(self._offsets)))
        if last_id is None:
            return [_mark("hello", now)]
        subjects = [subject for subject in self._of if viewer.is_for(subject)] if viewer.agent_id else [""]
        if viewer.seen is None or self._is_too_old(viewer.seen, subjects):
            return [_mark("reset", now)]
        told = (event for subject in subjects for event in (self._of[subject] if subject else self._all))
        # of several histories the order in which they were told
        return [event.text() for event in sorted(told, key=lambda event: event.number) if viewer(event)]

    def _is_too_old(self, seen: Cursor, subjects: Sequence[str]) -> bool:
        evicted = [self._evicted[subject] for subject in subjects if subject in self._evicted]
        return any(
            offset < gone
            for known in (self._oldest, *evicted)
            for offset, gone in zip(seen.offsets, known.offsets, strict=True)
        )

    def _remember(self, subject: str, history: deque[StreamEvent], event: StreamEvent) -> None:
        if len(history) == history.maxlen:
            lost = _cursor_of(history[0])
            known = self._evicted.get(subject, Cursor((0,) * WIDTH))
            offsets = list(known.offsets)
            offsets[lost.place] = lost.offsets[lost.place] + 1
            self._evicted[subject] = Cursor(tuple(offsets))
        history.append(event)


def _cursor_of(event: StreamEvent) -> Cursor:
    cursor = Cursor.parse(event.id, WIDTH)
    if cursor is None:
        raise ValueError(f"an event of this stream has no cursor: {event.id}")
    return cursor


def _mark(kind: str, cursor: str) -> str:
    return orjson.dumps({"id": cursor, "type": kind, "data": {}}).decode()
