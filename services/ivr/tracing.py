"""Traces of sessions: those of this replica, running and lately ended, are at hand; others are read back from ivr's own topic."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ipcc.bus.events import received_from
from ipcc.bus.port import Bus, Record, partition_of
from ipcc.contracts.envelope import Event
from ipcc.contracts.ivr import IvrPayload, SessionStarted
from ipcc.contracts.topics import IVR
from ipcc.errors import InvalidMessage, NotFound, NotNow
from services.ivr.core.trace import Trace
from services.ivr.mirror import Mirror

# some 20 steps of 300 bytes each: less than 20 MB
KEPT = 2_000
# read back at most: some minutes of a busy centre, or an hour of one partition
LONGEST_READ = 200_000
EARLIER = timedelta(seconds=2)


@dataclass
class Traces:
    """What is told is noted by ``note``; ``find`` looks one up by the id of the session or of its call."""

    bus: Bus
    mirror: Mirror
    kept: OrderedDict[str, Trace] = field(default_factory=OrderedDict)
    _by_call: dict[str, str] = field(default_factory=dict)

    def begin(self, started: SessionStarted, at: datetime, *, is_whole: bool = True) -> None:
        """A session begins here, or goes on here (``is_whole`` false)."""
        trace = Trace(started, at, is_whole)
        self.kept[started.session_id] = trace
        self._by_call[started.call_id] = started.session_id
        while len(self.kept) > KEPT:
            _, oldest = self.kept.popitem(last=False)
            if self._by_call.get(oldest.started.call_id) == oldest.started.session_id:
                del self._by_call[oldest.started.call_id]

    def note(self, event: Event) -> None:
        """One fact of a session that began here."""
        data = event.data
        if isinstance(data, IvrPayload) and data.session_id in self.kept:
            self.kept[data.session_id].note(data, event.time)

    async def find(self, name: str, call_id: str = "") -> Trace:
        """The trace of a session. Raises NotFound, NotNow (trace.too_far_back), Unavailable."""
        found = self.kept.get(name) or self.kept.get(self._by_call.get(name, ""))
        if found is not None and found.is_whole:
            return found
        if found is not None:
            return await self._read_back(found.started.session_id, found.started.call_id)
        # by its call, or by its own id, whichever replica has it or had it
        of_call = self.mirror.session_of(name)
        if of_call:
            return await self._read_back(of_call, name)
        return await self._read_back(name, call_id or self.mirror.call_of(name))

    async def _read_back(self, session_id: str, call_id: str) -> Trace:
        since = moment_of(session_id)
        if since is None:
            raise NotFound("session.unknown", f"nothing is known here of a session or call {session_id}")
        partitions = [partition_of(call_id, IVR.partitions)] if call_id else None
        trace: Trace | None = None
        count = 0
        async with self.bus.replay(IVR.name, since - EARLIER, partitions) as reader:
            async for record in reader:
                count += 1
                if count > LONGEST_READ:
                    why = "too much was told since: ask with its call, or look the call up in the history"
                    raise NotNow("trace.too_far_back", f"session {session_id}: {why}")
                event = _read(record)
                if event is None or getattr(event.data, "session_id", "") != session_id:
                    continue
                trace = _noted(trace, event)
                if trace is not None and trace.ended_at is not None:
                    break
        if trace is None:
            raise NotFound("session.unknown", f"nothing was told of a session {session_id}")
        return trace


def _noted(trace: Trace | None, event: Event) -> Trace | None:
    if isinstance(event.data, SessionStarted):
        return trace or Trace(event.data, event.time)
    if trace is not None and isinstance(event.data, IvrPayload):
        trace.note(event.data, event.time)
    return trace


def moment_of(session_id: str) -> datetime | None:
    """When a session of that id began: ids sort by their time (UUIDv7); None when it is no such id."""
    try:
        found = uuid.UUID(session_id)
    except ValueError:
        return None
    return datetime.fromtimestamp((found.int >> 80) / 1000, UTC) if found.version == 7 else None


def _read(record: Record) -> Event | None:
    try:
        return received_from(record).event
    except InvalidMessage:
        return None
