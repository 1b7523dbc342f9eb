"""A caller who says what he wants, on the switch: what it has recorded of him reaches the recogniser, his keys count, nothing is left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.component.ivr.engine_at_hand import Engine, engine
from tests.live.bench import Arrival, Bench
from tests.live.conftest import SWITCHES, stand
from tests.live.kinds import SPOKEN, Middle, failing, number_of, plan_of
from tests.support.until import until

CHOICES = {name: {**choice, "next": "after"} for name, choice in SPOKEN.items()}
NODE = {"prompts": ["main-menu"], "choices": CHOICES} | failing("end", "on_unavailable", "on_failure")


@pytest.fixture
async def at_hand() -> AsyncIterator[Engine]:
    async with engine() as found:
        yield found


@pytest.fixture(params=SWITCHES)
async def bench(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_hand: Engine
) -> AsyncIterator[Bench]:
    monkeypatch.setenv("IPCC_IVR__RECOGNISER_URL", at_hand.url)
    async with stand(request.param, tmp_path) as made:
        made.plan = plan_of(made.plan, tmp_path, (Middle("recognise", NODE),))
        async with made.served():
            yield made


async def asked(bench: Bench) -> Arrival:
    """A caller who has been told that he may speak."""
    call = await bench.call(dialled=number_of(0))
    await bench.prompted(call, "main-menu")
    await until(lambda: bench.ear.heard("CHANNEL_EXECUTE", call.id, Application="record"), 30, "he is listened to")
    return call


async def until_over(bench: Bench, call: Arrival) -> None:
    async def over() -> list[dict[str, Any]]:
        return [session for session in (await bench.journey(call))["sessions"] if session["ended_at"]]

    await until(over, 30, "the session is over")


def left_behind(bench: Bench) -> list[str]:
    return [path.name for path in bench.plan.spool_dir.rglob("utterances/*")]


async def test_what_the_switch_recorded_reaches_the_recogniser_and_leads_on(bench: Bench, at_hand: Engine) -> None:
    call = await asked(bench)
    # he speaks for a second: whoever listens takes half of one
    for _ in range(2):
        await call.line.hear()
    await call.line.press("#")
    await bench.prompted(call, "welcome")
    await until_over(bench, call)
    [given] = at_hand.given
    [ended] = bench.ear.heard("CHANNEL_EXECUTE_COMPLETE", call.id, Application="record")
    assert given.is_whole
    assert given.config["sample_rate"] == 8000
    # the switch counts in milliseconds
    assert abs(len(given.samples) // 2 - int(ended.get("variable_record_samples"))) <= 8
    assert left_behind(bench) == []


async def test_a_key_while_he_is_listened_to_chooses_and_nothing_is_sent(bench: Bench, at_hand: Engine) -> None:
    call = await asked(bench)
    await call.line.press("5")
    await bench.prompted(call, "welcome")
    await until_over(bench, call)
    assert at_hand.given == []
    assert left_behind(bench) == []
