"""Ownership by partition: on the in-process broker and on a real Apache Kafka."""

from __future__ import annotations

from dataclasses import dataclass, field

from ipcc.bus import BEGINNING, Bus, Lease, Tenure
from ipcc.contracts.topics import OUTBOUND_LEASE, Topic
from ipcc.tasks import Tasks
from tests.support.bus_rig import Rig, everything
from tests.support.until import until


@dataclass
class Owner:
    """Holds what its lease gives."""

    has: dict[int, Tenure] = field(default_factory=dict)
    story: list[tuple[str, Tenure]] = field(default_factory=list)

    async def acquired(self, tenure: Tenure) -> None:
        assert tenure.partition not in self.has
        self.has[tenure.partition] = tenure
        self.story.append(("acquired", tenure))

    async def lost(self, tenure: Tenure) -> None:
        del self.has[tenure.partition]
        self.story.append(("lost", tenure))


class TestEveryLease:
    """Ownership by partition."""

    TOPIC: Topic = OUTBOUND_LEASE

    def candidate(self, bus: Bus, rig: Rig, name: str) -> tuple[Lease, Owner]:
        owner = Owner()
        return Lease(bus, self.TOPIC, name, owner, rig.clock), owner

    async def test_one_candidate_gets_all_and_a_second_half_without_disturbing_the_rest(
        self, rig: Rig, tasks: Tasks
    ) -> None:
        bus = await rig.bus([self.TOPIC])
        first, one = self.candidate(bus, rig, "a")
        second, two = self.candidate(bus, rig, "b")
        tasks.spawn("a", first.run)
        await until(lambda: len(one.has) == self.TOPIC.partitions)
        before = dict(one.has)
        tasks.spawn("b", second.run)
        await until(lambda: len(one.has) == len(two.has) == 2)
        assert one.has == {p: before[p] for p in one.has}
        assert not one.has.keys() & two.has.keys()
        for partition, tenure in two.has.items():
            assert tenure.epoch > before[partition].epoch

    async def test_who_goes_gives_all_back_and_the_other_takes_over_with_a_higher_epoch(
        self, rig: Rig, tasks: Tasks
    ) -> None:
        bus = await rig.bus([self.TOPIC])
        first, one = self.candidate(bus, rig, "a")
        second, two = self.candidate(bus, rig, "b")
        going = tasks.spawn("a", first.run)
        await until(lambda: len(one.has) == self.TOPIC.partitions)
        epochs = {p: t.epoch for p, t in one.has.items()}
        tasks.spawn("b", second.run)
        going.cancel()
        await until(lambda: len(two.has) == self.TOPIC.partitions)
        assert one.has == {}
        assert all(two.has[p].epoch > epochs[p] for p in epochs)
        assert second.tenure_of("domain-1") is not None
        assert first.tenure_of("domain-1") is None

    async def test_who_is_killed_is_replaced_without_his_doing(self, rig: Rig, tasks: Tasks) -> None:
        bus = await rig.bus([self.TOPIC])
        first, one = self.candidate(bus, rig, "a")
        second, two = self.candidate(bus, rig, "b")
        going = tasks.spawn("a", first.run)
        await until(lambda: len(one.has) == self.TOPIC.partitions)
        epochs = {p: t.epoch for p, t in one.has.items()}
        assert first.consumer is not None
        rig.mute(first.consumer)
        going.cancel()
        tasks.spawn("b", second.run)
        await until(lambda: len(two.has) == self.TOPIC.partitions, timeout=30)
        assert all(two.has[p].epoch > epochs[p] for p in epochs)

    async def test_a_tenure_renounced_is_claimed_anew_under_a_higher_epoch(self, rig: Rig, tasks: Tasks) -> None:
        bus = await rig.bus([self.TOPIC])
        lease, owner = self.candidate(bus, rig, "a")
        tasks.spawn("a", lease.run)
        await until(lambda: len(owner.has) == self.TOPIC.partitions)
        old = owner.has[0]
        lease.renounce(old)
        await until(lambda: ("lost", old) in owner.story and 0 in owner.has)
        assert owner.has[0].epoch > old.epoch

    async def test_the_group_confirms_a_tenure_until_it_has_forgotten_us(self, rig: Rig, tasks: Tasks) -> None:
        bus = await rig.bus([self.TOPIC])
        lease, owner = self.candidate(bus, rig, "a")
        tasks.spawn("a", lease.run)
        await until(lambda: len(owner.has) == self.TOPIC.partitions)
        tenure = owner.has[0]
        assert await lease.confirms(tenure)
        assert not await lease.confirms(Tenure(0, tenure.epoch + 1))
        assert lease.consumer is not None
        rig.mute(lease.consumer)
        assert not await lease.confirms(tenure)

    async def test_claims_stay_readable_as_the_story_of_ownership(self, rig: Rig, tasks: Tasks) -> None:
        bus = await rig.bus([self.TOPIC])
        lease, owner = self.candidate(bus, rig, "acd-0")
        tasks.spawn("a", lease.run)
        await until(lambda: len(owner.has) == self.TOPIC.partitions)
        claims = await everything(bus, self.TOPIC, BEGINNING)
        assert all(b"acd-0" in (c.value or b"") for c in claims)
