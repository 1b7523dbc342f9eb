"""Callers who wait for an agent: queued once, kept company, left alone while a phone rings; in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from ipcc.contracts.acd import Enqueue, EntryOutcome, OfferOutcome
from ipcc.contracts.call import LegEnded
from ipcc.contracts.ivr import MessageLeft
from ipcc.errors import NotNow, SwitchRefused, Unavailable
from ipcc.esl.commands import SchedTransfer, UuidBreak, UuidKill, UuidSetVar, UuidTransfer
from ipcc.ids import LegId
from tests.component.ivr.world import World
from tests.support.fake_parts import LoopClock
from tests.support.until import until

pytestmark = pytest.mark.looptime

MUSIC = "local_stream://ipcc"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    found = World(tmp_path, clock=LoopClock())
    found.node.finish_at_once("playback", "FILE PLAYED")
    await found.open()
    yield found
    await found.close()


async def waiting(world: World) -> tuple[str, Enqueue]:
    """A caller who asked for an agent and stands in the queue."""
    call = await world.arrive()
    await world.key(call, "0")
    return call, await world.queued()


def said(world: World, call: str) -> int:
    return sum("still-busy" in sound for sound in world.heard(call))


async def test_a_caller_is_queued_with_music_and_the_session_ends_with_his_agent(world: World) -> None:
    await world.start_acd()
    async with world.replica() as ivr:
        call, entry = await waiting(world)
        assert (entry.call_id, entry.leg_id, entry.queue_id, entry.priority) == (call, call, "retail", 5)
        assert entry.caller_number == "13800000001"
        assert entry.attributes["path"] == "language > to-agent"
        assert world.heard(call) == [MUSIC]
        breaks = len(world.node.told(UuidBreak))
        await world.end_entry(entry, EntryOutcome.ANSWERED)
        assert await world.ended(call) == "answered_by_agent"
        # he talks: not a sound, not a break into that
        assert world.heard(call) == [MUSIC]
        assert len(world.node.told(UuidBreak)) == breaks
        assert world.node.watched == set()
        assert ivr.sessions.running == {}


async def test_it_says_every_twenty_seconds_that_all_are_busy_then_plays_on(world: World) -> None:
    await world.start_acd()
    async with world.replica():
        call, _ = await waiting(world)
        began = world.clock.now()
        await until(lambda: said(world, call) == 3, timeout=100)
        assert 60 <= (world.clock.now() - began).total_seconds() < 62
        assert world.heard(call)[-1] == MUSIC
        await world.hang_up(call)
        assert await world.ended(call) == "hung_up"


async def test_while_a_phone_rings_the_caller_is_left_alone(world: World) -> None:
    await world.start_acd()
    async with world.replica():
        call, entry = await waiting(world)
        await world.offer(entry)
        world.acd.answer = {"offer_id": "o1"}
        ringing = world.clock.now()
        await until(lambda: (world.clock.now() - ringing).total_seconds() > 70, timeout=100)
        assert said(world, call) == 0
        world.acd.answer = {}
        await world.end_offer(entry, OfferOutcome.NO_ANSWER)
        await until(lambda: said(world, call) == 1, timeout=30)
        await world.hang_up(call)


async def test_a_caller_of_whose_agent_nothing_was_heard_is_not_spoken_over(world: World) -> None:
    await world.start_acd()
    async with world.replica():
        call, _ = await waiting(world)
        # acd has joined him to an agent, and not a word of it has come
        world.acd.answer = {"outcome": "answered"}
        assert await world.ended(call) == "answered_by_agent"
        assert world.heard(call) == [MUSIC]


async def test_after_a_join_that_failed_there_is_music_again_at_once(world: World) -> None:
    await world.start_acd()
    async with world.replica():
        call, entry = await waiting(world)
        await world.offer(entry)
        began = world.clock.now()
        await world.end_offer(entry, OfferOutcome.FAILED)
        await until(lambda: world.heard(call) == [MUSIC, MUSIC], what="music again")
        assert world.clock.now() - began < timedelta(seconds=1)
        # a phone that nobody answered did not touch his music
        await world.offer(entry, "o2")
        await world.end_offer(entry, OfferOutcome.NO_ANSWER, "o2")
        # where the next phone rings already he is not left in silence for that
        world.acd.answer = {"offer_id": "o3"}
        await world.end_offer(entry, OfferOutcome.FAILED, "o2")
        await until(lambda: world.heard(call) == [MUSIC] * 3, what="music a third time")
        # ... and what was begun so is taken back when he is joined
        breaks = len(world.node.told(UuidBreak))
        await world.end_entry(entry, EntryOutcome.ANSWERED)
        assert await world.ended(call) == "answered_by_agent"
        assert len(world.node.told(UuidBreak)) == breaks + 1


async def test_who_is_given_to_the_safety_net_waits_in_no_queue(world: World) -> None:
    await world.start_acd()
    async with world.replica():
        call, entry = await waiting(world)
        world.node.answer("uuid_break", SwitchRefused("-ERR nonsense"))
        assert await world.ended(call, timeout=60) == "failed"
        await until(lambda: world.acd.left, what="he left the queue")
        assert [(one.entry_id, one.outcome) for one in world.acd.left] == [(entry.entry_id, EntryOutcome.TRANSFERRED)]
        assert [c.leg_id for c in world.node.told(UuidTransfer)] == [call]


@pytest.mark.parametrize("is_told", [True, False])
async def test_whom_the_safety_net_has_joined_to_a_human_is_left_alone_when_acd_is_back(
    world: World, is_told: bool
) -> None:
    await world.start_acd()
    async with world.replica():
        call, entry = await waiting(world)
        breaks = len(world.node.told(UuidBreak))
        world.node.legs[LegId(call)]["application"] = "bridge"
        if is_told:
            await world.end_entry(entry, EntryOutcome.TRANSFERRED)
        else:
            world.acd.answer = {"outcome": "transferred"}
        assert await world.ended(call, timeout=60) == "transferred"
        # not a word into their talk, no break, no end of his call
        assert world.heard(call) == [MUSIC]
        assert len(world.node.told(UuidBreak)) == breaks
        assert world.node.told(UuidKill) == []
        assert world.node.told(UuidTransfer) == []


async def test_a_caller_is_served_on_when_ctiserver_alone_has_lost_sight_of_his_switch(world: World) -> None:
    await world.start_acd()
    async with world.replica() as ivr:
        call, entry = await waiting(world)
        lost = LegEnded(call_id=call, leg_id=call, node_id="fs1", cause="NETWORK_OUT_OF_ORDER", resynced=True)
        await world.publisher.publish(lost)
        await until(lambda: said(world, call) == 1, timeout=60, what="he is told that all are busy")
        assert call in ivr.sessions.running
        await world.end_entry(entry, EntryOutcome.ANSWERED)
        assert await world.ended(call) == "answered_by_agent"


async def test_with_acd_silent_nothing_is_said_and_the_safety_net_is_left_to_run(world: World) -> None:
    await world.start_acd()
    async with world.replica():
        call, _ = await waiting(world)
        world.acd.error = Unavailable("acd.away", "nobody owns the domain now")
        silent = world.clock.now()
        await until(lambda: (world.clock.now() - silent).total_seconds() > 200, timeout=300)
        assert world.heard(call) == [MUSIC]
        assert world.node.told(SchedTransfer) == []
        world.acd.error = None
        await until(lambda: said(world, call) == 1, timeout=30)
        await until(lambda: world.node.told(SchedTransfer), timeout=100)
        await world.hang_up(call)
        assert await world.ended(call) == "hung_up"


async def test_an_acd_that_is_away_is_asked_again_for_the_same_entry(world: World) -> None:
    async with world.replica():
        call = await world.arrive()
        await world.key(call, "0")
        asked = world.clock.now()
        await until(lambda: (world.clock.now() - asked).total_seconds() > 20, timeout=60)
        await world.start_acd()
        entry = await world.queued()
        await world.end_entry(entry, EntryOutcome.ANSWERED)
        assert await world.ended(call) == "answered_by_agent"
        assert len({e.entry_id for e in world.acd.taken}) == 1
        assert {e.entered_at for e in world.acd.taken} == {entry.entered_at}
        assert entry.entered_at < asked.replace(second=asked.second + 1)


async def test_where_no_acd_comes_back_the_safety_net_has_him(world: World) -> None:
    async with world.replica():
        call = await world.arrive()
        await world.key(call, "0")
        assert await world.ended(call, timeout=300) == "failed"
        assert [(c.leg_id, c.destination, c.context) for c in world.node.told(UuidTransfer)] == [
            (call, "fallback", "safety")
        ]


async def test_the_safety_net_is_pushed_for_as_long_as_somebody_looks_after_him(world: World) -> None:
    await world.start_acd()
    async with world.replica():
        call, entry = await waiting(world)
        await until(lambda: len(world.node.told(SchedTransfer)) == 3, timeout=300)
        await world.end_entry(entry, EntryOutcome.ANSWERED)
        await world.ended(call)
        ended = world.clock.now()
        await until(lambda: (world.clock.now() - ended).total_seconds() > 200, timeout=300)
        assert len(world.node.told(SchedTransfer)) == 3


async def test_a_queue_that_is_full_or_overflows_offers_a_callback_then_takes_a_message_and_says_goodbye(
    world: World,
) -> None:
    await world.start_acd()
    world.node.finish_at_once("record", variables={"record_seconds": "9", "silence_hits_exhausted": "true"})
    async with world.replica():
        world.acd.error = NotNow("acd.queue_full", "1000 wait already")
        call, _ = await waiting(world)
        await world.at(call, "offer-callback")
        await world.key(call, "")
        await world.key(call, "")
        await world.key(call, "1")
        assert await world.ended(call) == "completed"
        assert "goodbye" in world.heard(call)[-1]
        left = [fact for fact in await world.facts(call) if isinstance(fact, MessageLeft)]
        assert [(fact.queue_id, fact.seconds) for fact in left] == [("retail", 4)]
        world.acd.error = None
        call = await world.arrive()
        await world.key(call, "0")
        entry = await world.queued(2)
        await world.end_entry(entry, EntryOutcome.OVERFLOWED)
        await world.at(call, "offer-callback")
        await world.key(call, "1")
        assert await world.ended(call) == "completed"
        assert (await world.path(call))[-2:] == ["called-back", "end"]


async def test_a_caller_who_abandons_ends_the_session_whoever_says_it_first(world: World) -> None:
    await world.start_acd()
    async with world.replica() as ivr:
        call, entry = await waiting(world)
        await world.end_entry(entry, EntryOutcome.ABANDONED)
        assert await world.ended(call) == "hung_up"
        call = await world.arrive()
        await world.key(call, "0")
        await world.queued(2)
        await world.hang_up(call)
        assert await world.ended(call) == "hung_up"
        assert ivr.sessions.running == {}
        assert world.node.watched == set()


async def test_a_caller_in_a_queue_keeps_his_entry_and_clock_when_his_replica_dies(world: World) -> None:
    await world.start_acd()
    async with world.replica("ivr-0") as first:
        call, entry = await waiting(world)
        await world.at(call, "to-agent")
        await first.die()
        world.acd.answer = {"offer_id": "o1"}
        heard, breaks = world.heard(call), len(world.node.told(UuidBreak))
        async with world.replica("ivr-1"):
            again = await world.queued(2)
            assert (again.entry_id, again.entered_at) == (entry.entry_id, entry.entered_at)
            assert again.caller_number == "13800000001"
            await world.end_entry(entry, EntryOutcome.ANSWERED)
            assert await world.ended(call) == "answered_by_agent"
    # a phone rang for him all the while: nothing sounded into what may have been a conversation
    assert world.heard(call) == heard
    assert len(world.node.told(UuidBreak)) == breaks


async def test_a_caller_who_talks_already_when_his_session_is_resumed_hears_nothing_of_it(world: World) -> None:
    await world.start_acd()
    async with world.replica("ivr-0") as first:
        call, _ = await waiting(world)
        await world.at(call, "to-agent")
        await first.die()
        world.acd.answer = {"outcome": "answered"}
        heard = world.heard(call)
        async with world.replica("ivr-1"):
            assert await world.ended(call) == "answered_by_agent"
    assert world.heard(call) == heard


async def test_a_resumed_caller_who_still_waits_hears_music_again(world: World) -> None:
    await world.start_acd()
    async with world.replica("ivr-0") as first:
        call, _ = await waiting(world)
        await world.at(call, "to-agent")
        await first.die()
        heard = len(world.heard(call))
        async with world.replica("ivr-1"):
            await until(lambda: world.heard(call)[heard:] == [MUSIC], what="music again")
            await world.hang_up(call)
            assert await world.ended(call) == "hung_up"


async def test_a_caller_who_hung_up_while_nobody_served_him_is_noticed(world: World) -> None:
    await world.start_acd()
    async with world.replica("ivr-0") as first:
        call, _ = await waiting(world)
        await world.at(call, "to-agent")
        await first.die()
    world.node.hang_up(call)
    async with world.replica("ivr-1") as ivr:
        assert await world.ended(call) == "hung_up"
        assert ivr.sessions.running == {}


async def test_a_caller_who_talked_and_left_while_nobody_served_him_was_answered(world: World) -> None:
    await world.start_acd()
    async with world.replica("ivr-0") as first:
        call, entry = await waiting(world)
        await world.at(call, "to-agent")
        await first.die()
    await world.end_entry(entry, EntryOutcome.ANSWERED)
    world.node.hang_up(call)
    async with world.replica("ivr-1"):
        assert await world.ended(call) == "answered_by_agent"
    assert len(world.acd.taken) == 1, "a caller who is gone is not queued"


async def test_what_was_keyed_for_a_replica_that_died_is_wiped_from_the_switch(world: World) -> None:
    async with world.replica("ivr-0") as first:
        call = await world.arrive()
        await world.at(call, "language")
        await first.die()
        wiped = len(world.node.told(UuidSetVar))
        async with world.replica("ivr-1"):
            await until(lambda: _wipes(world.node.told(UuidSetVar)[wiped:]), what="the digits are wiped")


def _wipes(commands: list[UuidSetVar]) -> bool:
    return any((command.variable, command.value) == ("ipcc_digits", "") for command in commands)


async def test_the_broker_being_down_stops_nobody(world: World) -> None:
    await world.start_acd()
    async with world.replica() as ivr:
        call = await world.arrive()
        await world.asked(call)
        world.broker.go_down()
        await world.key(call, "2")
        assert "main-menu" in await world.asked(call)
        await world.key(call, "0")
        gone = world.clock.now()
        await until(lambda: (world.clock.now() - gone).total_seconds() > 15, timeout=30)
        assert world.heard(call) == [MUSIC]
        assert (await ivr.http.get("/health/ready")).status_code == 503
        world.broker.come_back()
        entry = await world.queued()
        await world.end_entry(entry, EntryOutcome.ANSWERED)
        assert await world.ended(call) == "answered_by_agent"
        assert await world.path(call) == ["language", "wish", "menu", "to-agent"]


async def test_the_link_to_the_switch_being_lost_is_outlived(world: World) -> None:
    await world.start_acd()
    async with world.replica():
        call = await world.arrive()
        await world.asked(call)
        world.node._running.clear()
        world.node.go_down()
        lost = world.clock.now()
        await until(lambda: (world.clock.now() - lost).total_seconds() > 10, timeout=30)
        world.node.go_up()
        await world.key(call, "0")
        entry = await world.queued()
        heard = len(world.heard(call))
        world.node.go_down()
        world.node.hang_up(call)
        world.node.go_up()
        await world.end_entry(entry, EntryOutcome.ABANDONED)
        assert await world.ended(call) == "hung_up"
        assert len(world.heard(call)) == heard
