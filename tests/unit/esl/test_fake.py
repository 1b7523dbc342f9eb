"""The fake switch does what a test tells it, and remembers what it was told."""

from __future__ import annotations

import asyncio

import pytest

from ipcc.errors import NotFound
from ipcc.esl.commands import Originate, UuidBridge, UuidKill, Words
from ipcc.esl.dialstring import User
from ipcc.esl.fake import FakeNode, FakeSwitches
from ipcc.esl.port import LegGoneError
from ipcc.ids import LegId, NodeId

A, B = LegId("a"), LegId("b")


async def test_it_remembers_what_it_was_told_in_order() -> None:
    node = FakeNode()
    await node.job(Originate(User("1001"), A), timeout=5)
    await node.api(UuidBridge(A, B))
    await node.api(UuidKill(A))
    assert [type(command).__name__ for command in node.commands] == ["Originate", "UuidBridge", "UuidKill"]
    assert node.told(UuidBridge) == [UuidBridge(A, B)]
    assert node.jobs == [node.commands[0]]


async def test_the_newest_script_counts_and_may_depend_on_the_command() -> None:
    node = FakeNode()
    node.answer("echo", "+OK old\n")
    node.answer("echo", lambda command: f"+OK {command.render().split()[-1]}\n")
    assert await node.api(Words("echo", "new")) == "new"
    node.answer("echo", TimeoutError("odd"))
    with pytest.raises(TimeoutError):
        await node.api(Words("echo", "new"))


async def test_applications_end_at_once_or_when_told() -> None:
    node = FakeNode()
    node.say("CHANNEL_CREATE", A)
    node.finish_at_once("answer")
    assert (await node.execute(A, "answer", timeout=1)).response == "_none_"
    waiting = asyncio.ensure_future(node.execute(A, "playback", "x.wav", timeout=5))  # noqa: TID251
    await asyncio.sleep(0)
    node.finish(A, "FILE PLAYED", {"playback_ms": "10"})
    ended = await waiting
    assert (ended.response, ended.variables["playback_ms"]) == ("FILE PLAYED", "10")
    with pytest.raises(IndexError):
        node.finish(A)


async def test_a_leg_that_hangs_up_is_gone() -> None:
    node = FakeNode()
    node.legs[A] = {}
    waiting = asyncio.ensure_future(node.execute(A, "playback", "x.wav", timeout=5))  # noqa: TID251
    await asyncio.sleep(0)
    node.hang_up(A, "USER_BUSY")
    with pytest.raises(LegGoneError):
        await waiting
    assert not await node.exists(A)
    with pytest.raises(LegGoneError):
        await node.start(A, "playback", "x.wav")


async def test_nodes_are_found_by_their_name() -> None:
    switches = FakeSwitches(FakeNode("n1"), FakeNode("n2"))
    assert switches.node(NodeId("n2")).node_id == "n2"
    with pytest.raises(NotFound):
        switches.node(NodeId("n3"))
