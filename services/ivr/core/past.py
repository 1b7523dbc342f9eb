"""What ivr's own topic tells of the sessions of one partition: which have not ended, which calls and orders are known. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

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
from services.ivr.core.fax_job import FaxJob, learn
from services.ivr.core.place import Place, read_place

# no call lasts longer (the switch's own limit): a session begun earlier is over, whatever was told of it
LONGEST = timedelta(hours=6)
# an arrival is delivered twice within seconds, an order repeated within a minute: so many calls of one partition are long ago
MOST_CALLS = 10_000
MOST_LENT = 1_000
MOST_FAXES = 1_000
# far more than one partition of a centre ever has at once; beyond it the oldest are given up and counted
MOST_OPEN = 10_000

T = TypeVar("T")


@dataclass(slots=True)
class Open:
    """A session that had not ended when last heard of, by ``replica``. ``is_over`` becomes true when its end is heard."""

    started: SessionStarted
    at: datetime
    replica: str = ""
    entered: NodeEntered | None = None
    is_over: bool = False

    @property
    def place(self) -> Place:
        """Where he stands, as it was told."""
        return read_place(self.entered.place if self.entered else {})


@dataclass
class Past:
    """The sessions of a partition by session id, the calls met, the sessions on lent legs, by call the last that ended, and faxes to
    numbers by their id, those that are over too.

    All of it is bounded; ``given_up`` counts open sessions dropped for that.
    """

    open: OrderedDict[str, Open] = field(default_factory=OrderedDict)
    calls: OrderedDict[str, None] = field(default_factory=OrderedDict)
    lent: OrderedDict[str, SessionStarted] = field(default_factory=OrderedDict)
    ended: OrderedDict[str, str] = field(default_factory=OrderedDict)
    faxes: OrderedDict[str, FaxJob] = field(default_factory=OrderedDict)
    given_up: int = 0

    def note(self, data: IvrPayload, at: datetime, replica: str = "") -> tuple[str, ...]:
        """Learn one fact, in the order of the topic; the sessions of which another thing is true now."""
        if isinstance(data, SessionStarted):
            return (*self._begin(data, at, replica), data.session_id)
        if isinstance(data, FaxOrdered | FaxStarted | FaxDone):
            job = learn(self.faxes.get(data.fax_id), data, at)
            if job is not None:
                _keep(self.faxes, data.fax_id, job, MOST_FAXES)
            return ()
        found = self.open.get(data.session_id)
        if found is None:
            return ()
        if isinstance(data, NodeEntered):
            found.entered, found.replica = data, replica
        elif isinstance(data, SessionEnded | FlowReturned):
            # a leg that was given back is nobody's to touch, even if the end of its session was never told
            self._close(data.session_id)
        else:
            return ()
        return (data.session_id,)

    def find(self, call_id: str) -> Open | None:
        """The newest session of a call that has not ended."""
        return next((one for one in reversed(self.open.values()) if one.started.call_id == call_id), None)

    def _begin(self, data: SessionStarted, at: datetime, replica: str) -> list[str]:
        """A session more; those that are over by it."""
        over: list[str] = []
        if data.is_lent:
            _keep(self.lent, data.session_id, data, MOST_LENT)
        else:
            # begun anew because the telling of the first was not acknowledged: nobody serves that one
            over += self._own_of(data.call_id) if data.call_id in self.calls else []
            _keep(self.calls, data.call_id, None, MOST_CALLS)
        self.open[data.session_id] = Open(data, at, replica)
        over += self._too_many(at)
        for session_id in over:
            self._close(session_id)
        return over

    def _own_of(self, call_id: str) -> list[str]:
        known = [(name, one.started) for name, one in self.open.items() if one.started.call_id == call_id]
        return [name for name, started in known if not started.is_lent]

    def _too_many(self, now: datetime) -> list[str]:
        oldest = next(iter(self.open))
        if len(self.open) > MOST_OPEN:
            self.given_up += 1
            return [oldest]
        return [oldest] if now - self.open[oldest].at > LONGEST else []

    def _close(self, session_id: str) -> None:
        found = self.open.pop(session_id, None)
        if found is not None:
            found.is_over = True
            _keep(self.ended, found.started.call_id, session_id, MOST_CALLS)


def _keep(kept: OrderedDict[str, T], key: str, value: T, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)
