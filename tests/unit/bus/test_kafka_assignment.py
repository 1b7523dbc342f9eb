"""Who gets which partition of a lease topic: nothing moves because somebody comes."""

from __future__ import annotations

from typing import Any

from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.structs import TopicPartition

from ipcc.bus.kafka_assignment import StayingAssignor


class Cluster:
    """A broker with one topic of four partitions."""

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0, 1, 2, 3} if topic == "lease" else set()


def member(generation: int, *partitions: int) -> Any:
    held = [TopicPartition("lease", number) for number in partitions]
    return StickyPartitionAssignor._metadata(["lease"], held, generation)


def given(**members: Any) -> dict[str, list[int]]:
    found = StayingAssignor.assign(Cluster(), members)
    return {name: [n for _, numbers in told.assignment for n in numbers] for name, told in found.items()}


def test_who_joins_takes_nothing_from_who_is_there() -> None:
    assert given(a=member(5, 0, 1, 2, 3), b=member(-1)) == {"a": [0, 1, 2, 3], "b": []}


def test_what_nobody_has_goes_to_who_has_least() -> None:
    assert given(a=member(5, 0, 1), b=member(5)) == {"a": [0, 1], "b": [2, 3]}


def test_members_without_a_past_share_evenly() -> None:
    assert given(a=member(-1), b=member(-1)) == {"a": [0, 2], "b": [1, 3]}


def test_of_two_who_believe_to_hold_one_the_newer_word_counts() -> None:
    assert given(a=member(4, 0, 1), b=member(6, 0, 1, 2, 3)) == {"a": [], "b": [0, 1, 2, 3]}
