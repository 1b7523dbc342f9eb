"""The switch port on the simulated switch: whole calls over its real event socket, with the recorded dialplan."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from ipcc.clock import SystemClock
from ipcc.errors import SwitchRefused
from ipcc.esl import meaning as m
from ipcc.esl.commands import Originate, UuidBridge, UuidDump, UuidGetVar, UuidKill, UuidSetVar, UuidSetVars
from ipcc.esl.dialstring import Gateway, User
from ipcc.esl.green import GreenLinks
from ipcc.esl.headers import HangupCause
from ipcc.esl.listing import dump_from_json
from ipcc.esl.nodes import Nodes
from ipcc.esl.normalise import normalise
from ipcc.esl.port import OWN_LEGS, LegGoneError, NodeAddress, SwitchNode
from ipcc.esl.wire import SwitchEvent
from ipcc.ids import LegId, NodeId, new_id
from ipcc.sim.esl_server import EslServer, ServerSettings
from ipcc.sim.people import Caller, Keys, PhoneScript
from ipcc.sim.switch import SimSwitch
from ipcc.tasks import Tasks
from tests.support.until import until
from tests.traces import golden

PASSWORD = "Secret word"
TONE = "/var/golden/sounds/tone1s.wav"
HOSTILE = [
    "O'Brien",
    'Zhang, "San" {VIP}',
    "back\\slash\\",
    "a=b;c|d",
    ":_:x",
    "100%0AUnique-ID: forged",
    "张三",
    "  edges  ",
]


@dataclass
class Stage:
    """A simulated switch, and a service's node connected to it."""

    switch: SimSwitch
    node: SwitchNode
    told: list[m.Meaning] = field(default_factory=list)

    def hear(self, event: SwitchEvent) -> None:
        self.told += normalise(event)

    def of(self, kind: type[m.Meaning], leg: str) -> list[m.Meaning]:
        return [meaning for meaning in self.told if isinstance(meaning, kind) and getattr(meaning, "leg_id", "") == leg]

    def call(self, number: str = "9001", keys: tuple[Keys, ...] = (), hang_up_after_s: float | None = None) -> LegId:
        """Somebody calls a number whose dialplan answers and parks."""
        caller = Caller("13800000001", number, profile="external", context="golden", keys=keys)
        leg = self.switch.place_call(
            Caller(**{**caller.__dict__, "hang_up_after_s": hang_up_after_s})  # a copy with its patience
        )
        assert leg
        return LegId(leg)

    async def ring(
        self, phone: str = "1001", leg: LegId | None = None, variables: dict[str, str] | None = None
    ) -> LegId:
        leg = leg or LegId(new_id())
        await self.node.watch(leg)
        answer = await self.node.job(Originate(User(phone, golden.DOMAIN), leg, variables=variables or {}), timeout=10)
        assert answer == leg
        return leg


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        switch = SimSwitch(golden.settings())
        server = EslServer(switch, ServerSettings(password=PASSWORD))
        await server.start()
        stack.push_async_callback(server.close)
        await switch.start()
        stack.push_async_callback(switch.stop)
        links = GreenLinks()
        stack.callback(links.stop)
        tasks = Tasks()
        stack.push_async_callback(tasks.stop)
        host, port = server.address
        nodes = Nodes([NodeAddress(NodeId("sim"), host, port, PASSWORD)], OWN_LEGS, links.connect, SystemClock())
        nodes.start(tasks)
        stage = Stage(switch, nodes.nodes()[0])
        stage.node.listen(stage.hear)
        await until(lambda: stage.node.is_up, what="the node is up")
        yield stage


async def test_a_caller_and_an_agent_are_joined_and_parted(stage: Stage) -> None:
    caller = stage.call()
    await stage.node.watch(caller)
    stage.switch.register("1001")
    stage.switch.set_phone(PhoneScript("1001", answer_after_s=0.1))
    agent = await stage.ring()
    await stage.node.api(UuidBridge(caller, agent))
    await until(lambda: stage.of(m.LegsBridged, caller), what="they are joined")
    assert [row.leg_id for row in await stage.node.channels()] == [caller, agent]
    await stage.node.api(UuidKill(agent, HangupCause.NORMAL_CLEARING))
    await until(lambda: stage.of(m.LegEnded, agent), what="the agent's leg ended")
    assert await stage.node.exists(agent) is False


