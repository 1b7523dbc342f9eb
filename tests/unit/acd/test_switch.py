"""What acd says to the switch, and what it makes of its answers; the clock is virtual."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from ipcc.esl.commands import Command, Originate, UuidBridge, UuidExists, UuidKill
from ipcc.esl.fake import FakeNode, FakeSwitches
from ipcc.esl.headers import EventName, HangupCause
from ipcc.ids import LegId
from services.acd.core.effects import EndLeg, JoinLegs, RingAgent
from services.acd.core.inputs import Joined, JoinFailed, PickedUp, Rang, RingFailed
from services.acd.originates import Dialling, originate_of
from services.acd.switch import Hands
from tests.support.until import until

OFFER, CALLER = "0b1c6f2e-0000-5000-8000-000000000001", "0b1c6f2e-0000-7000-8000-00000000000c"
DIALLING = Dialling(Path("/spool"))


def ring(phone_id: str = "1001", caller_name: str = "") -> RingAgent:
    return RingAgent(OFFER, "e1", CALLER, "ann", phone_id, "fs1", CALLER, 21, caller_name=caller_name)


class Scene:
    """A fake switch with a waiting caller, the hands, and what they reported."""

    def __init__(self) -> None:
        self.node = FakeNode("fs1")
        self.node.legs[LegId(CALLER)] = {}
        self.reports: list[object] = []
        self.hands = Hands(FakeSwitches(self.node), DIALLING, self.reports.append)
        self.hands.start()

    async def reported(self, given: object) -> None:
        await until(lambda: given in self.reports, what=f"{given} in {self.reports}")

    def answer_later(self, prefix: str) -> None:
        """The switch says nothing yet to commands that begin so."""
        self.node.answer(prefix, None)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    yield made
    await made.hands.stop()


def test_the_leg_carries_all_it_needs_when_every_service_is_down() -> None:
    line = originate_of(ring(), DIALLING).render()
    for part in (
        f"origination_uuid={OFFER}",
        f"ipcc_call_id={CALLER}",
        "ipcc_role=agent",
        "ipcc_owner=acd",
        f"ipcc_offer_id={OFFER}",
        "ipcc_entry_id=e1",
        "ipcc_agent_id=ann",
        "RECORD_STEREO=true",
        "ignore_early_media=true",
        "originate_timeout=24",
        f"record_session /spool/recordings/{CALLER}/{OFFER}.wav",
        "user/1001",
        "&park()",
    ):
        assert part in line


@pytest.mark.parametrize(
    "name", ["Li\nuuid_kill x", "%0A", "a: b", 'say "hi"', "o'neil", "{x", "${y}", "李雷", "a,b=c"]
)
def test_a_callers_name_is_never_a_command(name: str) -> None:
    line = originate_of(ring(), DIALLING).render()
    hostile = originate_of(ring(caller_name=name), DIALLING).render()
    assert "\n" not in hostile
    assert hostile.count("&park()") == 1
    assert len(hostile) >= len(line)


@pytest.mark.looptime
async def test_the_job_that_succeeds_is_the_answer(scene: Scene) -> None:
    scene.hands.carry_out(ring())
    await scene.reported(PickedUp(OFFER, "fs1"))
    assert len(scene.node.told(Originate)) == 1


@pytest.mark.looptime
async def test_both_legs_are_listened_to_before_the_phone_is_dialled_and_nothing_is_waited_for(scene: Scene) -> None:
    scene.hands.carry_out(ring())
    await until(lambda: scene.node.told(Originate), what="the phone is dialled")
    first = scene.node.sent[:3]
    assert first[:2] == [f"filter Unique-ID {OFFER}", f"filter Unique-ID {CALLER}"]
    assert first[2].startswith("originate ")


@pytest.mark.looptime
async def test_events_are_acted_upon_before_the_job_ends(scene: Scene) -> None:
    scene.answer_later("originate")
    scene.hands.carry_out(ring())
    await until(lambda: scene.node.told(Originate))
    scene.node.say(EventName.CHANNEL_PROGRESS, OFFER)
    scene.node.say(EventName.CHANNEL_ANSWER, OFFER)
    assert scene.reports == [Rang(OFFER, "fs1"), PickedUp(OFFER, "fs1")]


@pytest.mark.looptime
@pytest.mark.parametrize("cause", ["USER_BUSY", "NO_ANSWER", "CALL_REJECTED", "USER_NOT_REGISTERED"])
async def test_the_cause_of_a_failed_ring_is_reported(scene: Scene, cause: str) -> None:
    scene.node.answer("originate", f"-ERR {cause}\n")
    scene.hands.carry_out(ring())
    await scene.reported(RingFailed(OFFER, cause))


@pytest.mark.looptime
async def test_a_leg_that_comes_under_another_uuid_is_hung_up(scene: Scene) -> None:
    scene.node.legs[LegId("other")] = {}
    scene.node.answer("originate", "+OK other\n")
    scene.hands.carry_out(ring())
    await scene.reported(RingFailed(OFFER, "DESTINATION_OUT_OF_ORDER"))
    assert [kill.leg_id for kill in scene.node.told(UuidKill)] == ["other"]


@pytest.mark.looptime
async def test_after_a_cut_link_the_leg_is_looked_up_and_never_dialled_again(scene: Scene) -> None:
    scene.answer_later("originate")
    scene.hands.carry_out(ring())
    await until(lambda: scene.node.told(Originate))
    scene.node.go_down()
    await asyncio.sleep(3)
    assert scene.reports == []
    scene.node.go_up()
    await scene.reported(RingFailed(OFFER, "NETWORK_OUT_OF_ORDER"))
    assert len(scene.node.told(Originate)) == 1
    assert scene.node.told(UuidExists)


@pytest.mark.looptime
async def test_a_leg_that_outlived_the_cut_is_left_to_its_events(scene: Scene) -> None:
    scene.answer_later("originate")
    scene.hands.carry_out(ring())
    await until(lambda: scene.node.told(Originate))
    scene.node.legs[LegId(OFFER)] = {}
    scene.node.go_down()
    scene.node.go_up()
    await until(lambda: scene.node.told(UuidExists))
    await asyncio.sleep(1)
    assert scene.reports == []


@pytest.mark.looptime
async def test_ended_while_it_is_being_dialled_it_is_ended_whenever_it_shows(scene: Scene) -> None:
    scene.answer_later("originate")
    scene.hands.carry_out(ring())
    await until(lambda: scene.node.told(Originate))
    scene.hands.carry_out(EndLeg("fs1", OFFER, "ORIGINATOR_CANCEL"))
    await until(lambda: len(scene.node.told(UuidKill)) == 1)
    scene.node.legs[LegId(OFFER)] = {}
    scene.node.say(EventName.CHANNEL_ANSWER, OFFER)
    await until(lambda: len(scene.node.told(UuidKill)) == 2)
    assert scene.reports == []
    assert LegId(OFFER) not in scene.node.legs


def bridge_says(scene: Scene) -> None:
    """The switch joins as it does: +OK first, CHANNEL_BRIDGE on the leg named first a moment later."""
    loop = asyncio.get_running_loop()

    def bridge(command: Command) -> str:
        pair = {"Bridge-A-Unique-ID": CALLER, "Bridge-B-Unique-ID": OFFER}
        loop.call_later(0.05, scene.node.say, EventName.CHANNEL_BRIDGE, CALLER, pair)
        return f"+OK {OFFER}\n"

    scene.node.answer("uuid_bridge", bridge)


@pytest.mark.looptime
async def test_joined_is_what_channel_bridge_says(scene: Scene) -> None:
    scene.node.legs[LegId(OFFER)] = {}
    bridge_says(scene)
    scene.hands.carry_out(JoinLegs(OFFER, "fs1", CALLER, OFFER))
    await scene.reported(Joined(OFFER))
    assert scene.node.told(UuidBridge) == [UuidBridge(LegId(CALLER), LegId(OFFER))]


@pytest.mark.looptime
async def test_ok_without_a_bridge_is_looked_into_after_half_a_second(scene: Scene) -> None:
    scene.node.legs[LegId(OFFER)] = {}
    started = asyncio.get_running_loop().time()
    scene.hands.carry_out(JoinLegs(OFFER, "fs1", CALLER, OFFER))
    await until(lambda: scene.node.told(UuidBridge))
    del scene.node.legs[LegId(CALLER)]
    await scene.reported(JoinFailed(OFFER, is_caller_alive=False, is_agent_alive=True))
    assert 0.5 <= asyncio.get_running_loop().time() - started < 1.0


@pytest.mark.looptime
async def test_a_bridge_whose_event_was_missed_is_found_by_looking(scene: Scene) -> None:
    scene.node.legs[LegId(OFFER)] = {}
    dump = {
        "Event-Name": "CHANNEL_DATA",
        "Unique-ID": OFFER,
        "Answer-State": "answered",
        "Channel-State": "CS_EXCHANGE_MEDIA",
        "variable_signal_bond": CALLER,
        "Event-Date-Timestamp": "1",
    }
    scene.node.answer("uuid_dump", orjson.dumps(dump).decode())
    scene.hands.carry_out(JoinLegs(OFFER, "fs1", CALLER, OFFER))
    await scene.reported(Joined(OFFER))


@pytest.mark.looptime
async def test_a_caller_who_is_gone_already_is_reported_at_once(scene: Scene) -> None:
    scene.node.legs = {LegId(OFFER): {}}
    scene.node.answer("uuid_bridge", "-ERR Invalid uuid\n")
    scene.hands.carry_out(JoinLegs(OFFER, "fs1", CALLER, OFFER))
    await scene.reported(JoinFailed(OFFER, is_caller_alive=False, is_agent_alive=True))


@pytest.mark.looptime
async def test_a_kill_the_cut_link_swallowed_is_repeated_unless_they_talk_by_then(scene: Scene) -> None:
    scene.node.legs[LegId(OFFER)] = {}
    scene.node.go_down()
    scene.hands.carry_out(EndLeg("fs1", OFFER, "NO_ANSWER"))
    await asyncio.sleep(2)
    scene.node.go_up()
    await until(lambda: LegId(OFFER) not in scene.node.legs)
    assert scene.node.told(UuidKill)[-1].cause is HangupCause.NO_ANSWER


@pytest.mark.looptime
async def test_what_cannot_be_dialled_is_reported_and_not_sent(scene: Scene) -> None:
    scene.hands.carry_out(ring(phone_id="1001&x"))
    scene.hands.carry_out(ring(phone_id="1001}, "))
    await scene.reported(RingFailed(OFFER, "INVALID_NUMBER_FORMAT"))
    assert scene.node.told(Originate) == []


@pytest.mark.looptime
async def test_an_answer_heard_early_is_bridged_only_when_the_dialling_is_over(scene: Scene) -> None:
    def dial(command: Command) -> None:
        scene.node.legs[LegId(OFFER)] = {}

    scene.node.answer("originate", dial)
    bridge_says(scene)
    scene.hands.carry_out(ring())
    await until(lambda: scene.node.told(Originate))
    scene.node.say(EventName.CHANNEL_ANSWER, OFFER)
    scene.hands.carry_out(JoinLegs(OFFER, "fs1", CALLER, OFFER))
    await asyncio.sleep(0.3)
    assert scene.node.told(UuidBridge) == []
    await scene.reported(Joined(OFFER))


@pytest.mark.looptime
async def test_two_that_are_there_and_not_yet_joined_get_more_time(scene: Scene) -> None:
    scene.node.legs[LegId(OFFER)] = {}
    scene.node.answer("uuid_dump", "-ERR No such channel!\n")
    started = asyncio.get_running_loop().time()
    scene.hands.carry_out(JoinLegs(OFFER, "fs1", CALLER, OFFER))
    await scene.reported(JoinFailed(OFFER, is_caller_alive=True, is_agent_alive=True))
    assert 2.0 <= asyncio.get_running_loop().time() - started < 3.0
