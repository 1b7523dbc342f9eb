"""How long a caller hears nothing while others are asked for him: one silence, however many of them there are in a row."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bankcore.demo import demo_customers
from ipcc.clock import Clock
from services.ivr.core.actions import CallService, ServiceAnswer
from services.ivr.core.session import Session, begin
from services.ivr.ports import Surroundings
from services.ivr.runner import Runner
from services.ivr.synthesis import Speaker
from tests.component.ivr.machines import RandomSynthesizer
from tests.component.ivr.queue_at_hand import Ear
from tests.component.ivr.strollers import SOURCE, Stroller
from tests.support.fake_parts import LoopClock
from tests.unit.ivr.test_nodes import flow

pytestmark = pytest.mark.looptime


@dataclass
class SlowSystems:
    """Each answer takes so long."""

    clock: Clock
    seconds: float

    async def ask(self, wanted: CallService) -> ServiceAnswer:
        await self.clock.sleep(self.seconds)
        return ServiceAnswer("ok")


def asking(*names: str) -> dict[str, Any]:
    """One question after the other, and nothing said in between."""
    after = (*names[1:], "said")
    ways = {"on_refused": "said", "on_unavailable": "said"}
    nodes: dict[str, Any] = {
        name: {"kind": "http", "service": "points", "path": "/points", "timeout_s": 5, "next": following, **ways}
        for name, following in zip(names, after, strict=True)
    }
    return {**nodes, "said": {"kind": "play", "prompts": ["goodbye"], "next": "end"}}


@pytest.mark.parametrize("seconds", [0.4, 1.2, 4.0])
async def test_several_questions_in_a_row_are_one_silence_and_music_ends_it(seconds: float) -> None:
    clock, dice = LoopClock(SOURCE), random.Random(1)
    ear = Ear(clock)
    document = flow(asking("a", "b", "c"))
    speaker = Speaker(RandomSynthesizer(clock, dice), (), Path("no-spool"))
    line = Stroller(clock, dice, demo_customers()[0], document, ear, speaker)
    caller = Session("s", "c", "leg", "fs1", "95500", "13800000001", "", "zh", clock.now())
    unused: Any = None
    around = Surroundings(line, unused, unused, SlowSystems(clock, seconds), unused, unused, clock, lambda facts: None)
    began = asyncio.get_running_loop().time()
    await Runner(document, begin(document, caller, clock.now()), around).run()
    assert asyncio.get_running_loop().time() - began >= 3 * seconds
    assert 0 < ear.longest_s <= 1.6
