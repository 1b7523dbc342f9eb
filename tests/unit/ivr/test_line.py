"""The caller's leg on the switch: what another replica has begun on it is waited for, not done a second time."""

from __future__ import annotations

import asyncio

import pytest

from ipcc.errors import SwitchRefused
from ipcc.esl.commands import ShowChannel, ShowChannels
from ipcc.esl.fake import FakeNode, FakeSwitches
from ipcc.ids import LegId
from services.ivr.core.actions import Collect, Keyed, KeyedKind, Record, Recorded
from services.ivr.ports import Line, LineLost
from services.ivr.switch import Telephony
from tests.support.until import until

pytestmark = pytest.mark.looptime

LEG = LegId("leg-1")
ASKED = Collect(("enter-new-pin-again",), 1, 6, "#", 8, 4, secret=True)


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


async def recorded(node: FakeNode, line: Line, beep: bool = True) -> asyncio.Task[Recorded]:
    """He is spoken to and has begun to speak."""
    node.legs[LEG] = {"application": "park"}
    node.finish_at_once("playback")
    wanted = Record(("leave-message",), "c-1", 60, 5, beep)
    task = asyncio.get_running_loop().create_task(line.record(("leave-message",), "zh", wanted))
    await asyncio.sleep(4)
    return task


async def test_after_the_prompt_comes_a_tone_then_he_is_recorded_until_pound(node: FakeNode, line: Line) -> None:
    task = await recorded(node, line)
    node.finish(LEG, variables={"record_seconds": "4", "playback_terminator_used": "#"})
    found = await task
    assert (found.seconds, found.is_silenced, found.is_hung_up) == (4, False, False)
    played = [one.argument for one in node.executed if one.application == "playback"]
    assert played == ["/sounds/zh/leave-message.wav", "tone_stream://%(400,0,1000)"]
    assert [one.argument for one in node.executed][-1].endswith("/messages/c-1.wav 60 200 5")


@pytest.mark.parametrize(("seconds", "exhausted"), [("9", "true"), ("59", "true"), ("59", "false"), ("60", "false")])
async def test_whether_his_silence_or_the_limit_ended_it_is_the_switchs_own_word(
    node: FakeNode, line: Line, seconds: str, exhausted: str
) -> None:
    task = await recorded(node, line)
    node.finish(LEG, variables={"record_seconds": seconds, "silence_hits_exhausted": exhausted})
    assert (await task).is_silenced is (exhausted == "true")


async def test_who_hangs_up_while_he_speaks_has_spoken_for_so_long(node: FakeNode, line: Line) -> None:
    task = await recorded(node, line)
    node.hang_up(LEG)
    found = await task
    assert (found.seconds, found.is_hung_up) == (4, True)


async def test_who_hangs_up_before_he_speaks_is_gone(node: FakeNode, line: Line) -> None:
    node.legs[LEG] = {"application": "park"}
    task = asyncio.get_running_loop().create_task(line.record((), "zh", Record((), "c-1", 60, 5)))
    await asyncio.sleep(1)
    node.hang_up(LEG)
    with pytest.raises(LineLost):
        await task


async def test_a_question_for_keys_is_ended_by_a_key_and_what_only_plays_by_a_break(node: FakeNode, line: Line) -> None:
    node.legs[LEG] = {"application": "playback"}
    await line.cut_short()
    node.legs[LEG] = {"application": "play_and_get_digits"}
    await line.cut_short()
    told = [command.render() for command in node.commands if not isinstance(command, ShowChannel)]
    assert told == [f"uuid_break {LEG} all", f"uuid_break {LEG} all", f"uuid_recv_dtmf {LEG} #*"]
    node.legs.clear()
    node.answer("uuid_break", SwitchRefused("No such channel!"))
    with pytest.raises(LineLost):
        await line.cut_short()


async def test_what_was_keyed_for_nobody_is_wiped_typed_ahead_or_taken(node: FakeNode, line: Line) -> None:
    await line.wipe()
    assert [command.render() for command in node.commands] == [
        f"uuid_flush_dtmf {LEG}",
        f"uuid_setvar {LEG} ipcc_digits",
    ]


async def _asked(node: FakeNode, line: Line, *answers: tuple[float, str]) -> Keyed:
    """One question; each asking of the switch ends so many seconds after it began, with these digits."""

    async def key() -> None:
        for number, (after_s, digits) in enumerate(answers, start=1):
            await until(lambda number=number: len(node.executed) == number, what="asked")  # type: ignore[misc]
            await asyncio.sleep(after_s)
            node.finish(LEG, variables={"ipcc_digits": digits} if digits else {})

    async with asyncio.TaskGroup() as group:
        group.create_task(key())
        keyed = group.create_task(line.collect(("enter-new-pin-again",), "zh", ASKED))
    assert len(node.executed) == len(answers)
    return keyed.result()


async def test_a_pound_pressed_out_of_habit_does_not_end_the_next_question(node: FakeNode, line: Line) -> None:
    assert await _asked(node, line, (0.3, ""), (5.0, "860213")) == Keyed(KeyedKind.DIGITS, "860213")


async def test_a_pound_after_the_question_was_heard_and_silence_are_no_entry(node: FakeNode, line: Line) -> None:
    for after_s in (2.0, 9.0):
        assert await _asked(node, line, (after_s, "")) == Keyed(KeyedKind.NOTHING)
        node.executed.clear()


async def test_a_pound_again_and_again_is_no_entry(node: FakeNode, line: Line) -> None:
    assert await _asked(node, line, (0.3, ""), (0.3, "")) == Keyed(KeyedKind.NOTHING)


async def test_a_question_ended_from_outside_is_not_asked_again(node: FakeNode, line: Line) -> None:
    async with asyncio.TaskGroup() as group:
        keyed = group.create_task(line.collect(("enter-new-pin-again",), "zh", ASKED))
        await until(lambda: bool(node.executed), what="asked")
        await line.cut_short()
        node.finish(LEG)
    assert keyed.result() == Keyed(KeyedKind.NOTHING)
    assert len(node.executed) == 1
