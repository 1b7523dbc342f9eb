"""A caller who hangs up while he leaves a message has left it, whoever tells first that he is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ipcc.contracts.call import LegEnded
from ipcc.contracts.ivr import MessageLeft, NodeLeft, SessionEnded
from ipcc.contracts.tags import LegRole
from ipcc.errors import NotNow
from tests.component.ivr.conftest import TOKEN, StandIn
from tests.component.ivr.world import World
from tests.support.until import until


@pytest.fixture
async def world(tmp_path: Path, bank: StandIn) -> AsyncIterator[World]:
    found = World(tmp_path, bank_url=bank.url, given={"bankcore_token": TOKEN})
    found.node.finish_at_once("playback", "FILE PLAYED")
    await found.open()
    yield found
    await found.close()


async def recorded(world: World) -> str:
    """A caller for whom nobody has time, who wants no callback, and speaks."""
    world.acd.error = NotNow("acd.closed", "it is closed")
    call = await world.arrive()
    for keys in ("0", "", ""):
        await world.key(call, keys)
    await world.at(call, "leave-message")
    await until(lambda: any(one.application == "record" for one in world.node.executed), what="he is recorded")
    before = world.clock.now()
    await until(lambda: (world.clock.now() - before).total_seconds() > 2, what="he speaks for two seconds")
    return call


@pytest.mark.parametrize("is_told_by_the_switch_first", [True, False])
async def test_what_he_said_is_told_before_the_end_of_his_session(
    world: World, is_told_by_the_switch_first: bool
) -> None:
    await world.start_acd()
    async with world.replica() as ivr:
        call = await recorded(world)
        if is_told_by_the_switch_first:
            await world.hang_up(call)
        else:
            gone = LegEnded(call_id=call, leg_id=call, node_id="fs1", role=LegRole.CUSTOMER, cause="NORMAL_CLEARING")
            await world.publisher.publish(gone)
            await until(lambda: ivr.sessions.running[call]._ending, what="ivr has heard of it")
            world.node.hang_up(call)
        assert await world.ended(call) == "hung_up"
        told = (await world.facts(call))[-3:]
        assert [type(fact) for fact in told] == [MessageLeft, NodeLeft, SessionEnded]
        message = next(fact for fact in told if isinstance(fact, MessageLeft))
        assert (message.queue_id, message.caller_number) == ("retail", "13800000001")
        assert message.seconds >= 1
        assert f"/messages/{call}-" in message.path
        assert ivr.sessions.running == {}
