"""A thousand callers walk random paths through all published flows, and the bank goes wrong in every way it can."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import bankcore.core.cards
from services.ivr.rehearsing import open_folder
from tests.component.ivr.machines import ENGINE
from tests.component.ivr.strollers import SOURCE, Stroll, judge
from tests.support.fake_parts import LoopClock

pytestmark = pytest.mark.looptime

CALLERS = 1_000


@pytest.fixture
async def stroll(monkeypatch: pytest.MonkeyPatch) -> Stroll:
    # a PIN checked in no time: not what is tried here
    monkeypatch.setattr(bankcore.core.cards, "_SCRYPT", {"n": 2, "r": 1, "p": 1, "dklen": 32})
    store = open_folder(Path("flows"), Path("freeswitch/sounds/prompts.yaml"))
    # what is asked of the bank alone is walked inside the flows that have found out what
    flows = [flow for flow in store.all() if not flow.id.startswith("do-")]
    return Stroll(flows, LoopClock(SOURCE), random.Random(20261123))


async def test_every_session_ends_in_a_stated_way_nobody_sits_in_silence_and_the_books_balance(stroll: Stroll) -> None:
    walked = await stroll.walk_all(CALLERS)
    figures = judge(stroll, walked)
    # every flow was walked, and the callers have moved money in many ways
    assert {one.flow for one in walked} == {flow.id for flow in stroll.flows}
    assert figures["kinds of movement booked"] >= 6
    # every kind of node there is in the flows was come to, but that for flows that are wrong; and some are called back
    assert set(figures["kinds of node"]) >= {n.kind for flow in stroll.flows for n in flow.nodes.values()} - {"error"}
    assert figures["called back"] > 0
    # what callers say was understood, asked back, not understood, lost; and their texts were made in time, late and not at all
    ways = {"said", "key", "no match", "no input", "unavailable"}
    assert set(figures["spoken"]) >= ways
    assert figures["asked back"] > 0
    assert set(figures["asked the engine"]) == set(ENGINE)
    assert set(figures["texts"]) == {"quick", "slow", "failed"}
    assert set(figures["movements"]) == {"ok", "refused", "unavailable", "unknown"}
