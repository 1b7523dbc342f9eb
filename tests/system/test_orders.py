"""Agents order for callers who hang up at every step; the books balance, nothing that was keyed or ordered is left anywhere."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from ipcc.bus import BEGINNING
from ipcc.cli.journeys import CARDS
from ipcc.cli.plan import DEMO_ORGANISATION, Plan
from ipcc.cli.stage import Stage
from ipcc.cli.suite import Suite, running_suite
from ipcc.clock import SystemClock
from ipcc.contracts.topics import TOPICS
from ipcc.logging import configure_logging
from ipcc.sim.people import Keys, PhoneScript
from tests.support.until import until
from tests.system.callers import caller, wants_agent
from tests.system.eavesdropper import Eavesdropper, eavesdropping
from tests.system.secrecy import keys_told, planted, planted_in_files, planted_in_frames

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

AGENT = "1001"
CARD, PIN = CARDS["1001"]
# the target of the transfer is planted, too: another customer's card
TARGET = CARDS["1002"][0]
ORDER = {"flow": "agent-transfer", "inputs": {"to_account": TARGET, "amount": 47113}}
STEPS = {
    "who.ask": (),
    "consent": ("card", "pin"),
    "do.pin": ("card", "pin", "agree"),
    "receipt.offer": ("card", "pin", "agree", "pin again"),
}


def keys(*wanted: str) -> tuple[Keys, ...]:
    """What the customer keys in the flow."""
    known: Mapping[str, Keys] = {
        "card": Keys(CARD + "#", prompt="enter-any-number", after_s=0.3, gap_s=0.06),
        "pin": Keys(PIN + "#", prompt="enter-pin", after_s=0.3, gap_s=0.06),
        "agree": Keys("1", prompt="order/agree", after_s=0.3),
        "pin again": Keys(PIN + "#", prompt="enter-pin", nth=2, after_s=0.3, gap_s=0.06),
        "no receipt": Keys("2", prompt="receipt-offer", after_s=0.3),
    }
    return tuple(known[name] for name in wanted)


@dataclass
class Counter:
    """The suite, with an agent who orders."""

    suite: Suite
    client: httpx.AsyncClient
    stage: Stage
    listener: Eavesdropper

    async def get(self, service: str, path: str) -> Any:
        answer = await self.client.get(self.suite.urls[service] + path)
        assert answer.is_success, answer.text
        return answer.json()

    async def talk(self, serial: int, *wanted: Keys) -> tuple[str, str]:
        """Somebody is joined to the agent: the ids of his call and of the agent's leg."""
        sim, ctiserver = self.suite.sim, self.suite.urls["ctiserver"]
        assert sim is not None
        await until(lambda: self._is_made_ready(ctiserver), 20, "the agent is ready")
        call = sim.place_call(caller(serial, *wants_agent(), *wanted)) or ""

        async def agent_leg() -> str:
            answer = await self.client.get(f"{ctiserver}/v1/calls/{call}")
            legs = answer.json()["legs"] if answer.is_success else []
            return next((leg["leg_id"] for leg in legs if leg["role"] == "agent" and leg["bridged_to"] == call), "")

        return call, await until(agent_leg, 30, "the agent talks to him")

    async def _is_made_ready(self, ctiserver: str) -> bool:
        await self.client.post(f"{ctiserver}/v1/agents/{AGENT}/wrap-up/end", json={"code": "done"})
        return (await self.client.post(f"{ctiserver}/v1/agents/{AGENT}/ready")).is_success

    async def order(self, leg: str, body: Mapping[str, Any] = ORDER) -> str:
        answer = await self.client.post(f"{self.suite.urls['ctiserver']}/v1/legs/{leg}/orders", json=body)
        assert answer.is_success, answer.text
        return str(answer.json()["session_id"])

    async def over(self, leg: str) -> dict[str, Any]:
        async def ended() -> dict[str, Any] | None:
            found = await self.get("ctiserver", f"/v1/legs/{leg}/orders")
            return found[-1] if found and found[-1]["ended_at"] else None

        found = await until(ended, 60, "the order is over")
        assert found is not None
        return dict(found)

    async def proof(self) -> dict[str, int]:
        return dict(await self.get("bankcore", "/v1/stand-in/proof"))

    def hang_up(self, call: str) -> None:
        assert self.suite.sim is not None
        self.suite.sim.api("sim_hangup", call)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def counter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    folder = tmp_path_factory.mktemp("orders")
    plan = Plan(var=folder / "var", organisation=DEMO_ORGANISATION, any_ports=True, log_level="DEBUG")
    plan.var.mkdir()
    with (plan.var / "ipcc.log").open("w", encoding="utf-8") as log:
        configure_logging("DEBUG", "json", log)
        async with (
            running_suite(plan) as suite,
            suite.client() as client,
            eavesdropping(suite.switches[0], suite.plan.esl_password) as listener,
        ):
            stage = Stage(suite, client, SystemClock())
            await stage.prepare((AGENT,))
            assert suite.sim is not None
            suite.sim.set_phone(PhoneScript(AGENT, answer_after_s=0.2))
            yield Counter(suite, client, stage, listener)
    configure_logging("WARNING", "auto")


