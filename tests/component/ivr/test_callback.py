"""Callers who would rather be called back: by a key while they wait, without losing their place; in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ipcc.contracts.acd import Enqueue, EntryOutcome, LeaveQueue, OfferOutcome
from ipcc.contracts.callback import CallbackRequested, RequestCallback
from ipcc.contracts.config import ConfigChanged, Queue
from ipcc.contracts.topics import ACD_COMMAND
from ipcc.errors import NotNow, SwitchRefused
from ipcc.esl.commands import UuidSetVar
from tests.component.ivr.world import World
from tests.support.fake_parts import LoopClock
from tests.support.until import until

pytestmark = pytest.mark.looptime

MUSIC = "local_stream://ipcc"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    found = World(tmp_path, clock=LoopClock())
    await found.open()
    await found.start_acd()
    yield found
    await found.close()


async def waiting(world: World, caller: str = "13800000001") -> tuple[str, Enqueue]:
    """A caller who stands in the queue with music, which goes on until something ends it."""
    call = await world.arrive(caller=caller)
    await world.key(call, "0")
    entry = await world.queued()
    await playing(world, call, MUSIC)
    return call, entry


async def playing(world: World, call: str, sound: str) -> None:
    """Wait until he hears that now."""
    await until(lambda: any(sound in str(r.argument) for r in world._running(call, "playback")), 60, f"hears {sound}")


def press(world: World, call: str, key: str) -> None:
    """A key while something is played: it ends what is played if it is one of those that mean something."""
    keys = [c.value for c in world.node.told(UuidSetVar) if c.variable == "playback_terminators" and c.leg_id == call]
    assert keys[-1] == key
    world.node.finish(call, "FILE PLAYED", {"playback_terminator_used": key})


async def said(world: World, call: str, sound: str) -> None:
    """Wait until it is said, and let it come to its end."""
    await playing(world, call, sound)
    world.node.finish(call, "FILE PLAYED")


async def test_a_key_keeps_his_place_and_ends_the_call_with_a_promise(world: World) -> None:
    async with world.replica() as ivr:
        call, entry = await waiting(world)
        press(world, call, "1")
        await until(lambda: world.acd.called_back, what="acd is asked")
        (wanted,) = world.acd.called_back
        # whoever waits under this entry: with a queue he might be taken in a second time
        assert (wanted.entry_id, wanted.queue_id, wanted.phone_number) == (entry.entry_id, "", "")
        await said(world, call, "callback-done")
        assert await world.ended(call) == "completed"
        assert world.acd.left == []
        assert ivr.sessions.running == {}


async def test_the_key_counts_while_the_announcement_is_said(world: World) -> None:
    async with world.replica():
        call, _ = await waiting(world)
        await playing(world, call, "callback-key")
        # the music before it was broken off
        world.node.finish(call, "FILE PLAYED")
        press(world, call, "1")
        await until(lambda: world.acd.called_back, what="acd is asked")
        await world.hang_up(call)
        assert await world.ended(call) == "hung_up"


async def test_refused_he_is_told_so_and_hears_music_again_in_his_old_place(world: World) -> None:
    async with world.replica():
        call, entry = await waiting(world)
        world.acd.callback_error = NotNow("acd.no_callback", "queue retail does not call back")
        press(world, call, "1")
        again = await world.queued(2)
        assert (again.entry_id, again.entered_at) == (entry.entry_id, entry.entered_at)
        await playing(world, call, "callback-not-now")
        world.node.finish(call, "FILE PLAYED")
        await said(world, call, "callback-not-now")
        await playing(world, call, MUSIC)
        await world.end_entry(entry, EntryOutcome.ANSWERED)
        assert await world.ended(call) == "answered_by_agent"


async def test_whose_number_is_unknown_is_asked_for_one_and_never_without_music_after_that(world: World) -> None:
    async with world.replica():
        call, _ = await waiting(world, caller="anonymous")
        press(world, call, "1")
        assert "enter-phone" in await world.asked(call)
        # silent for as long as he is given; over at once, it would be a key pressed out of habit
        await world.clock.sleep(8)
        await world.key(call, "")
        await playing(world, call, MUSIC)
        await world.queued(2)
        press(world, call, "1")
        await world.key(call, "60000001")
        await until(lambda: world.acd.called_back, what="acd is asked")
        assert world.acd.called_back[0].phone_number == "60000001"
        await said(world, call, "callback-done")
        assert await world.ended(call) == "completed"
        assert b"60000001" not in b"".join(
            [repr(event.data).encode() for event in await world.events() if not isinstance(event.data, RequestCallback)]
        )


async def test_an_agent_who_was_faster_than_the_key_has_the_caller(world: World) -> None:
    async with world.replica():
        call, entry = await waiting(world)
        await world.offer(entry)
        world.acd.callback_error = NotNow("acd.being_answered", "an agent has picked up")
        world.acd.answer = {"outcome": "answered"}
        world.node.legs[call]["application"] = "uuid_bridge"  # type: ignore[index]
        before = len(world.heard(call))
        press(world, call, "1")
        assert await world.ended(call) == "answered_by_agent"
        # not a sound into their conversation
        assert len(world.heard(call)) == before


async def test_a_callback_somebody_else_asked_for_ends_his_waiting(world: World) -> None:
    async with world.replica():
        call, entry = await waiting(world)
        now = world.clock.now()
        ids = {"entry_id": entry.entry_id, "call_id": call, "queue_id": "retail"}
        await world.publisher.publish(CallbackRequested(**ids, phone_number="13800000001", closes_at=now))
        await playing(world, call, "callback-done")
        await world.hang_up(call)
        assert await world.ended(call) == "hung_up"


async def test_who_fails_while_he_is_asked_for_his_number_leaves_his_place(world: World) -> None:
    async with world.replica():
        call, entry = await waiting(world, caller="anonymous")
        # a switch that refuses to play and to say why: he goes to the safety net, and no agent is rung for him
        press(world, call, "1")
        await world.asked(call)
        world.node.answer("uuid_setvar", SwitchRefused("-ERR nonsense"))
        world.node.finish(call, variables={"ipcc_digits": "12"})
        assert await world.ended(call) == "failed"
        await until(lambda: world.acd.left, what="he left the queue")
        assert world.acd.left[0].entry_id == entry.entry_id


async def test_orders_go_to_the_routing_domain_of_the_queue(world: World) -> None:
    queue = Queue(id="retail", name="Retail", domain="south")
    await world.publisher.publish(ConfigChanged(kind="queue", object_id="retail", version=1, object=queue))
    async with world.replica():
        call, entry = await waiting(world)
        await world.offer(entry)
        await world.end_offer(entry, OfferOutcome.NO_ANSWER)
        press(world, call, "1")
        await until(lambda: world.acd.called_back, what="acd is asked")
        await world.hang_up(call)
    told = [
        e.data for e in await world.events(ACD_COMMAND) if isinstance(e.data, Enqueue | RequestCallback | LeaveQueue)
    ]
    assert {data.domain for data in told} == {"south"}
