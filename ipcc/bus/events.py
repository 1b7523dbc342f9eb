"""Events on top of records: how an envelope becomes a message and back, and the way services publish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ipcc.bus.port import Message, Producer, Record
from ipcc.clock import Clock
from ipcc.contracts.envelope import Event, decode, encode, wrap
from ipcc.contracts.payload import Payload
from ipcc.errors import InvalidMessage
from ipcc.ids import new_id

NO_HEADERS: Mapping[str, str] = {}
# repeats the event's type, so that a consumer can pass over what it does not handle without parsing it
TYPE_HEADER = "ce_type"


@dataclass(frozen=True, slots=True)
class Received:
    """An event as it arrived, with the record that carried it (topic, partition, offset, headers)."""

    event: Event
    record: Record

    @property
    def headers(self) -> Mapping[str, str]:
        """The record's headers: trace, reply_to, deadline."""
        return self.record.headers


def message_of(event: Event, headers: Mapping[str, str] = NO_HEADERS) -> Message:
    """The record that carries ``event`` on its own topic, under its subject as key."""
    return Message(event.topic.name, event.subject, encode(event), {**headers, TYPE_HEADER: event.type})


def received_from(record: Record) -> Received:
    """The event in ``record``. Raises InvalidMessage, also for a tombstone."""
    if record.value is None:
        raise InvalidMessage("a tombstone where an event is expected")
    return Received(decode(record.value), record)


@dataclass(frozen=True)
class Publisher:
    """Publishes payloads as events of one service instance; ``source`` is such as ``acd/acd-0``."""

    producer: Producer
    source: str
    clock: Clock

    def event(self, data: Payload) -> Event:
        """``data`` as an event that happens now."""
        return wrap(data, event_id=new_id(), source=self.source, time=self.clock.now())

    async def publish(self, data: Payload, headers: Mapping[str, str] = NO_HEADERS) -> Event:
        """Send ``data`` to its topic and return the event, acknowledged. Raises BusDown."""
        event = self.event(data)
        await self.producer.send(message_of(event, headers))
        return event

    async def send(self, event: Event, headers: Mapping[str, str] = NO_HEADERS) -> None:
        """Send an event made before, such as one stored first; sending it again is harmless to consumers. Raises BusDown."""
        await self.producer.send(message_of(event, headers))

    async def forget(self, data: Payload) -> None:
        """Write a tombstone for the key of ``data`` on its compacted topic. Raises BusDown."""
        await self.producer.send(Message(data.TOPIC.name, data.key(), None))