async def test_an_order_is_carried_out_and_told_and_the_books_balance(counter: Counter) -> None:
    before = await counter.proof()
    call, leg = await counter.talk(301, *keys("card", "pin", "agree", "pin again", "no receipt"))
    session = await counter.order(leg)
    found = await counter.over(leg)
    assert (found["outcome"], found["movement"], found["consents"]) == ("done", "ok", {"transfer": "agreed"})
    assert found["results"]["moved"] == "471.13"
    after = await counter.proof()
    assert (after["balanced"], after["bookings"]) == (True, before["bookings"] + 1)
    trace = await counter.get("ivr", f"/v1/sessions/{session}/trace")
    assert ("consent", "transfer agreed") in [(step["what"], step["outcome"]) for step in trace["steps"]]

    async def audited() -> list[dict[str, Any]]:
        acts = (await counter.get("admin", "/v1/audit"))["items"]
        return [act for act in acts if act["action"] == "order" and act["id"] == call]

    (act,) = await until(audited, 20, "the order is audited")
    assert TARGET not in str(act)
    assert TARGET[-4:] in str(act)
    counter.hang_up(call)


@pytest.mark.parametrize("step", STEPS)
async def test_a_caller_who_hangs_up_at_a_step_has_moved_what_he_agreed_to_and_proved_and_nothing_else(
    step: str, counter: Counter
) -> None:
    before = await counter.proof()
    call, leg = await counter.talk(310 + list(STEPS).index(step), *keys(*STEPS[step]))
    await counter.order(leg)

    async def stands_there() -> bool:
        answer = await counter.client.get(f"{counter.suite.urls['ivr']}/v1/sessions/{call}")
        return answer.is_success and answer.json()["at"] == step

    await until(stands_there, 60, f"he comes to {step}")
    counter.hang_up(call)
    found = await counter.over(leg)
    is_booked = step == "receipt.offer"
    assert (found["outcome"], found["movement"]) == ("hung_up", "ok" if is_booked else "")
    after = await counter.proof()
    assert (after["balanced"], after["bookings"]) == (True, before["bookings"] + is_booked)


async def test_nothing_keyed_and_nothing_ordered_is_in_a_topic_log_table_file_metric_or_event(counter: Counter) -> None:
    # the calls before have left what they leave; a search that finds nothing must be one that could
    assert planted(f'{{"to_account": "{TARGET}"}}'.encode()) == [TARGET]
    bus = counter.suite.parts.bus(counter.suite.services[0].settings)
    await bus.start()
    topics: dict[str, bytes] = {}
    for topic in TOPICS:
        async with bus.replay(topic.name, BEGINNING) as past:
            topics[topic.name] = b"\n".join([repr((r.key, r.value, dict(r.headers))).encode() async for r in past])
    await bus.stop()
    assert b"consent_answered" in topics["ipcc.ivr.v1"]
    assert {name: found for name, text in topics.items() if (found := planted(text))} == {}
    # what was moved is told to the agent alone; the audit has what he ordered
    assert [name for name, text in topics.items() if _has(b"471.13", text)] == []
    assert [name for name, text in topics.items() if _has(b"47113", text)] == ["ipcc.audit.v1"]
    for name, url in counter.suite.urls.items():
        assert planted((await counter.client.get(f"{url}/metrics")).content) == [], name
    assert planted_in_files(Path(counter.suite.plan.var)) == []
    heard = counter.listener.frames()
    assert planted_in_frames(heard) == []
    assert keys_told(heard) == {}


def _has(number: bytes, text: bytes) -> bool:
    """Whether the number is there by itself: neither in an id nor in a part of a second."""
    return re.search(rb"(?<![0-9A-Fa-f.])" + re.escape(number) + rb"(?![0-9A-Fa-f])", text) is not None
