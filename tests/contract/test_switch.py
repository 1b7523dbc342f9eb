"""The switch port: the same promises kept by the fake and by real links to an event socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any, Protocol, TypeVar

import pytest

from ipcc.clock import SystemClock
from ipcc.errors import SwitchDown, SwitchRefused
from ipcc.esl.commands import Originate, UuidBridge, UuidKill, Words
from ipcc.esl.dialstring import User
from ipcc.esl.fake import FakeNode, FakeSwitches
from ipcc.esl.green import GreenLinks
from ipcc.esl.node import NodeTimes
from ipcc.esl.nodes import Nodes
from ipcc.esl.port import OWN_LEGS, LegGoneError, Switches, SwitchNode
from ipcc.esl.quoting import Unrenderable
from ipcc.esl.wire import SwitchEvent
from ipcc.ids import LegId
from ipcc.tasks import Tasks
from tests.support.esl_peer import EslPeer
from tests.support.until import until

T = TypeVar("T")
LEG = LegId("11111111-2222-3333-4444-555555555555")
OTHER = LegId("66666666-7777-8888-9999-000000000000")
QUICK = NodeTimes(first_delay_s=0.02, longest_delay_s=0.05, look_every_s=0.02)


def begin(work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
    """Do it beside the test, which awaits it later."""
    return asyncio.ensure_future(work)  # noqa: TID251


class Rig(Protocol):
    """One way to have a switch, and to be that switch."""

    switches: Switches
    node: SwitchNode

    def answer(self, prefix: str, answer: str | None) -> None: ...

    def has(self, leg: LegId) -> None: ...

    def say(
        self, name: str, leg: str, headers: Mapping[str, str] | None = None, variables: Mapping[str, str] | None = None
    ) -> None: ...

    def running(self) -> list[tuple[str, str, str]]:
        """Leg, application and event id of what was executed."""

    async def cut(self) -> None: ...

    async def restore(self) -> None: ...


class FakeRig:
    def __init__(self) -> None:
        self.fake = FakeNode()
        self.node: SwitchNode = self.fake
        self.switches: Switches = FakeSwitches(self.fake)

    def answer(self, prefix: str, answer: str | None) -> None:
        self.fake.answer(prefix, answer)

    def has(self, leg: LegId) -> None:
        self.fake.legs[leg] = {}

    def say(
        self, name: str, leg: str, headers: Mapping[str, str] | None = None, variables: Mapping[str, str] | None = None
    ) -> None:
        self.fake.say(name, leg, headers, variables)

    def running(self) -> list[tuple[str, str, str]]:
        return [(request.leg_id, request.application, request.event_id) for request in self.fake.executed]

    async def cut(self) -> None:
        self.fake.go_down()

    async def restore(self) -> None:
        self.fake.go_up()


class PeerRig:
    def __init__(self, peer: EslPeer, nodes: Nodes) -> None:
        self.peer = peer
        self.switches: Switches = nodes
        self.node: SwitchNode = nodes.nodes()[0]

    def answer(self, prefix: str, answer: str | None) -> None:
        self.peer.answer(prefix, answer)

    def has(self, leg: LegId) -> None:
        self.peer.legs.add(leg)

    def say(
        self, name: str, leg: str, headers: Mapping[str, str] | None = None, variables: Mapping[str, str] | None = None
    ) -> None:
        self.peer.say(name, leg, headers, variables)

    def running(self) -> list[tuple[str, str, str]]:
        messages = [message for message in self.peer.messages if message.get("call-command") == "execute"]
        return [(message["leg"], message["execute-app-name"], message["Event-UUID"]) for message in messages]

    async def cut(self) -> None:
        await self.peer.stop()
        await until(lambda: not self.node.is_up, what="the node is down")

    async def restore(self) -> None:
        await self.peer.start()
        await until(lambda: self.node.is_up, what="the node is up again")


@pytest.fixture(params=["fake", "peer"])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    if request.param == "fake":
        yield FakeRig()
        return
    peer = EslPeer()
    await peer.start()
    links = GreenLinks()
    tasks = Tasks()
    nodes = Nodes([peer.address()], OWN_LEGS, links.connect, SystemClock(), QUICK)
    nodes.start(tasks)
    rig = PeerRig(peer, nodes)
    await until(lambda: rig.node.is_up, what="the node is up")
    yield rig
    await tasks.stop()
    await peer.stop()
    links.stop()


async def test_an_answer_comes_without_ok_and_without_its_line_break(rig: Rig) -> None:
    rig.answer("uuid_bridge", f"+OK {OTHER}\n")
    rig.answer("uptime", "239\n")
    assert await rig.node.api(UuidBridge(LEG, OTHER)) == OTHER
    assert await rig.node.api(Words("uptime")) == "239"


async def test_a_refusal_keeps_the_text_of_the_switch(rig: Rig) -> None:
    with pytest.raises(SwitchRefused, match="No such channel!") as refused:
        await rig.node.api(UuidKill(LEG))
    assert refused.value.cause is None


async def test_a_usage_answer_is_a_refusal(rig: Rig) -> None:
    rig.answer("uuid_bridge", "-USAGE: <uuid> <other_uuid>\n")
    with pytest.raises(SwitchRefused):
        await rig.node.api(UuidBridge(LEG, OTHER))


async def test_answers_go_to_who_asked_for_them(rig: Rig) -> None:
    for number in range(20):
        rig.answer(f"echo {number}.", f"{number}\n")
    asked = [rig.node.api(Words("echo", f"{number}.")) for number in range(20)]
    assert await asyncio.gather(*asked) == [str(number) for number in range(20)]


async def test_a_command_without_an_answer_ends_as_unknown(rig: Rig) -> None:
    rig.answer("uptime now", None)
    with pytest.raises(SwitchDown):
        await rig.node.api(Words("uptime", "now"), timeout=0.05)


async def test_a_job_gives_the_text_of_its_outcome(rig: Rig) -> None:
    rig.answer("originate", f"+OK {LEG}\n")
    assert await rig.node.job(Originate(User("1001"), LEG), timeout=5) == LEG


async def test_a_job_that_failed_names_the_cause(rig: Rig) -> None:
    rig.answer("originate", "-ERR USER_BUSY\n")
    with pytest.raises(SwitchRefused) as refused:
        await rig.node.job(Originate(User("1001"), LEG), timeout=5, job_id="job-1")
    assert refused.value.cause == "USER_BUSY"


async def test_a_job_without_an_outcome_ends_as_unknown(rig: Rig) -> None:
    rig.answer("originate", None)
    with pytest.raises(SwitchDown):
        await rig.node.job(Originate(User("1001"), LEG), timeout=0.1)


async def test_what_waits_when_the_link_is_lost_ends_as_unknown(rig: Rig) -> None:
    rig.has(LEG)
    rig.answer("uuid_bridge", None)
    rig.answer("originate", None)
    execution = begin(rig.node.execute(LEG, "playback", "x.wav", timeout=30))
    job = begin(rig.node.job(Originate(User("1001"), OTHER), timeout=30))
    await until(rig.running, what="the application runs")
    waiting: list[asyncio.Future[Any]] = [execution, job, begin(rig.node.api(UuidBridge(LEG, OTHER), timeout=30))]
    await asyncio.sleep(0)
    await rig.cut()
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(end) for end in ends] == [SwitchDown, SwitchDown, SwitchDown]


async def test_while_the_node_is_down_commands_fail_at_once_and_when_it_is_back_they_work(rig: Rig) -> None:
    await rig.cut()
    assert not rig.node.is_up
    assert rig.node.state.is_up is False
    with pytest.raises(SwitchDown):
        await asyncio.wait_for(rig.node.api(Words("uptime"), timeout=60), 1)
    await rig.restore()
    rig.answer("uptime", "1\n")
    assert await rig.node.api(Words("uptime")) == "1"


async def test_owners_are_told_when_a_node_goes_and_comes(rig: Rig) -> None:
    told: list[str] = []
    rig.switches.on_up(lambda node: told.append(f"up {node.node_id}"))
    rig.switches.on_down(lambda node: told.append(f"down {node.node_id}"))
    await rig.cut()
    await rig.restore()
    await until(lambda: len(told) == 2, what="both were told")
    assert told == [f"down {rig.node.node_id}", f"up {rig.node.node_id}"]


async def test_an_application_ends_with_its_result(rig: Rig) -> None:
    rig.has(LEG)
    execution = begin(rig.node.execute(LEG, "read", "1 4 x.wav pin 5000 #", timeout=5))
    leg, application, event_id = (await until(rig.running, what="the application runs"))[0]
    assert (leg, application) == (LEG, "read")
    rig.say("CHANNEL_EXECUTE_COMPLETE", LEG, {"Application": "other", "Application-UUID": "another"})
    result = {"Application": "read", "Application-Response": "_none_", "Application-UUID": event_id}
    rig.say("CHANNEL_EXECUTE_COMPLETE", LEG, result, {"pin": "1234", "read_result": "success"})
    ended = await execution
    assert (ended.application, ended.response, ended.event_id) == ("read", "_none_", event_id)
    assert ended.variables["pin"] == "1234"
    assert "1234" not in repr(ended)


async def test_an_application_on_a_leg_that_is_gone_is_refused(rig: Rig) -> None:
    with pytest.raises(LegGoneError):
        await rig.node.execute(LEG, "playback", "x.wav", timeout=5)


async def test_a_caller_who_hangs_up_ends_the_application_on_his_leg(rig: Rig) -> None:
    rig.has(LEG)
    execution = begin(rig.node.execute(LEG, "playback", "x.wav", timeout=5))
    await until(rig.running, what="the application runs")
    rig.say("CHANNEL_HANGUP", LEG, {"Hangup-Cause": "NORMAL_CLEARING", "Answer-State": "hangup"})
    with pytest.raises(LegGoneError) as gone:
        await execution
    assert gone.value.cause == "NORMAL_CLEARING"


async def test_an_application_that_does_not_end_is_unknown(rig: Rig) -> None:
    rig.has(LEG)
    with pytest.raises(SwitchDown):
        await rig.node.execute(LEG, "playback", "x.wav", timeout=0.1)


async def test_starting_does_not_wait_and_gives_the_id_by_which_the_end_is_heard(rig: Rig) -> None:
    rig.has(LEG)
    heard: list[SwitchEvent] = []
    rig.node.listen(heard.append)
    await rig.node.watch(LEG)
    event_id = await rig.node.start(LEG, "playback", "music.wav")
    rig.say("CHANNEL_EXECUTE_COMPLETE", LEG, {"Application-UUID": event_id})
    await until(lambda: heard, what="the end is heard")
    assert heard[0].get("Application-UUID") == event_id


async def test_listeners_hear_events_in_order_until_they_leave(rig: Rig) -> None:
    heard: list[str] = []
    last: list[str] = []
    remove = rig.node.listen(lambda event: heard.append(event.get("DTMF-Digit")))
    rig.node.listen(lambda event: last.append(event.get("DTMF-Digit")))
    await rig.node.watch(LEG)
    for digit in "123456789":
        rig.say("DTMF", LEG, {"DTMF-Digit": digit})
    await until(lambda: len(heard) == 9, what="nine digits")
    remove()
    rig.say("DTMF", LEG, {"DTMF-Digit": "0"})
    await until(lambda: len(last) == 10, what="ten digits")
    assert heard == list("123456789")
    assert last == list("1234567890")


async def test_a_watch_outlives_the_link(rig: Rig) -> None:
    heard: list[str] = []
    rig.node.listen(lambda event: heard.append(event.name))
    await rig.node.watch(LEG)
    await rig.cut()
    with pytest.raises(SwitchDown):
        await rig.node.watch(OTHER)
    await rig.restore()
    rig.say("CHANNEL_ANSWER", LEG)
    rig.say("CHANNEL_BRIDGE", OTHER)
    await until(lambda: heard == ["CHANNEL_ANSWER", "CHANNEL_BRIDGE"], what="both legs are heard")


async def test_a_watch_that_is_not_waited_for_is_as_good_and_never_raises(rig: Rig) -> None:
    heard: list[str] = []
    rig.node.listen(lambda event: heard.append(event.name))
    rig.node.begin_watch(LEG)
    # whatever is answered was sent behind it
    await rig.node.watch(LEG)
    rig.say("CHANNEL_ANSWER", LEG)
    await until(lambda: heard == ["CHANNEL_ANSWER"], what="the leg is heard")
    await rig.cut()
    rig.node.begin_watch(OTHER)
    await rig.restore()
    rig.say("CHANNEL_BRIDGE", OTHER)
    await until(lambda: heard == ["CHANNEL_ANSWER", "CHANNEL_BRIDGE"], what="both legs are heard")


async def test_legs_can_be_looked_up(rig: Rig) -> None:
    assert await rig.node.channels() == []
    rig.has(LEG)
    assert await rig.node.exists(LEG)
    assert not await rig.node.exists(OTHER)
    assert [row.leg_id for row in await rig.node.channels()] == [LEG]


@pytest.mark.parametrize("text", ["a\nb", "a\r", "a\0"])
async def test_a_line_break_never_reaches_the_switch(rig: Rig, text: str) -> None:
    rig.has(LEG)
    with pytest.raises(Unrenderable):
        await rig.node.api(Words("echo", text))
    with pytest.raises(Unrenderable):
        await rig.node.execute(LEG, "playback", text, timeout=1)
    with pytest.raises(Unrenderable):
        await rig.node.job(Originate(User("1001"), LEG, caller_name=text), timeout=1)
    assert rig.running() == []
