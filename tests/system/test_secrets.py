"""Nothing keyed as a card, PIN or card security code is found anywhere; a caller's name is shown as it is and commands nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect

from bankcore.demo import demo_customers
from ipcc.bus import BEGINNING
from ipcc.cli.journeys import AGENT, ANSWERED, HOSTILE_NAME, Journey, Scene, scenes
from ipcc.cli.plan import DEMO_ORGANISATION, Plan
from ipcc.cli.stage import Stage
from ipcc.cli.suite import Suite, running_suite
from ipcc.cli.verdict import Result
from ipcc.clock import SystemClock
from ipcc.contracts.topics import TOPICS
from ipcc.logging import configure_logging
from ipcc.sim.people import Keys, PhoneScript
from ipcc.tasks import Tasks
from tests.system.callers import caller
from tests.system.eavesdropper import Eavesdropper, eavesdropping
from tests.system.secrecy import keys_told, planted, planted_in_files, planted_in_frames
from tests.traces import frames

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

# names as telephones send them, and as they are shown: only ``${`` is told otherwise, which the switch itself disarms
NAMES = {
    HOSTILE_NAME: HOSTILE_NAME,
    "%0A%0Aapi hupall NORMAL_CLEARING%0A%0A": "%0A%0Aapi hupall NORMAL_CLEARING%0A%0A",
    "'}{origination_uuid=1,ipcc_agent_id=1002}[x]": "'}{origination_uuid=1,ipcc_agent_id=1002}[x]",
    'Wang: "Hu\\, Jr." <sip:x@y>;tag=1^^|a=b ${hangup()}': 'Wang: "Hu\\, Jr." <sip:x@y>;tag=1^^|a=b %{hangup()}',
    "客服测试 & 李小龙!": "客服测试 & 李小龙!",
}
SPEAKERS = ("1001", "1002")


@dataclass
class Run:
    """All that was left behind by the calls."""

    folder: Path
    results: list[Result] = field(default_factory=list)
    heard: list[frames.Frame] = field(default_factory=list)
    topics: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, bytes] = field(default_factory=dict)
    desktop: list[dict[str, Any]] = field(default_factory=list)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def run(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Run]:
    """Eight calls that key cards, PINs and a card security code, five with names made to harm; everything they leave behind."""
    found = Run(tmp_path_factory.mktemp("secrets"))
    plan = Plan(var=found.folder / "var", organisation=DEMO_ORGANISATION, any_ports=True, log_level="DEBUG")
    plan.var.mkdir()
    with (plan.var / "ipcc.log").open("w", encoding="utf-8") as log:
        configure_logging("DEBUG", "json", log)
        async with running_suite(plan) as suite:
            await _play(suite, found)
    configure_logging("WARNING", "auto")
    yield found


async def _play(suite: Suite, found: Run) -> None:
    async with (
        suite.client() as client,
        eavesdropping(suite.switches[0], suite.plan.esl_password) as listener,
    ):
        stage = Stage(suite, client, SystemClock())
        await stage.prepare(SPEAKERS)
        watching = Tasks()
        for agent in SPEAKERS:
            watching.once(f"desktop {agent}", _watch(suite, agent, found.desktop))
        plays = (stage.play(scene, found.results.append) for scene in (scenes()[0], _names()))
        await asyncio.gather(*plays)
        await _ask_everything(suite, found, listener)
        await watching.stop()
    found.heard = listener.frames()


def _names() -> Scene:
    wanted = scenes()[1].journeys[2]
    balance = replace(wanted, caller=replace(wanted.caller, number="13800000109"))
    named = [
        Journey(f"name {name}", caller(200 + number, AGENT, name=name, talk_s=0.5), ANSWERED)
        for number, name in enumerate(NAMES)
    ]
    phones = tuple(PhoneScript(agent, answer_after_s=0.3) for agent in SPEAKERS)
    return Scene((balance, _payment(), *named), SPEAKERS, phones)


def _payment() -> Journey:
    """Pays a merchant with a card that bears a security code, then asks for an agent, whose desktop and recording are searched, too."""
    customer = demo_customers()[0]
    keys = (
        Keys("1", prompt="choose-language", after_s=0.3),
        Keys("5", prompt="main-menu", after_s=0.3),
        Keys(customer.card_no + "#", prompt="enter-any-number", after_s=0.3, gap_s=0.06),
        Keys(customer.pin + "#", prompt="enter-pin", after_s=0.3, gap_s=0.06),
        Keys("7", prompt="bill-menu", after_s=0.3),
        Keys("100200#", prompt="enter-merchant", after_s=0.3, gap_s=0.06),
        Keys("12*34#", prompt="enter-amount", after_s=0.3, gap_s=0.06),
        Keys("1", prompt="confirm", after_s=0.3),
        Keys(customer.cvv + "#", prompt="enter-cvv", after_s=0.3, gap_s=0.06),
        Keys(customer.pin + "#", prompt="enter-pin", nth=2, after_s=0.3, gap_s=0.06),
        Keys("2", prompt="receipt-offer", after_s=0.3),
        Keys("0", prompt="more", after_s=0.3),
    )
    paid = (("identify", "ok"), ("verify_pin", "ok"), ("pay_merchant", "ok"))
    expected = replace(ANSWERED, bank=paid)
    return Journey("pays with a security code", caller(220, *keys, talk_s=0.5), expected)


async def _watch(suite: Suite, agent: str, told: list[dict[str, Any]]) -> None:
    address = suite.urls["ctiserver"].replace("http", "ws", 1) + f"/v1/agents/{agent}/events"
    async with connect(address, additional_headers={"Authorization": f"Bearer {suite.token}"}) as socket:
        async for text in socket:
            told += [json.loads(text)]


async def _ask_everything(suite: Suite, found: Run, listener: Eavesdropper) -> None:
    listener.say("api show channels as json")
    async with suite.client() as client:
        for name, url in suite.urls.items():
            found.answers[f"{name} metrics"] = (await client.get(f"{url}/metrics")).content
        since = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
        for path in ("/v1/calls", *(f"/v1/calls/{result.call_id}" for result in found.results)):
            found.answers[f"report {path}"] = (await client.get(suite.urls["report"] + path, params=since)).content
        found.answers["board"] = (await client.get(suite.urls["monitor"] + "/v1/board")).content
        found.answers["sessions"] = (await client.get(suite.urls["ivr"] + "/v1/sessions")).content
    bus = suite.parts.bus(suite.services[0].settings)
    await bus.start()
    for topic in TOPICS:
        async with bus.replay(topic.name, BEGINNING) as past:
            records = [repr((r.key, r.value, dict(r.headers))).encode() async for r in past]
        found.topics[topic.name] = b"\n".join(records)
    await bus.stop()


async def test_the_calls_that_planted_the_numbers_came_out_right(run: Run) -> None:
    # what the name must look like is another test's business
    wrong = {r.title: [p for p in r.problems if not p.startswith("caller's name")] for r in run.results}
    assert {title: problems for title, problems in wrong.items() if problems} == {}
    assert len(run.results) == 13
    # a search that finds nothing must be one that could have found something
    assert b"verify_pin" in run.topics["ipcc.ivr.v1"]
    assert planted(b'{"pin": "246810"}') == ["246810"]
    assert b"pay_merchant" in run.topics["ipcc.ivr.v1"]
    assert planted(b'{"cvv": "9071"}') == planted(b"cvv=9071 x") == planted(b"variable_cvv: 9071\nx") == ["9071"]
    assert planted(b'{"ms":9071,"port":"127.0.0.1:9071","id":"a9071"}') == []
    assert planted(b"at 2026-01-01T00:00:00.246810Z took 0.246810 s, 00246810-ab") == []


async def test_no_topic_holds_a_card_a_pin_or_a_security_code(run: Run) -> None:
    assert {name: found for name, text in run.topics.items() if (found := planted(text))} == {}


async def test_no_log_table_or_file_holds_a_card_a_pin_or_a_security_code(run: Run) -> None:
    assert "session_resumed" not in (run.folder / "var" / "ipcc.log").read_text(encoding="utf-8")
    assert planted_in_files(run.folder) == []


async def test_no_answer_or_metric_holds_a_card_a_pin_or_a_security_code(run: Run) -> None:
    assert {name: found for name, text in run.answers.items() if (found := planted(text))} == {}
    assert planted(json.dumps(run.desktop).encode()) == []


async def test_another_listener_on_the_switch_sees_no_card_no_pin_and_no_security_code(run: Run) -> None:
    assert any(frame.is_event and frames.event_of(frame).name == "CHANNEL_ANSWER" for frame in run.heard)
    assert planted_in_frames(run.heard) == []
    assert keys_told(run.heard) == {}


async def test_a_name_is_shown_as_it_is_everywhere(run: Run) -> None:
    shown = {message["data"]["caller_name"] for message in run.desktop if message["type"] == "offer.made"}
    assert set(NAMES.values()) <= shown
    reported = {result.report_row["caller_name"] for result in run.results}
    assert set(NAMES.values()) <= reported


async def test_a_name_becomes_no_header_and_no_command(run: Run) -> None:
    events = [frames.event_of(frame) for frame in run.heard if frame.is_event]
    assert {e.get("Hangup-Cause") for e in events} & {"FORGED", " FORGED"} == set()
    assert not any(e.get("Unique-ID") == "1" or e.get("API-Command") == "hupall" for e in events)
    causes = {r.report_row["cause"] for r in run.results if r.title.startswith("name ")}
    assert causes == {"NORMAL_CLEARING"}
