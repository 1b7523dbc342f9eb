"""The caller's leg on the switch: what another replica has begun on it is waited for, not done a second time."""

from __future__ import annotations

import pytest

from ipcc.esl.commands import ShowChannels
from ipcc.esl.fake import FakeNode, FakeSwitches
from ipcc.ids import LegId
from services.ivr.ports import Line, LineLost
from services.ivr.switch import Telephony

pytestmark = pytest.mark.looptime

LEG = LegId("leg-1")


@pytest.fixture
def node() -> FakeNode:
    found = FakeNode("fs1")
    found.legs[LEG] = {"application": "bridge"}
    return found


@pytest.fixture
def line(node: FakeNode) -> Line:
    return Telephony(FakeSwitches(node), "/sounds", 180).line("fs1", LEG)


async def test_a_leg_that_calls_nobody_says_so(node: FakeNode, line: Line) -> None:
    node.legs[LEG] = {"application": "park"}
    assert await line.rejoin() == ""


@pytest.mark.parametrize(
    ("said", "how"), [("USER_BUSY", "busy"), ("NO_ANSWER", "no_answer"), ("SWITCH_CONGESTION", "failed")]
)
async def test_a_call_that_came_to_nothing_says_why(node: FakeNode, line: Line, said: str, how: str) -> None:
    looks = 0

    def answered(_: object) -> str:
        nonlocal looks
        looks += 1
        if looks == 3:
            node.legs[LEG] = {"application": "park"}
        return said if looks >= 3 else "_undef_"

    node.answer("uuid_getvar", answered)
    assert await line.rejoin() == how


async def test_who_talks_is_left_alone_until_he_has_hung_up(node: FakeNode, line: Line) -> None:
    looks = 0

    def answered(_: object) -> str:
        nonlocal looks
        looks += 1
        if looks == 100:
            del node.legs[LEG]
        return "SUCCESS"

    node.answer("uuid_getvar", answered)
    assert await line.rejoin() == "talked"
    assert node.executed == []


async def test_who_hung_up_while_it_rang_is_gone(node: FakeNode, line: Line) -> None:
    def answered(_: object) -> str:
        del node.legs[LEG]
        return "_undef_"

    node.answer("uuid_getvar", answered)
    with pytest.raises(LineLost):
        await line.rejoin()


async def test_whether_a_caller_is_joined_is_asked_of_his_leg_alone(node: FakeNode, line: Line) -> None:
    node.legs[LegId("another")] = {"application": "uuid_bridge"}
    node.legs[LEG] = {"application": "playback"}
    assert not await line.is_joined()
    node.legs[LEG] = {"application": "uuid_bridge"}
    assert await line.is_joined()
    del node.legs[LEG]
    with pytest.raises(LineLost):
        await line.is_joined()
    assert node.told(ShowChannels) == []
