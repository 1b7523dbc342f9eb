"""The library's log in an outage."""

from __future__ import annotations

import logging

from ipcc.bus.kafka_noise import Sparing


def entry(sentence: str, created: float) -> logging.LogRecord:
    """A log record of the library."""
    record = logging.LogRecord("aiokafka.conn", logging.ERROR, __file__, 1, sentence, ("node",), None)
    record.created = created
    return record


def test_a_sentence_comes_through_once_in_a_while_whatever_its_values() -> None:
    sparing = Sparing(quiet_s=30)
    shown = [second for second in range(65) if sparing.filter(entry("cannot connect to %s", second))]
    assert shown == [0, 30, 60]
    assert sparing.filter(entry("another matter %s", 61))


def test_it_filters_the_library_only_while_installed() -> None:
    sparing = Sparing()
    sparing.install()
    assert sparing in logging.getLogger("aiokafka.conn").filters
    sparing.remove()
    assert sparing not in logging.getLogger("aiokafka.conn").filters
