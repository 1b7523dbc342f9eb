"""The sessions of all replicas, as ivr's own topic tells them: for whoever looks, and for the moment a partition comes to this replica.

Every replica reads the whole topic, so that the callers of one that died are known here before he is missed: what is left to read at
a takeover is what was told in the last moment, however much the topic holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from ipcc.bus.events import TYPE_HEADER, Received, received_from
from ipcc.bus.port import Bus, Record, Start, partition_of
from ipcc.clock import Clock
from ipcc.contracts.call import CallArrived
from ipcc.contracts.ivr import (
    FaxDone,
    FaxOrdered,
    FaxStarted,
    FlowReturned,
    IvrPayload,
    NodeEntered,
    SessionEnded,
    SessionStarted,
)
from ipcc.contracts.topics import CALL, IVR
from ipcc.errors import InvalidMessage, NotFound, Unavailable
from services.ivr.core.past import LONGEST, Open, Past

log = structlog.get_logger(__name__)

_SESSIONS, _FAXES = (SessionStarted, NodeEntered, SessionEnded, FlowReturned), (FaxOrdered, FaxStarted, FaxDone)
HEARD = frozenset(one.TYPE for one in (*_SESSIONS, *_FAXES))
RETRY_S = 1.0
# callers who are served here do not wait for what is read meanwhile
READ_AT_ONCE = 50
FRESH_S = 1.0

OnChange = Callable[[str, Open | None], None]


@dataclass
class Mirror:
    """Run it by ``tasks.spawn(name, mirror.run)``. ``is_complete``: all that was told before it began has been read."""

    bus: Bus
    clock: Clock
    is_complete: bool = False
    _pasts: dict[int, Past] = field(default_factory=dict)
    _next: dict[int, int] = field(default_factory=dict)
    _reading: dict[int, asyncio.Lock] = field(default_factory=dict)
    _callbacks: list[OnChange] = field(default_factory=list)
    _told_at: datetime | None = None
    _heard_at: datetime | None = None

    @property
    def count(self) -> int:
        """How many sessions have not ended."""
        return sum(len(past.open) for past in self._pasts.values())

    @property
    def given_up(self) -> int:
        """How many were dropped because there were too many."""
        return sum(past.given_up for past in self._pasts.values())

    def __iter__(self) -> Iterator[Open]:
        for past in self._pasts.values():
            yield from past.open.values()

    def find(self, call_id: str) -> Open | None:
        """The session of a call that has not ended."""
        past = self._pasts.get(partition_of(call_id, IVR.partitions))
        return past.find(call_id) if past is not None else None

    def session_of(self, call_id: str) -> str:
        """The newest session of a call, ended or not; empty when none is known."""
        found = self.find(call_id)
        if found is not None:
            return found.started.session_id
        past = self._pasts.get(partition_of(call_id, IVR.partitions))
        return past.ended.get(call_id, "") if past is not None else ""

    def call_of(self, session_id: str) -> str:
        """The call of a session that has not ended; empty when none is known."""
        found = next((past.open[session_id] for past in self._pasts.values() if session_id in past.open), None)
        return found.started.call_id if found is not None else ""

    def on_change(self, callback: OnChange) -> None:
        """Call ``callback(session id, session)`` for every change from now on; None when it has ended. It must not block."""
        self._callbacks.append(callback)

    def behind_s(self) -> float:
        """How old the picture may be, in seconds: 0 while all that is told is heard at once."""
        now = self.clock.now()
        if self._told_at is None or self._heard_at is None:
            return 0.0 if self.is_complete else LONGEST.total_seconds()
        late = (self._heard_at - self._told_at) / timedelta(seconds=1)
        if not self.is_complete:
            return max(0.0, (now - self._told_at) / timedelta(seconds=1))
        if not self.bus.health.is_up:
            return max(0.0, (now - self.bus.health.since) / timedelta(seconds=1))
        is_new = now - self._heard_at < timedelta(seconds=FRESH_S)
        return max(0.0, late) if is_new else 0.0

    def problem(self) -> str | None:
        """Why the picture is not whole, in a sentence."""
        if not self.is_complete:
            return f"sessions of other replicas are being read: {self.behind_s():.0f} s to go back from"
        behind = self.behind_s()
        return f"what other replicas tell is {behind:.0f} s old" if behind > RETRY_S else None

    async def past(self, partition: int) -> Past:
        """The sessions of ``partition`` by all that has been told until now. Raises Unavailable."""
        async with self._reading.setdefault(partition, asyncio.Lock()):
            known = self._next.get(partition)
            start: Start = self.clock.now() - LONGEST if known is None else {partition: known}
            async with self.bus.replay(IVR.name, start, [partition]) as reader:
                number = 0
                async for record in reader:
                    self._take(record)
                    number += 1
                    if number % READ_AT_ONCE == 0:
                        await asyncio.sleep(0)
            self._next[partition] = max(self._next.get(partition, 0), reader.positions[partition])
            return self._pasts.setdefault(partition, Past())

    async def run(self) -> None:
        """Read what was told before, one partition after the other, then follow all of them for ever."""
        while True:
            try:
                for partition in range(IVR.partitions):
                    await self.past(partition)
                self.is_complete = True
                async with self.bus.follow(IVR.name, dict(self._next)) as reader:
                    async for record in reader:
                        self._take(record)
            except (Unavailable, NotFound) as error:
                log.warning("sessions_not_followed", error=str(error))
                await self.clock.sleep(RETRY_S)

    def _take(self, record: Record) -> None:
        """Learn a record, once: a takeover reads ahead of what is followed."""
        if record.offset < self._next.get(record.partition, 0):
            return
        self._next[record.partition] = record.offset + 1
        self._told_at, self._heard_at = record.time, self.clock.now()
        kind = record.headers.get(TYPE_HEADER)
        heard = _read(record) if kind is None or kind in HEARD else None
        if heard is None or not isinstance(heard.event.data, IvrPayload):
            return
        data, replica = heard.event.data, heard.event.source.partition("/")[2]
        past = self._pasts.setdefault(record.partition, Past())
        for session_id in past.note(data, record.time, replica):
            for callback in self._callbacks:
                callback(session_id, past.open.get(session_id))


async def arrival(bus: Bus, started: SessionStarted, at: datetime, partition: int) -> CallArrived | None:
    """The first event of a session's call, on the same partition of its topic; None when the bus cannot say."""
    try:
        async with bus.replay(CALL.name, at - timedelta(minutes=1), [partition]) as past:
            async for record in past:
                heard = _read(record) if record.key == started.call_id else None
                if heard is not None and isinstance(heard.event.data, CallArrived):
                    return heard.event.data
    except Unavailable as error:
        # he goes on without his number being known: better than waiting in silence
        log.warning("arrival_not_found", call_id=started.call_id, error=str(error))
    return None


def _read(record: Record) -> Received | None:
    try:
        return received_from(record)
    except InvalidMessage:
        return None
