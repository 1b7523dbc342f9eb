"""The sessions of all replicas, known to each: on the in-process broker and on a real Apache Kafka."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ipcc.bus import Bus, Message, Publisher, message_of
from ipcc.bus.port import Reader, Start, partition_of
from ipcc.contracts.ivr import IvrPayload, NodeEntered, SessionEnded, SessionStarted
from ipcc.contracts.topics import IVR
from ipcc.ids import new_id
from ipcc.tasks import Tasks
from services.ivr.core.past import Open
from services.ivr.mirror import Mirror
from tests.support.bus_rig import Rig
from tests.support.until import until


@dataclass
class CountingBus:
    """A bus that notes from where it was asked to read."""

    bus: Bus
    starts: list[Start] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bus, name)

    def replay(self, topic: str, start: Start, partitions: Sequence[int] | None = None) -> Reader:
        self.starts.append(start)
        return self.bus.replay(topic, start, partitions)


def started(call: str, session: str) -> SessionStarted:
    return SessionStarted(
        call_id=call,
        session_id=session,
        flow_id="bank-main",
        flow_version=1,
        entry_point="main",
        node_id="fs1",
        leg_id=call,
    )


def entered(call: str, session: str, node: str = "menu") -> NodeEntered:
    return NodeEntered(call_id=call, session_id=session, flow_node=node, kind="menu")


def ended(call: str, session: str) -> SessionEnded:
    return SessionEnded(call_id=call, session_id=session, outcome="hung_up", last_flow_node="menu")


@dataclass
class Replica:
    """What one replica tells and knows."""

    name: str
    bus: Bus
    rig: Rig

    def __post_init__(self) -> None:
        self.publisher = Publisher(self.bus, f"ivr/{self.name}", self.rig.clock)
        self.mirror = Mirror(self.bus, self.rig.clock)

    async def tell(self, *facts: IvrPayload) -> None:
        for fact in facts:
            await self.publisher.publish(fact)

    def shown(self) -> dict[str, tuple[str, str]]:
        """Session to node and replica."""
        return {
            one.started.session_id: (one.entered.flow_node if one.entered else "", one.replica) for one in self.mirror
        }


async def shows(replica: Replica, wanted: dict[str, tuple[str, str]]) -> None:
    await until(lambda: replica.shown() == wanted, 20, f"{replica.name} shows {len(wanted)}")


async def replicas(rig: Rig, tasks: Tasks, *names: str) -> list[Replica]:
    found = [Replica(name, await rig.bus([IVR]), rig) for name in names]
    for one in found:
        tasks.spawn(f"mirror of {one.name}", one.mirror.run)
    return found


class TestEveryMirror:
    """One reader a replica, without a group."""

    async def test_each_replica_knows_the_sessions_of_all_and_one_resumed_elsewhere_once(
        self, rig: Rig, tasks: Tasks
    ) -> None:
        first, second = await replicas(rig, tasks, "ivr-0", "ivr-1")
        calls = [new_id() for _ in range(20)]
        for number, call in enumerate(calls):
            await (first, second)[number % 2].tell(started(call, f"s-{call}"), entered(call, f"s-{call}"))
        everybody = {f"s-{call}": ("menu", f"ivr-{number % 2}") for number, call in enumerate(calls)}
        for one in (first, second):
            await shows(one, everybody)
        # the first dies: its callers are resumed by the second, who tells where
        for call in calls[::2]:
            await second.tell(entered(call, f"s-{call}", "sorry"))
        moved = {f"s-{call}": ("sorry" if call in calls[::2] else "menu", "ivr-1") for call in calls}
        for one in (first, second):
            await shows(one, moved)
        for call in calls:
            await second.tell(ended(call, f"s-{call}"))
        for one in (first, second):
            await shows(one, {})
            assert one.mirror.session_of(calls[0]) == f"s-{calls[0]}"

    async def test_who_starts_later_reads_back_what_is_still_going_on(self, rig: Rig, tasks: Tasks) -> None:
        (first,) = await replicas(rig, tasks, "ivr-0")
        calls = [new_id() for _ in range(30)]
        for call in calls:
            await first.tell(started(call, f"s-{call}"), entered(call, f"s-{call}"))
        for call in calls[:27]:
            await first.tell(ended(call, f"s-{call}"))
        (late,) = await replicas(rig, tasks, "ivr-9")
        assert not late.mirror.is_complete
        assert late.mirror.problem()
        await until(lambda: late.mirror.is_complete, 20, "read back")
        assert set(late.shown()) == {f"s-{call}" for call in calls[27:]}
        assert late.mirror.problem() is None

    async def test_a_takeover_knows_what_was_told_the_moment_before_and_reads_nothing_twice(
        self, rig: Rig, tasks: Tasks
    ) -> None:
        bus: Any = CountingBus(await rig.bus([IVR]))
        second = Replica("ivr-1", bus, rig)
        first = Replica("ivr-0", await rig.bus([IVR]), rig)
        call = new_id()
        partition = partition_of(call, IVR.partitions)
        await first.tell(started(call, "s1"), entered(call, "s1"))
        assert (await second.mirror.past(partition)).open["s1"].entered == entered(call, "s1")
        others = [new_id() for _ in range(40)]
        same = [other for other in others if partition_of(other, IVR.partitions) == partition]
        for other in same:
            await first.tell(started(other, f"s-{other}"))
        await first.tell(entered(call, "s1", "balance"))
        past = await second.mirror.past(partition)
        assert past.open["s1"].entered == entered(call, "s1", "balance")
        assert list(past.open) == ["s1", *(f"s-{other}" for other in same)]
        # the second time from where it had read to, whatever the topic holds before
        assert bus.starts[1] == {partition: 2}

    async def test_changes_are_told_as_they_come(self, rig: Rig, tasks: Tasks) -> None:
        first, second = await replicas(rig, tasks, "ivr-0", "ivr-1")
        heard: list[tuple[str, bool]] = []

        def note(session_id: str, found: Open | None) -> None:
            heard.append((session_id, found is not None))

        second.mirror.on_change(note)
        await first.tell(started("c1", "s1"), entered("c1", "s1"), ended("c1", "s1"))
        await until(lambda: len(heard) == 3, 20, "three changes")
        assert heard == [("s1", True), ("s1", True), ("s1", False)]

    async def test_what_nobody_can_read_is_passed_over(self, rig: Rig, tasks: Tasks) -> None:
        (first,) = await replicas(rig, tasks, "ivr-0")
        await first.bus.send(Message(IVR.name, "c1", b"?"))
        bare = message_of(first.publisher.event(started("c1", "s1")))
        # without the header that names its type, as others may write it
        await first.bus.send(Message(IVR.name, "c1", bare.value))
        await until(lambda: "s1" in first.shown(), 20, "the good one is known")

    async def test_while_the_broker_is_away_it_says_how_old_it_is_and_catches_up_after(
        self, fragile: Rig, tasks: Tasks
    ) -> None:
        first, second = await replicas(fragile, tasks, "ivr-0", "ivr-1")
        await first.tell(started("c1", "s1"))
        await until(lambda: "s1" in second.shown(), 20, "the session is known")
        await until(lambda: second.mirror.behind_s() == 0, 20, "nothing is late")
        await fragile.break_broker()
        await until(lambda: second.mirror.behind_s() > 1.5, 30, "it says that it is old")
        assert "s old" in (second.mirror.problem() or "")
        assert "s1" in second.shown()
        await fragile.mend_broker()
        await until(lambda: first.bus.health.is_up and second.bus.health.is_up, 60, "the broker is back")
        await first.tell(entered("c1", "s1", "balance"))
        await until(lambda: second.shown()["s1"] == ("balance", "ivr-0"), 60, "it goes on")
        await until(lambda: second.mirror.behind_s() == 0, 20, "nothing is late")
