"""Keeps the Kafka library's log readable: in an outage each of its clients repeats the same sentences many times a second."""

from __future__ import annotations

import logging

QUIET_S = 30.0
SOURCES = (
    "aiokafka",
    "aiokafka.client",
    "aiokafka.cluster",
    "aiokafka.conn",
    "aiokafka.consumer.consumer",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
    "aiokafka.producer.producer",
    "aiokafka.producer.sender",
)


class Sparing(logging.Filter):
    """Lets each sentence of a source through once in ``quiet_s`` seconds, whatever its values are."""

    def __init__(self, quiet_s: float = QUIET_S) -> None:
        super().__init__()
        self._quiet_s = quiet_s
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        sentence = (record.name, str(record.msg))
        last = self._last.get(sentence)
        if last is not None and record.created - last < self._quiet_s:
            return False
        self._last[sentence] = record.created
        return True

    def install(self) -> None:
        """Begin to filter the library's log."""
        for name in SOURCES:
            logging.getLogger(name).addFilter(self)

    def remove(self) -> None:
        """End it."""
        for name in SOURCES:
            logging.getLogger(name).removeFilter(self)
