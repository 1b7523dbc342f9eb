"""Callers who hang up in the middle of each kind of node: the session ends in a stated way, nothing is left; who is told what they
had keyed is known exactly."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ipcc.sim.people import PhoneScript
from services.ivr.core.flow import Flow
from tests.live.bench import Arrival, Bench
from tests.live.conftest import SWITCHES, stand
from tests.live.kinds import Middle, middles, number_of, plan_of
from tests.live.people import End
from tests.live.test_main_path import CARD, PIN
from tests.support.until import until

KEYED = PIN[:-1]
SECRET = re.compile(rf"(?<![0-9a-fA-F]){KEYED}|{CARD}|{CARD[:12]}|{CARD[4:]}")
# a document cannot be asked for by a caller at a telephone without a fax machine; an order by text message is over at once;
# whoever asks to be called back hangs up by his own wish: tests/live/test_callbacks.py; nobody stands at an error, it is passed in no time
ELSEWHERE = {"fax", "sms", "callback", "error"}
LONG_MS = 5_000
# the main menu takes 25 s to say, and who is listened to is so after it
LONGEST_PROMPT_S = 40
LAST_EVENTS = (
    "CHANNEL_EXECUTE_COMPLETE play_and_get_digits",
    "CHANNEL_UNPARK ",
    "CHANNEL_EXECUTE_COMPLETE park",
    "CHANNEL_HANGUP_COMPLETE ",
    "CHANNEL_DESTROY ",
)


def test_every_kind_of_node_has_a_caller_who_hangs_up_there() -> None:
    union = Flow.model_json_schema()["properties"]["nodes"]["additionalProperties"]["discriminator"]["mapping"]
    assert {middle.kind for middle in middles(PIN)} | ELSEWHERE == set(union)


@pytest.fixture(params=SWITCHES)
async def bench(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    """The switch with a suite whose flows are those of ``kinds.py``, and another system that takes its time."""
    async with slow_system() as address:
        # nobody stays on the line until it would be asked
        monkeypatch.setenv("IPCC_IVR__RECOGNISER_URL", "ws://127.0.0.1:1")
        monkeypatch.setenv("IPCC_IVR__HTTP_SERVICES", json.dumps({"slow": address}))
        async with stand(request.param, tmp_path) as made:
            made.plan = plan_of(made.plan, tmp_path, middles(PIN))
            async with made.served():
                yield made


@asynccontextmanager
async def slow_system() -> AsyncIterator[str]:
    """Takes every request and answers none until it is closed."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        over.set()
        server.close()


async def test_whoever_hangs_up_in_the_middle_of_a_node_leaves_nothing_behind(bench: Bench) -> None:
    assert bench.suite
    fault = {"mode": "slow", "operation": "balance", "delay_ms": LONG_MS}
    (await bench.client.put(f"{bench.suite.urls['bankcore']}/v1/stand-in/fault", json=fault)).raise_for_status()
    rung = await bench.people.phone("1006")
    rung.behave(PhoneScript("1006", answer_after_s=None))
    await rung.register()
    everybody = middles(PIN)
    ends = await asyncio.gather(*(walk(bench, number_of(at), middle) for at, middle in enumerate(everybody)))
    await until(lambda: rung.lines and rung.lines[0].end is End.CANCELLED, what="the phone stops ringing")
    await bench.until_empty()

    wrong = {middle.kind: end for middle, end in zip(everybody, ends, strict=True) if end not in middle.outcomes}
    assert wrong == {}
    told = {
        f"{event.name} {event.get('Application')} {name}"
        for event in bench.ear.events
        for name, value in {**event.headers(), "body": event.body}.items()
        if SECRET.search(value)
    }
    # the result is the one way out of the switch; of who hangs up half way the last events of his leg tell it as well, and no
    # way was found to keep the switch from it (freeswitch/README.md): no other event, variable or leg may
    assert told == {f"{event} variable_ipcc_digits" for event in LAST_EVENTS}
    assert [path.name for path in bench.plan.spool_dir.rglob("*") if path.is_file() and is_secret(path)] == []
    assert [path.name for path in bench.plan.spool_dir.rglob("utterances/*")] == []


def is_secret(path: Path) -> bool:
    return bool(SECRET.search(path.name) or SECRET.search(path.read_bytes().decode("latin-1")))


async def walk(bench: Bench, number: str, middle: Middle) -> str:
    """Call, come to the middle of the node, hang up there; how the session ended."""
    call = await bench.call(dialled=number)
    if middle.kind == "bank" or middle.kind == "identify":
        await bench.prompted(call, "enter-card")
        await call.line.press(CARD + "#")
    if middle.kind == "survey":
        await bench.prompted(call, "rate-service")
        await call.line.press("3")
    if middle.kind == "hang_up":
        await bench.prompted(call, "welcome")
        # the moment in which the flow hangs up as well
        await until(lambda: bench.ear.heard("PLAYBACK_STOP", call.id), 20, "the end of the prompt")
    elif middle.prompt:
        await bench.prompted(call, middle.prompt)
    else:
        await bench.until_path(call, "mid")
    await do(bench, call, middle)
    await call.line.hang_up()

    async def over() -> list[dict[str, Any]]:
        sessions = (await bench.journey(call))["sessions"]
        return [session for session in sessions if session["ended_at"]]

    [session] = await until(over, 30, f"the session in {middle.kind} is over")
    return str(session["outcome"])


async def do(bench: Bench, call: Arrival, middle: Middle) -> None:
    """What is under way when he hangs up."""
    if middle.keys:
        await call.line.press(middle.keys)
    if middle.application == "ring":
        await until(lambda: bench.ear.heard("CHANNEL_PROGRESS", Call_Direction="outbound"), what="the phone rings")
    elif middle.application:
        executing: dict[str, Any] = {"Application": middle.application}
        await until(
            lambda: bench.ear.heard("CHANNEL_EXECUTE", call.id, **executing), LONGEST_PROMPT_S, middle.application
        )
