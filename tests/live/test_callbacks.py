"""Callback in queue: agent first and customer first, a customer who is busy or does not answer, and an agent at a mobile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ipcc.cli.plan import DEMO_ORGANISATION
from ipcc.sim.people import PhoneScript
from tests.live.bench import Bench
from tests.live.conftest import SWITCHES, stand
from tests.live.people import End, Heard
from tests.support.until import until

CUSTOMER = "13800009990"
RULES = {"not_before": "00:00", "not_after": "24:00", "pause_s": 1, "ring_s": 5, "tries": 2}


@pytest.fixture(params=SWITCHES)
async def switch(request: pytest.FixtureRequest) -> str:
    """Which switch."""
    return str(request.param)


@pytest.fixture(params=["agent", "customer"])
async def bench(switch: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """The switch with a suite whose queue calls back, agent first or customer first."""
    organisation = yaml.safe_load(DEMO_ORGANISATION.read_text(encoding="utf-8"))
    organisation["queues"][0]["callback"] = {**RULES, "first": request.param}
    path = tmp_path / "organisation.yaml"
    path.write_text(yaml.safe_dump(organisation, allow_unicode=True), encoding="utf-8")
    async with stand(switch, tmp_path) as made:
        made.plan = replace(made.plan, organisation=path)
        async with made.served():
            yield made


async def want(bench: Bench) -> str:
    """The customer asks over the web to be called back; his entry."""
    answer = await bench.post("acd", "/v1/callbacks", {"queue_id": "retail", "phone_number": CUSTOMER})
    return str(answer.json()["entry_id"])


async def tries(bench: Bench) -> list[tuple[int, int]]:
    """Of every customer who waits: his position, and how often he was tried."""
    found: list[dict[str, Any]] = await bench.get("acd", "/v1/callbacks") or []
    return [(one["position"], one["tries"]) for one in found]


async def test_the_customer_is_called_back_and_talks_to_the_agent(bench: Bench) -> None:
    customer = await bench.people.far_end()
    customer.behave(PhoneScript("", answer_after_s=0.5))
    await want(bench)
    assert await tries(bench) == [(1, 0)]
    agent = await bench.agent("1001", PhoneScript("1001", answer_after_s=0.3))
    await until(lambda: customer.lines and customer.lines[0].is_answered, 20, "the customer answers")
    await until(lambda: agent.lines and agent.lines[0].is_answered, 20, "the agent answers")
    await bench.until_state("1001", "talking")
    await until(lambda: heard(agent.lines[0], Heard.CALLER, Heard.SOUND), what="the agent hears the customer")
    await agent.lines[0].hang_up()
    await until(lambda: customer.lines[0].end is End.BYE, what="the customer's phone is hung up")
    await bench.until_empty()
    await until(lambda: is_done(bench), what="nobody waits to be called back")
    assert len(customer.lines) == 1


async def test_a_customer_who_is_busy_and_then_does_not_answer_is_given_up_after_his_tries(bench: Bench) -> None:
    customer = await bench.people.far_end()
    customer.behave(PhoneScript("", refuse=486))
    await want(bench)
    agent = await bench.agent("1001", PhoneScript("1001", answer_after_s=0.3))
    await until(lambda: customer.lines and customer.lines[0].end is End.REFUSED, 20, "he is busy")
    customer.behave(PhoneScript("", answer_after_s=None))
    await until(lambda: len(customer.lines) == 2 and customer.lines[1].end is End.CANCELLED, 30, "nobody answers")
    await until(lambda: is_done(bench), 20, "he is given up")
    await bench.until_empty()
    assert all(line.end for line in agent.lines)
    await bench.until_state("1001", "ready")


async def heard(line: Any, *what: Heard) -> bool:
    return await line.hear() in what


async def is_done(bench: Bench) -> bool:
    return await tries(bench) == []
