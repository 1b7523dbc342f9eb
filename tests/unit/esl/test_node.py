"""A node over time, on links without sockets: when it asks, when it gives up, how it comes back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from ipcc.clock import FakeClock
from ipcc.errors import Bug, SwitchDown
from ipcc.esl.commands import Words
from ipcc.esl.fake import switch_event
from ipcc.esl.link import Link, LinkError, LinkSink
from ipcc.esl.node import ConnectedNode, NodeTimes, delay_before
from ipcc.esl.port import ONE_EAR, OWN_LEGS, NodeAddress, SubscriptionPlan
from ipcc.esl.requests import Request, encode
from ipcc.esl.wire import Frame
from ipcc.ids import LegId, NodeId
from tests.support.until import until

pytestmark = pytest.mark.looptime

TIMES = NodeTimes()
REPLY = Frame("command/reply", {"reply-text": "+OK"})


@dataclass(eq=False)
class QuietLink:
    """A link that answers everything with +OK as long as ``answers``."""

    sink: LinkSink
    world: World
    heard_at: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    lines: list[str] = field(default_factory=list)
    is_closed: bool = False

    def send(self, request: Request) -> asyncio.Future[Frame]:
        line = encode(request).decode().split("\n")[0]
        self.lines.append(line)
        self.world.sent.append(line)
        future: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        if self.world.answers:
            self.heard_at = asyncio.get_running_loop().time()
            future.set_result(REPLY)
        return future

    def close(self) -> None:
        self.is_closed = True


@dataclass
class World:
    """The switch, as far as links go."""

    answers: bool = True
    refuses: str = ""
    links: list[QuietLink] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    attempts: list[float] = field(default_factory=list)

    async def connect(self, address: NodeAddress, sink: LinkSink) -> Link:
        self.attempts.append(asyncio.get_running_loop().time())
        if self.refuses:
            raise LinkError("switch.unreachable", self.refuses)
        link = QuietLink(sink, self)
        self.links.append(link)
        return link


class Runs:
    """A node that runs while a test does."""

    def __init__(self, world: World, plan: SubscriptionPlan = OWN_LEGS) -> None:
        address = NodeAddress(NodeId("node-1"), "switch.example", 8021, "secret")
        self.node = ConnectedNode(address, plan, world.connect, FakeClock(), TIMES)

    async def __aenter__(self) -> ConnectedNode:
        self._task = asyncio.ensure_future(self.node.run())  # noqa: TID251
        return self.node

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self._task


@pytest.fixture
def world() -> World:
    return World()


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_silent_switch_is_asked_and_given_up_within_five_seconds(world: World) -> None:
    async with Runs(world) as node:
        await until(lambda: node.is_up)
        world.answers = False
        silent_since = now()
        await until(lambda: not node.is_up, timeout=10)
        assert now() - silent_since <= 5.0
        assert [link.lines.count("api uptime") for link in world.links[:2]] >= [1, 1]
        assert all(link.is_closed for link in world.links[:2])


async def test_a_switch_that_answers_is_never_given_up(world: World) -> None:
    async with Runs(world) as node:
        await until(lambda: node.is_up)
        await asyncio.sleep(600)
        assert node.is_up
        assert len(world.links) == 2


async def test_a_loop_that_was_stuck_does_not_take_itself_for_a_dead_switch(world: World) -> None:
    async with Runs(world) as node:
        await until(lambda: node.is_up)
        for link in world.links:  # as if nothing of this process had run for a minute
            link.heard_at -= 60
        await asyncio.sleep(TIMES.look_every_s * 2)
        assert node.is_up


async def test_attempts_are_spread_and_never_stop(world: World) -> None:
    world.refuses = "no route"
    async with Runs(world) as node:
        await until(lambda: len(world.attempts) > 12, timeout=120)
        waits = [later - earlier for earlier, later in zip(world.attempts, world.attempts[1:], strict=False)]
        assert max(waits) <= TIMES.longest_delay_s
        assert all(TIMES.longest_delay_s / 2 <= wait for wait in waits[6:])
        assert node.state.last_error == "no route"
        world.refuses = ""
        await until(lambda: node.is_up, timeout=TIMES.longest_delay_s + 1)


async def test_a_switch_that_drops_every_connection_is_not_hammered(world: World) -> None:
    async with Runs(world) as node:
        node.on_up.append(lambda node: node.on_lost(LinkError("switch.lost", "dropped")))
        await asyncio.sleep(60)
        assert 20 * 2 <= len(world.attempts) <= 45 * 2


def test_the_delay_doubles_up_to_its_longest_and_is_spread_over_its_upper_half() -> None:
    assert [delay_before(attempt, 1.0, TIMES) for attempt in range(5)] == [0.2, 0.4, 0.8, 1.6, 3.0]
    assert delay_before(0, 0.0, TIMES) == 0.1
    assert delay_before(10_000, 0.5, TIMES) == 2.25


async def test_a_switch_that_does_not_take_the_subscription_is_left_and_tried_again(world: World) -> None:
    world.answers = False
    async with Runs(world) as node:
        await until(lambda: len(world.attempts) > 2, timeout=20)
        assert not node.is_up
        assert all(link.is_closed for link in world.links[:2])
        world.answers = True
        await until(lambda: node.is_up, timeout=20)


async def test_the_filters_are_in_place_before_the_events_flow(world: World) -> None:
    async with Runs(world) as node:
        await until(lambda: node.is_up)
        lines = world.links[1].lines
        assert lines[:2] == ["filter Event-Name BACKGROUND_JOB", "filter Event-Name HEARTBEAT"]
        assert lines[2].startswith("event plain CHANNEL_EXECUTE_COMPLETE")
        assert lines[2].endswith("BACKGROUND_JOB HEARTBEAT")


async def test_the_one_ear_hears_all_legs_and_phones_without_filters(world: World) -> None:
    async with Runs(world, ONE_EAR) as node:
        await until(lambda: node.is_up)
        await node.watch(LegId("a"))
        lines = world.links[1].lines
        assert len(lines) == 1
        assert lines[0].endswith("CUSTOM sofia::register sofia::unregister sofia::expire")
        with pytest.raises(Bug):
            await node.execute(LegId("a"), "playback", "x", timeout=1)


async def test_a_watch_that_is_not_waited_for_is_sent_before_whatever_is_sent_behind_it(world: World) -> None:
    async with Runs(world) as node:
        await until(lambda: node.is_up)
        world.answers = False
        sent = len(world.sent)
        node.begin_watch(LegId("a"))
        node.begin_watch(LegId("a"))
        with pytest.raises(SwitchDown):
            await node.api(Words("status"), timeout=0.1)
        assert world.sent[sent : sent + 2] == ["filter Unique-ID a", "api status"]
        world.answers = True
        world.links[1].sink.on_lost(LinkError("switch.lost", "cut"))
        await until(lambda: not node.is_up)
        node.begin_watch(LegId("b"))
        await until(lambda: node.is_up)
        assert {"filter Unique-ID a", "filter Unique-ID b"} <= set(world.links[3].lines)


async def test_watched_legs_are_asked_for_again_with_the_subscription(world: World) -> None:
    async with Runs(world) as node:
        await until(lambda: node.is_up)
        await node.watch(LegId("a"))
        world.links[1].sink.on_lost(LinkError("switch.lost", "cut"))
        await until(lambda: not node.is_up)
        with pytest.raises(SwitchDown):
            await node.watch(LegId("b"))
        await until(lambda: node.is_up)
        again = world.links[3].lines
        assert {"filter Unique-ID a", "filter Unique-ID b"} <= set(again)
        await node.watch(LegId("a"))
        assert again.count("filter Unique-ID a") == 1
        await node.unwatch(LegId("a"))
        assert again[-1] == "filter delete Unique-ID a"


async def test_a_timer_of_the_caller_is_kept_to_the_second(world: World) -> None:
    async with Runs(world) as node:
        await until(lambda: node.is_up)
        begun = now()
        with pytest.raises(SwitchDown, match="did not end within 30 s"):
            await node.execute(LegId("a"), "playback", "x", timeout=30)
        assert now() - begun == pytest.approx(30, abs=0.01)


async def test_a_leg_that_ended_is_forgotten(world: World) -> None:
    async with Runs(world) as node:
        await until(lambda: node.is_up)
        await node.watch(LegId("a"))
        node.on_event(switch_event("CHANNEL_HANGUP_COMPLETE", "a"))
        assert world.links[1].lines[-1] == "filter delete Unique-ID a"
        node.on_event(switch_event("CHANNEL_DESTROY", "a"))
        assert world.links[1].lines.count("filter delete Unique-ID a") == 1


async def test_a_node_that_is_stopped_closes_its_links_and_says_so(world: World) -> None:
    told: list[str] = []
    runs = Runs(world)
    runs.node.on_down.append(lambda node: told.append(node.state.last_error))
    async with runs as node:
        await until(lambda: node.is_up)
    assert told == ["stopped"]
    assert all(link.is_closed for link in world.links)
    with pytest.raises(SwitchDown):
        await node.exists(LegId("a"))
