"""What ivr's own topic tells of the sessions of one partition: which had not ended, and which calls and orders are known."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from ipcc.bus.events import received_from
from ipcc.bus.port import Bus, Record
from ipcc.clock import Clock
from ipcc.contracts.call import CallArrived
from ipcc.contracts.ivr import FlowReturned, IvrPayload, NodeEntered, SessionEnded, SessionStarted
from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import CALL, IVR
from ipcc.errors import InvalidMessage, Unavailable

log = structlog.get_logger(__name__)

# no call lasts longer (the switch's own limit): older sessions on the topic are over
LOOK_BACK = timedelta(hours=6)


@dataclass
class Open:
    """A session found on the topic that had not ended."""

    started: SessionStarted
    at: datetime
    entered: NodeEntered | None = None


@dataclass
class Past:
    """The sessions of a partition by session id, the calls met, and the sessions on lent legs."""

    open: dict[str, Open] = field(default_factory=dict)
    calls: dict[str, None] = field(default_factory=dict)
    lent: dict[str, SessionStarted] = field(default_factory=dict)

    def note(self, data: IvrPayload, at: datetime) -> None:
        """Learn one fact, in the order of the topic."""
        if isinstance(data, SessionStarted):
            self.open[data.session_id] = Open(data, at)
            if data.is_lent:
                self.lent[data.session_id] = data
            else:
                self.calls[data.call_id] = None
        elif isinstance(data, NodeEntered) and data.session_id in self.open:
            self.open[data.session_id].entered = data
        elif isinstance(data, SessionEnded | FlowReturned):
            # a leg that was given back is nobody's to touch, even if the end of its session was never told
            self.open.pop(data.session_id, None)


@dataclass(frozen=True)
class History:
    """Reads the topics back."""

    bus: Bus
    clock: Clock

    async def read(self, partition: int) -> Past:
        """All that was told of the partition's sessions. Raises Unavailable."""
        past = Past()
        async with self.bus.replay(IVR.name, self.clock.now() - LOOK_BACK, [partition]) as reader:
            async for record in reader:
                data = _read(record)
                if isinstance(data, IvrPayload):
                    past.note(data, record.time)
        return past

    async def arrival(self, call_id: str, at: datetime, partition: int) -> CallArrived | None:
        """The call's first event, on the same partition of its topic; None when the bus cannot say."""
        try:
            async with self.bus.replay(CALL.name, at - timedelta(minutes=1), [partition]) as past:
                async for record in past:
                    data = _read(record) if record.key == call_id else None
                    if isinstance(data, CallArrived):
                        return data
        except Unavailable as error:
            # he goes on without his number being known: better than waiting in silence
            log.warning("arrival_not_found", call_id=call_id, error=str(error))
        return None


def _read(record: Record) -> Payload | None:
    try:
        return received_from(record).event.data
    except InvalidMessage:
        return None
