"""Messages nobody could process: kept as they were found with the reason, and sent again when the fault is mended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ipcc.bus.port import Message, Producer, Record
from ipcc.contracts.topics import DEAD_LETTER
from ipcc.errors import InvalidMessage

REASON: Final = "dead_reason"
GROUP: Final = "dead_group"
TOPIC: Final = "dead_topic"
PARTITION: Final = "dead_partition"
OFFSET: Final = "dead_offset"
TIME: Final = "dead_time"
TOMBSTONE: Final = "dead_tombstone"
OURS: Final = frozenset({REASON, GROUP, TOPIC, PARTITION, OFFSET, TIME, TOMBSTONE})
REASON_LIMIT = 1_000


def letter_of(record: Record, group: str, reason: str) -> Message:
    """``record`` as a dead letter of ``group``: key, value and headers as found, and where it was found."""
    about = {
        REASON: reason[:REASON_LIMIT],
        GROUP: group,
        TOPIC: record.topic,
        PARTITION: str(record.partition),
        OFFSET: str(record.offset),
        TIME: record.time.isoformat(),
    }
    if record.value is None:
        about[TOMBSTONE] = "1"
    return Message(DEAD_LETTER.name, record.key, record.value or b"", {**record.headers, **about})


def message_in(letter: Record) -> Message:
    """What to send so that the message in ``letter`` is processed again. Raises InvalidMessage."""
    topic = letter.headers.get(TOPIC)
    if not topic:
        raise InvalidMessage("not a dead letter: it does not say which topic it comes from")
    headers: Mapping[str, str] = {k: v for k, v in letter.headers.items() if k not in OURS}
    return Message(topic, letter.key, None if TOMBSTONE in letter.headers else letter.value, headers)


@dataclass(frozen=True)
class DeadLetters:
    """Where one consumer group puts what it cannot process."""

    producer: Producer
    group: str

    async def bury(self, record: Record, reason: str) -> None:
        """Keep ``record`` among the dead letters. Raises BusDown; the caller tries until it is kept."""
        await self.producer.send(letter_of(record, self.group, reason))
