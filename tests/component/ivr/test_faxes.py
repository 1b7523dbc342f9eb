"""Faxes as the whole service sends them: the one on which a caller hangs up, and whose replica dies, arrives all the same."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ipcc.contracts.ivr import FaxDone, FaxOrdered, FaxStarted, SessionEnded
from ipcc.esl.commands import Originate, UuidKill
from services.ivr.fonts import find_font
from tests.component.ivr.world import World
from tests.support.fake_parts import LoopClock
from tests.support.until import until

pytestmark = pytest.mark.looptime
NUMBER, AMOUNT = "02160000001", "9876543210"
PAPER = {
    "title": {"en": "Entries"},
    "rows": "rows",
    "columns": [{"heading": {"en": "Date"}}, {"heading": {"en": "Amount"}, "is_number": True}],
}
FLOW: dict[str, Any] = {
    "id": "bank-main",
    "version": 1,
    "name": {"en": "Fax"},
    "languages": ["en"],
    "start": "number",
    "resume": "number",
    "nodes": {
        "number": {
            "kind": "collect",
            "prompts": ["enter-fax"],
            "variable": "number",
            "min_digits": 5,
            "max_digits": 20,
            "private": True,
            "next": "rows",
            "on_failure": "end",
        },
        "rows": {
            "kind": "collect",
            "prompts": ["enter-amount"],
            "variable": "rows",
            "min_digits": 5,
            "max_digits": 20,
            "private": True,
            "next": "fax",
            "on_failure": "end",
        },
        "fax": {
            "kind": "fax",
            "document": "entries",
            "paper": PAPER,
            "to": "number",
            "variable": "number",
            "prompts": ["fax-sending"],
            "attempts": 3,
            "pause_s": 30,
            "next": "end",
            "on_failure": "end",
            "on_refused": "end",
        },
        "end": {"kind": "hang_up"},
    },
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    found = World(tmp_path, clock=LoopClock())
    found.node.finish_at_once("playback", "FILE PLAYED")
    await found.open()
    yield found
    await found.close()


async def test_without_a_font_for_its_papers_it_serves_and_says_so_from_the_start(world: World) -> None:
    world.given = {"fax_font": "/nowhere/none.ttf"}
    async with world.replica() as replica:
        answer = await replica.http.get("/health/ready")
        assert "none.ttf: install a font" in answer.json()["warnings"]["fax font"]
        assert answer.json()["components"]["bus"]["status"] == "green"


@pytest.mark.skipif(find_font(None) is None, reason="needs Debian's fonts-wqy-microhei or fonts-noto-cjk")
async def test_a_font_in_its_known_place_is_enough(world: World) -> None:
    async with world.replica() as replica:
        assert "fax font" not in (await replica.http.get("/health/ready")).json().get("warnings", {})


@pytest.fixture
def small(world: World, tmp_path: Path) -> World:
    """A bank with one flow: a number, and a fax to it."""
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "flow.json").write_text(json.dumps(FLOW))
    world.given = {"flows_dir": flows}
    return world


async def order(world: World) -> str:
    """A caller who orders a fax; the id of his call."""
    call = await world.arrive()
    await world.key(call, NUMBER)
    await world.key(call, AMOUNT)
    return call


async def told(world: World, call: str) -> list[tuple[int, str, bool]]:
    return [(f.attempt, f.outcome, f.is_last) for f in await world.facts(call) if isinstance(f, FaxDone)]


async def sending(world: World, count: int) -> str:
    """The leg on which the switch sends for the so-manieth time."""
    found = await until(
        lambda: [r for r in world.node.executed if r.application == "txfax"][count - 1 :], 120, f"txfax {count}"
    )
    return str(found[0].leg_id)


def arrive(world: World, leg: str) -> None:
    result = {
        "fax-success": "1",
        "fax-result-code": "0",
        "fax-result-text": "OK",
        "fax-document-transferred-pages": "1",
    }
    world.node.say("CUSTOM", leg, {"Event-Subclass": "spandsp::txfaxresult", **result})
    world.node.finish(leg)


async def test_who_hangs_up_gets_his_fax_also_when_the_replica_dies_between_two_tries(small: World) -> None:
    world = small
    world.node.answer("originate", "-ERR USER_BUSY")
    async with world.replica("ivr-0") as first:
        call = await order(world)
        await until(lambda: world.node.told(Originate), what="dialled")
        await world.hang_up(call)
        assert await world.ended(call) == "hung_up"
        assert await told(world, call) == [(1, "busy", False)]
        await first.die()
    world.node.script.rules.clear()
    async with world.replica("ivr-1"):
        leg = await sending(world, 1)
        arrive(world, leg)

        async def is_told() -> bool:
            return len(await told(world, call)) == 2

        await until(is_told, what="told")
    assert await told(world, call) == [(1, "busy", False), (2, "sent", True)]
    facts = await world.facts(call)
    assert len([f for f in facts if isinstance(f, FaxOrdered)]) == 1
    assert [f.attempt for f in facts if isinstance(f, FaxStarted)] == [1, 2]
    # told after his end, and of the same call
    assert facts.index(next(f for f in facts if isinstance(f, SessionEnded))) < len(facts) - 2
    assert list((world.folder / "spool" / "fax" / "out").iterdir()) == []


async def test_a_replica_that_stops_in_good_order_leaves_the_fax_that_is_being_sent_to_the_next(small: World) -> None:
    world = small
    async with world.replica("ivr-0"):
        call = await order(world)
        leg = await sending(world, 1)
        await world.hang_up(call)
        await world.ended(call)
    assert world.node.told(UuidKill) == []
    async with world.replica("ivr-1"):
        arrive(world, leg)

        async def is_told() -> bool:
            return bool(await told(world, call))

        await until(is_told, 60, what="told")
    assert await told(world, call) == [(1, "sent", True)]
    assert len(world.node.told(Originate)) == 1


async def test_neither_what_is_faxed_nor_the_number_is_on_any_topic_or_in_a_log(
    small: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world = small
    world.node.answer("originate", "-ERR USER_BUSY")
    async with world.replica():
        call = await order(world)

        async def is_over() -> bool:
            return len(await told(world, call)) == 3

        await until(is_over, 300, what="all tries told")
    assert await told(world, call) == [(1, "busy", False), (2, "busy", False), (3, "busy", True)]
    everything = await world.everything() + "".join(capsys.readouterr()).encode()
    assert b"fax_done" in everything
    assert NUMBER.encode() not in everything
    assert AMOUNT.encode() not in everything
    assert list((world.folder / "spool" / "fax" / "out").iterdir()) == []
