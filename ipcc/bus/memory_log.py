"""The log of one partition of the in-process broker: offsets, retention and compaction as Kafka has them. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ipcc.bus.port import Message, Partition, Record
from ipcc.contracts.topics import Topic

# compaction runs when the log holds this many times more records than live keys, and at least that many records
COMPACT_RATIO = 2
COMPACT_AT_LEAST = 64


@dataclass
class PartitionLog:
    """Records in offset order. After compaction or retention offsets have gaps, never repeats."""

    topic: Topic
    place: Partition
    records: list[Record] = field(default_factory=list)
    end: int = 0
    _live_keys: dict[str, int] = field(default_factory=dict)

    @property
    def beginning(self) -> int:
        """The oldest offset still kept, or the end when nothing is."""
        return self.records[0].offset if self.records else self.end

    def append(self, message: Message, now: datetime) -> Record:
        """Put ``message`` at the end."""
        headers: Mapping[str, str] = dict(message.headers)
        record = Record(self.place.topic, self.place.number, self.end, message.key, message.value, headers, time=now)
        self.records.append(record)
        self.end += 1
        if self.topic.compacted:
            self._live_keys[record.key] = record.offset
            if len(self.records) >= max(COMPACT_AT_LEAST, COMPACT_RATIO * len(self._live_keys)):
                self.compact()
        else:
            self._expire(now)
        return record

    def read(self, offset: int, limit: int, end: int | None = None) -> list[Record]:
        """At most ``limit`` records from ``offset`` on and before ``end``."""
        start = bisect_left(self.records, offset, key=lambda r: r.offset)
        found = self.records[start : start + limit]
        return [r for r in found if end is None or r.offset < end]

    def offset_at(self, time: datetime) -> int:
        """The offset of the first record sent at or after ``time``; the end when there is none."""
        start = bisect_left(self.records, time, key=lambda r: r.time)
        return self.records[start].offset if start < len(self.records) else self.end

    def compact(self) -> None:
        """Keep the last record of every key; drop keys whose last record is a tombstone."""
        self.records = [r for r in self.records if self._live_keys.get(r.key) == r.offset and r.value is not None]
        self._live_keys = {r.key: r.offset for r in self.records}

    def _expire(self, now: datetime) -> None:
        oldest = now - timedelta(seconds=self.topic.keep_s)
        # one comparison in the normal case: the oldest record is young enough
        if self.records[0].time < oldest:
            self.records = self.records[bisect_left(self.records, oldest, key=lambda r: r.time) :]
