"""The way to acd: ask for a place in a queue, and hear what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

import structlog

from ipcc.bus.events import Publisher, received_from
from ipcc.bus.port import END, Bus, Record, Start
from ipcc.bus.rpc import Requester
from ipcc.bus.view import View
from ipcc.clock import Clock
from ipcc.contracts.acd import Enqueue, EntryEnded, EntryOutcome, LeaveQueue
from ipcc.contracts.callback import RequestCallback
from ipcc.contracts.config import ConfigChanged, Queue
from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import ACD
from ipcc.errors import InvalidMessage, NotFound, Refused, Unavailable
from services.ivr.core.actions import AskCallback, CallbackAsked, JoinQueue
from services.ivr.core.session import Session

log = structlog.get_logger(__name__)

ASK_TIMEOUT_S = 3.0
RETRY_S = 1.0
# repeated with the same entry a callback is one callback
CALLBACK_TRIES = 3


class QueueDesk:
    """Implements ports.Queues. Run it by ``tasks.spawn(name, desk.run)``."""

    def __init__(self, bus: Bus, publisher: Publisher, requester: Requester, clock: Clock, config: View) -> None:
        self._bus = bus
        self._config = config
        self._publisher = publisher
        self._requester = requester
        self._clock = clock
        self._stays: dict[str, Callable[[Payload], None]] = {}
        self._listening = asyncio.Event()

    @contextmanager
    def stay(self, entry_id: str, hear: Callable[[Payload], None]) -> Iterator[None]:
        """The news about one entry, told from now until the block ends."""
        self._stays[entry_id] = hear
        try:
            yield
        finally:
            del self._stays[entry_id]

    async def join(self, session: Session, wanted: JoinQueue) -> Mapping[str, object]:
        """Ask acd to queue the caller. Raises Refused, Unavailable (also while acd is not heard), BusDown."""
        if not self._listening.is_set():
            raise Unavailable("acd.not_heard", "nothing is heard of acd yet, so its answer would be missed", RETRY_S)
        command = Enqueue(
            domain=self._domain_of(wanted.queue_id),
            entry_id=wanted.entry_id,
            call_id=session.call_id,
            leg_id=session.leg_id,
            node_id=session.node_id,
            queue_id=wanted.queue_id,
            entered_at=datetime.fromisoformat(wanted.entered_at),
            priority=wanted.priority,
            skills=dict(wanted.skills),
            language=session.language,
            caller_number=session.caller_number,
            caller_name=session.caller_name,
            attributes=session.attributes(),
        )
        return await self._requester.ask(command, ASK_TIMEOUT_S)

    async def call_back(self, session: Session, wanted: AskCallback) -> CallbackAsked:
        """Asked again with the same entry where no answer comes: that changes nothing, and gives the answer that was lost."""
        command = self._callback(session, wanted)
        for _ in range(CALLBACK_TRIES):
            try:
                found = await self._requester.ask(command, ASK_TIMEOUT_S)
            except Refused as error:
                return CallbackAsked("refused", error.code)
            except Unavailable as error:
                log.warning("callback_not_asked", call_id=session.call_id, error=str(error))
                await self._clock.sleep(RETRY_S)
                continue
            outcome = str(found.get("outcome") or "")
            # an entry that has left its queue calls nobody back
            return CallbackAsked("refused", outcome) if outcome else CallbackAsked("taken")
        return CallbackAsked("unavailable")

    def _callback(self, session: Session, wanted: AskCallback) -> RequestCallback:
        domain = self._domain_of(wanted.queue_id)
        if not wanted.is_new:
            # without a queue: should his end be forgotten by then, he must not be taken in a second time
            return RequestCallback(domain=domain, entry_id=wanted.entry_id, phone_number=wanted.phone_number)
        return RequestCallback(
            domain=domain,
            entry_id=wanted.entry_id,
            phone_number=wanted.phone_number or session.caller_number,
            queue_id=wanted.queue_id,
            call_id=session.call_id,
            caller_name=session.caller_name,
            entered_at=datetime.fromisoformat(wanted.entered_at),
            priority=wanted.priority,
            skills=dict(wanted.skills),
            language=session.language,
            attributes=session.attributes(),
        )

    def _domain_of(self, queue_id: str) -> str:
        """The routing domain whose owner decides for the queue; of an unknown queue the default one's says that it is unknown."""
        for event in self._config.values():
            found = event.data.object if isinstance(event.data, ConfigChanged) else None
            if isinstance(found, Queue) and found.id == queue_id:
                return found.domain
        return str(Queue.model_fields["domain"].default)

    async def leave(self, entry_id: str, queue_id: str) -> None:
        """Told, not asked: the caller does not wait for the answer; an entry that left before is none the worse."""
        try:
            await self._publisher.publish(
                LeaveQueue(
                    domain=self._domain_of(queue_id),
                    entry_id=entry_id,
                    outcome=EntryOutcome.TRANSFERRED,
                    target="safety",
                )
            )
        except Unavailable as error:
            log.warning("queue_not_left", entry_id=entry_id, error=str(error))

    async def was_answered(self, entry_id: str, since: datetime) -> bool:
        """Read in acd's log, for a caller who is gone already: to ask acd would put him into the queue. Raises Unavailable."""
        async with self._bus.replay(ACD.name, since) as past:
            async for record in past:
                data = _read(record)
                if isinstance(data, EntryEnded) and data.entry_id == entry_id:
                    return data.outcome is EntryOutcome.ANSWERED
        return False

    async def run(self) -> None:
        """Hear acd for ever; after an outage go on behind the last event heard."""
        start: Start = END
        while True:
            try:
                async with self._bus.follow(ACD.name, start) as reader:
                    start = reader.positions
                    self._listening.set()
                    async for record in reader:
                        self._hear(record)
                        start = reader.positions
            except (Unavailable, NotFound) as error:
                log.warning("acd_not_heard", error=str(error))
                await self._clock.sleep(RETRY_S)

    def _hear(self, record: Record) -> None:
        data = _read(record)
        hear = self._stays.get(getattr(data, "entry_id", ""))
        if hear is not None and data is not None:
            hear(data)


def _read(record: Record) -> Payload | None:
    try:
        return received_from(record).event.data
    except InvalidMessage as error:
        log.error("unreadable_event", topic=record.topic, offset=record.offset, error=str(error))
        return None
