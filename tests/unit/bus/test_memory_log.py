"""The log of one partition: offsets, compaction, retention."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ipcc.bus.memory_log import COMPACT_AT_LEAST, PartitionLog
from ipcc.bus.port import Message, Partition
from ipcc.contracts.topics import Topic

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LASTING = Topic("lasting", "tests", 1, compacted=True)
PASSING = Topic("passing", "tests", 1, keep_s=60)


def log_of(topic: Topic) -> PartitionLog:
    """An empty log."""
    return PartitionLog(topic, Partition(topic.name, 0))


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.one_of(st.none(), st.binary(max_size=3))), max_size=200))
def test_compaction_keeps_the_last_word_of_every_key_and_all_offsets(writes: list[tuple[str, bytes | None]]) -> None:
    log = log_of(LASTING)
    expected: dict[str, tuple[int, bytes]] = {}
    for offset, (key, value) in enumerate(writes):
        assert log.append(Message(LASTING.name, key, value), NOON).offset == offset
        if value is None:
            expected.pop(key, None)
        else:
            expected[key] = (offset, value)
    log.compact()
    assert {r.key: (r.offset, r.value) for r in log.read(0, 1000)} == expected
    assert log.end == len(writes)


def test_a_compacted_log_stays_small_by_itself() -> None:
    log = log_of(LASTING)
    for number in range(10_000):
        log.append(Message(LASTING.name, str(number % 5), b"x"), NOON)
    assert len(log.records) < COMPACT_AT_LEAST


def test_what_is_older_than_the_retention_is_gone_and_reading_goes_on_behind_it() -> None:
    log = log_of(PASSING)
    for second in (0, 30, 61, 90):
        log.append(Message(PASSING.name, "k", str(second).encode()), NOON + timedelta(seconds=second))
    assert [r.value for r in log.read(0, 10)] == [b"30", b"61", b"90"]
    assert (log.beginning, log.end) == (1, 4)
    assert log.offset_at(NOON + timedelta(seconds=60)) == 2
    assert log.offset_at(NOON + timedelta(hours=1)) == log.end


def test_reading_stops_before_the_end_it_is_given() -> None:
    log = log_of(PASSING)
    for _ in range(5):
        log.append(Message(PASSING.name, "k", b"x"), NOON)
    assert [r.offset for r in log.read(1, 10, end=3)] == [1, 2]
    assert log.read(5, 10) == []
