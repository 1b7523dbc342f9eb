"""Consumer groups of the in-process broker: eager rebalances with Kafka's order of callbacks, sticky assignment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ipcc.bus.port import Listener, Partition
from ipcc.tasks import Tasks


class Topology(Protocol):
    """What a group needs to know of its broker."""

    def partitions(self, topic: str) -> list[Partition]:
        """All partitions of ``topic``; none when it does not exist."""

    async def reachable(self) -> None:
        """Return when the broker answers."""

    def announce(self) -> None:
        """Wake everyone who waits for something new."""


@dataclass(eq=False)
class Member:
    """One consumer in a group. ``stays`` after a rebalance what it had before, as far as that is even."""

    name: str
    topics: tuple[str, ...]
    listener: Listener
    assigned: frozenset[Partition] = frozenset()
    positions: dict[Partition, int] = field(default_factory=dict)
    paused: set[Partition] = field(default_factory=set)
    before: frozenset[Partition] = frozenset()
    joined: asyncio.Event = field(default_factory=asyncio.Event)


def assign_evenly(members: list[Member], partitions: Iterable[Partition]) -> dict[str, set[Partition]]:
    """Who gets which partition: nobody more than one above another, and each keeps what it had where that allows."""
    everything = sorted(partitions)
    takers = {p: [m for m in members if p.topic in m.topics] for p in everything}
    given: dict[str, set[Partition]] = {m.name: set() for m in members}
    share, rest = divmod(len(everything), max(1, len(members)))
    homeless = []
    for place in everything:
        keeper = next((m for m in takers[place] if place in m.before), None)
        # ``rest`` members have one more than the others
        above = sum(len(g) > share for g in given.values())
        if keeper is not None and len(given[keeper.name]) < share + (above < rest):
            given[keeper.name].add(place)
        else:
            homeless.append(place)
    for place in homeless:
        if takers[place]:
            given[min(takers[place], key=lambda m: (len(given[m.name]), m.name)).name].add(place)
    return given


class MemoryGroup:
    """The members of one group and what they have committed."""

    def __init__(self, name: str, broker: Topology, tasks: Tasks) -> None:
        self.name = name
        self.committed: dict[Partition, int] = {}
        self._broker = broker
        self._tasks = tasks
        self._members: list[Member] = []
        self._wanted = 0
        self._running = False

    async def join(self, member: Member) -> None:
        """Become a member; returns when the first assignment has been made."""
        self._members.append(member)
        self._request()
        await member.joined.wait()

    def leave(self, member: Member) -> None:
        """No longer a member; the others share its partitions out."""
        if member in self._members:
            self._members.remove(member)
            member.assigned = frozenset()
            if self._members:
                self._request()

    def commit(self, member: Member, offsets: Mapping[Partition, int]) -> None:
        """Remember ``offsets`` of partitions the member still has."""
        self.committed.update({p: o for p, o in offsets.items() if p in member.assigned})

    def _request(self) -> None:
        self._wanted += 1
        if not self._running:
            self._running = True
            self._tasks.once(f"rebalance {self.name}", self._rebalance())

    async def _rebalance(self) -> None:
        try:
            done = 0
            while done != self._wanted:
                done = self._wanted
                await self._broker.reachable()
                await asyncio.gather(*(self._revoke(m) for m in list(self._members)))
                await self._assign()
        finally:
            self._running = False

    @staticmethod
    async def _revoke(member: Member) -> None:
        if member.assigned:
            await member.listener.on_revoked(member.assigned)
            member.before = member.assigned
            member.assigned = frozenset()

    async def _assign(self) -> None:
        members = list(self._members)
        topics = sorted({t for m in members for t in m.topics})
        given = assign_evenly(members, [p for t in topics for p in self._broker.partitions(t)])
        for member in members:
            member.paused.clear()
            member.assigned = frozenset(given[member.name])
            member.positions = {p: self.committed.get(p, 0) for p in member.assigned}
        await asyncio.gather(*(m.listener.on_assigned(m.assigned) for m in members))
        for member in members:
            member.joined.set()
        self._broker.announce()