async def test_digits_come_back_with_the_result_of_the_application(stage: Stage) -> None:
    caller = stage.call(keys=(Keys("1234#", prompt="tone1s"),))
    await until(lambda: stage.node.exists(caller), what="the call is there")
    argument = f"1 4 1 5000 # {TONE} /var/golden/sounds/invalid.wav pin \\d+"
    ended = await stage.node.execute(caller, "play_and_get_digits", argument, timeout=15)
    assert ended.variables["pin"] == "1234"
    assert "1234" not in repr(ended)


async def test_a_sound_that_is_not_there_is_told_and_the_call_stays(stage: Stage) -> None:
    caller = stage.call()
    ended = await stage.node.execute(caller, "playback", "/nowhere.wav", timeout=10)
    assert ended.response == "FILE NOT FOUND"
    assert await stage.node.exists(caller)


async def test_a_caller_who_hangs_up_during_a_prompt_ends_it(stage: Stage) -> None:
    caller = stage.call(hang_up_after_s=0.3)
    with pytest.raises(LegGoneError) as gone:
        await stage.node.execute(caller, "playback", "/var/golden/sounds/tone10s.wav", timeout=10)
    assert gone.value.cause == "NORMAL_CLEARING"
    with pytest.raises(LegGoneError):
        await stage.node.execute(caller, "playback", TONE, timeout=10)


@pytest.mark.parametrize(
    ("phone", "cause"),
    [
        (PhoneScript("1001", refuse=486), "USER_BUSY"),
        (PhoneScript("1001", refuse=603), "CALL_REJECTED"),
        (None, "USER_NOT_REGISTERED"),
    ],
)
async def test_a_phone_that_does_not_answer_says_why(stage: Stage, phone: PhoneScript | None, cause: str) -> None:
    if phone is not None:
        stage.switch.register("1001")
        stage.switch.set_phone(phone)
    with pytest.raises(SwitchRefused) as refused:
        await stage.ring()
    assert refused.value.cause == cause


async def test_a_gateway_nobody_configured_is_named(stage: Stage) -> None:
    with pytest.raises(SwitchRefused) as refused:
        await stage.node.job(Originate(Gateway("nosuch", "95500"), LegId(new_id())), timeout=5)
    assert refused.value.cause == "INVALID_GATEWAY"


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_hostile_text_arrives_as_it_was_by_every_way(stage: Stage, text: str) -> None:
    stage.switch.register("1001")
    stage.switch.set_phone(PhoneScript("1001", answer_after_s=0.05))
    leg = await stage.ring(variables={"ipcc_note": text})
    assert await stage.node.api(UuidGetVar(leg, "ipcc_note")) == text
    await stage.node.api(UuidSetVar(leg, "other", text))
    await stage.node.api(UuidSetVars(leg, {"third": text, "fourth": "x"}))
    assert await stage.node.api(UuidGetVar(leg, "other")) == text
    assert await stage.node.api(UuidGetVar(leg, "third")) == text
    assert await stage.node.api(UuidGetVar(leg, "fourth")) == "x"
    found = dump_from_json(await stage.node.api(UuidDump(leg)))
    assert (found.leg_id, found.is_answered, found.facts.variables["ipcc_note"]) == (leg, True, text)


async def test_applications_sent_at_once_run_one_after_the_other(stage: Stage) -> None:
    caller = stage.call()
    await stage.node.watch(caller)
    ends = await asyncio.gather(*(stage.node.execute(caller, "set", f"step={n}", timeout=10) for n in range(5)))
    assert [end.is_hung_up for end in ends] == [False] * 5
    assert await stage.node.api(UuidGetVar(caller, "step")) == "4"
