"""Commands with an answer: ask over a service's command topic, hear on the reply topic, never later than a deadline.

The asker's instance is the key of its replies, so they all come by one partition. An expired command is not carried out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import structlog

from ipcc.bus.events import Publisher, Received, received_from
from ipcc.bus.handlers import Handle
from ipcc.bus.port import END, Bus, Record, partition_of
from ipcc.bus.travelling_errors import failure_of, raised_from
from ipcc.contracts.payload import Payload
from ipcc.contracts.reply import CommandDone, CommandFailed
from ipcc.contracts.topics import REPLY
from ipcc.errors import BusDown, InvalidMessage, IpccError, NotFound, Unavailable

log = structlog.get_logger(__name__)

REPLY_TO: Final = "reply_to"
CORRELATION: Final = "correlation_id"
DEADLINE: Final = "deadline"
RETRY_S = 1.0

P = TypeVar("P", bound=Payload)
Answer = Callable[[P, Received], Awaitable[Mapping[str, Any]]]


class Requester:
    """Asks on behalf of one instance; its name must be its alone. Run it by ``tasks.spawn(name, requester.run)``."""

    def __init__(self, bus: Bus, publisher: Publisher, instance: str) -> None:
        self._bus = bus
        self._publisher = publisher
        self._instance = instance
        self._partition = partition_of(instance, REPLY.partitions)
        self._waiting: dict[str, asyncio.Future[Payload]] = {}
        self._listening = asyncio.Event()

    @property
    def is_listening(self) -> bool:
        """Whether replies are heard."""
        return self._listening.is_set()

    async def ask(self, command: Payload, timeout_s: float = 3.0) -> dict[str, Any]:
        """Send ``command`` and return the result in its answer.

        Raises what the other side raised; BusDown; Unavailable(rpc.no_answer) after ``timeout_s``: whether it was done is
        then unknown.
        """
        publisher = self._publisher
        event = publisher.event(command)
        headers = {
            REPLY_TO: self._instance,
            CORRELATION: event.id,
            DEADLINE: (publisher.clock.now() + timedelta(seconds=timeout_s)).isoformat(),
        }
        future: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        self._waiting[event.id] = future
        try:
            async with asyncio.timeout(timeout_s):
                await self._listening.wait()
                await publisher.send(event, headers)
                reply = await future
        except TimeoutError:
            raise Unavailable("rpc.no_answer", f"{event.type}: no answer within {timeout_s} s", id=event.id) from None
        finally:
            del self._waiting[event.id]
        if isinstance(reply, CommandFailed):
            raise raised_from(reply)
        return reply.result if isinstance(reply, CommandDone) else {}

    async def run(self) -> None:
        """Hear replies for ever."""
        while True:
            try:
                async with self._bus.follow(REPLY.name, END, [self._partition]) as reader:
                    self._listening.set()
                    async for record in reader:
                        self._hear(record)
            except (Unavailable, NotFound) as error:
                log.warning("replies_not_heard", instance=self._instance, error=str(error))
                await self._publisher.clock.sleep(RETRY_S)
            finally:
                self._listening.clear()

    def _hear(self, record: Record) -> None:
        if record.headers.get(REPLY_TO) != self._instance:
            return
        future = self._waiting.get(record.headers.get(CORRELATION, ""))
        if future is None or future.done():
            return
        try:
            future.set_result(received_from(record).event.data)
        except InvalidMessage as error:
            future.set_exception(error)


@dataclass
class ReplyCounters:
    """What a replier has done; services show them as metrics."""

    done: int = 0
    failed: int = 0
    expired: int = 0


@dataclass
class Replier:
    """Turns functions that answer commands into worker handlers."""

    publisher: Publisher
    counters: ReplyCounters = field(default_factory=ReplyCounters)

    def answering(self, answer: Answer[P], *, even_late: bool = False) -> Handle[P]:
        """A handler that calls ``answer(data, received)`` unless the command expired, and sends its result or its error back.

        ``even_late``: an expired command is carried out all the same, whether or not anybody still waits for its answer.
        A command nobody waits for (no reply_to) raises its errors to the worker, but for those refused: they are logged.
        """

        async def handle(data: P, received: Received) -> None:
            if self._is_expired(received):
                self.counters.expired += 1
                log.info("command_expired", type=received.event.type, id=received.event.id)
                if not even_late:
                    return
            await self._carry_out(answer, data, received)

        return handle

    def _is_expired(self, received: Received) -> bool:
        deadline = received.headers.get(DEADLINE)
        if deadline is None:
            return False
        try:
            return datetime.fromisoformat(deadline) <= self.publisher.clock.now()
        except (ValueError, TypeError) as error:
            raise InvalidMessage(f"header {DEADLINE} is not a time with zone: {deadline!r}") from error

    async def _carry_out(self, answer: Answer[P], data: P, received: Received) -> None:
        asker = received.headers.get(REPLY_TO, "")
        try:
            result = await answer(data, received)
        except IpccError as error:
            self.counters.failed += 1
            if not asker and error.status >= 500:
                raise
            log.info("command_failed", type=received.event.type, id=received.event.id, code=error.code)
            reply: Payload = failure_of(error, asker)
        else:
            self.counters.done += 1
            reply = CommandDone(asker=asker, result=dict(result))
        if asker:
            await self._reply(reply, received)

    async def _reply(self, reply: Payload, received: Received) -> None:
        headers = {
            REPLY_TO: received.headers[REPLY_TO],
            CORRELATION: received.headers.get(CORRELATION, received.event.id),
        }
        try:
            await self.publisher.publish(reply, headers)
        except BusDown as error:
            # raising it would have the command carried out again; the asker's deadline tells him that the outcome is unknown
            log.warning("reply_lost", type=received.event.type, id=received.event.id, error=str(error))
