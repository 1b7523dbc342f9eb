"""Where a reader of Kafka begins, while others write."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from aiokafka import TopicPartition

from ipcc.bus.kafka_consumer import KafkaReader
from ipcc.bus.kafka_link import KafkaSettings

PLACE = TopicPartition("ipcc.ivr.v1", 0)


class BusyPartition:
    """A partition nobody has written to until now, and somebody writes to after every question."""

    def __init__(self) -> None:
        self.end = 0

    async def beginning_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        found = dict.fromkeys(places, self.end)
        self.end += 1
        return found

    async def offsets_for_times(self, wanted: dict[TopicPartition, int]) -> dict[TopicPartition, Any]:
        self.end += 1
        return dict.fromkeys(wanted)


async def test_what_is_written_while_a_time_is_looked_up_is_read() -> None:
    # nothing was told since that time when the broker looked; before the reader had its place, something was
    start = datetime(2026, 1, 5, 9, tzinfo=UTC)
    reader = KafkaReader(KafkaSettings("127.0.0.1:1"), PLACE.topic, start, [0], ends=True)
    client: Any = BusyPartition()
    assert await reader._first_offsets(client, [PLACE]) == {PLACE: 0}
