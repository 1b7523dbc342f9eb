"""Which member of a consumer group gets which partition: as even as can be, or with whoever has it for as long as he lives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment


class StayingAssignor(StickyPartitionAssignor):  # type: ignore[misc]
    """Nothing moves because a member joins: who joins gets only what nobody has.

    For leases: a process that was killed and comes back would otherwise be given half of what its stand-in has just taken over,
    which stops that work a second time. The price is that work is spread again only when somebody leaves.
    """

    @classmethod
    def assign(cls, cluster: Any, members: Mapping[str, Any]) -> dict[str, Any]:
        """Partitions by member, in the library's form."""
        known = {member: cls.parse_member_metadata(told) for member, told in members.items()}
        topics = {topic for told in known.values() for topic in told.subscription}
        everything = {(topic, n) for topic in topics for n in cluster.partitions_for_topic(topic) or ()}
        given: dict[str, list[tuple[str, int]]] = {member: [] for member in sorted(known)}
        # a member that slept through a change believes in an older one: the newest word counts
        for member, told in sorted(known.items(), key=lambda one: (-one[1].generation, one[0])):
            for place in sorted((p.topic, p.partition) for p in told.partitions):
                if place in everything:
                    everything.discard(place)
                    given[member].append(place)
        for place in sorted(everything):
            given[min(given, key=lambda member: (len(given[member]), member))].append(place)
        return {
            member: ConsumerProtocolMemberAssignment(cls.version, _by_topic(places), b"")
            for member, places in given.items()
        }


def _by_topic(places: list[tuple[str, int]]) -> list[tuple[str, list[int]]]:
    topics = sorted({topic for topic, _ in places})
    return [(topic, sorted(number for name, number in places if name == topic)) for topic in topics]
