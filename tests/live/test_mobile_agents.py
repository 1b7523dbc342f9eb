"""An agent at a number outside: rung through the gateway, joined to the caller only when he has pressed the key he is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from ipcc.cli.plan import DEMO_ORGANISATION
from ipcc.sim.people import PhoneScript
from tests.live.bench import Bench
from tests.live.conftest import SWITCHES, stand
from tests.live.people import End
from tests.support.until import until

MOBILE = "13900009991"


@pytest.fixture(params=SWITCHES)
async def bench(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    """The switch with a suite that asks agents outside for the key 1."""
    monkeypatch.setenv("IPCC_ACD__CONFIRM_KEY", "1")
    organisation = yaml.safe_load(DEMO_ORGANISATION.read_text(encoding="utf-8"))
    organisation["users"][0] |= {"outside": "own", "mobile": MOBILE}
    path = tmp_path / "organisation.yaml"
    path.write_text(yaml.safe_dump(organisation, allow_unicode=True), encoding="utf-8")
    async with stand(request.param, tmp_path) as made:
        made.plan = replace(made.plan, organisation=path)
        async with made.served():
            yield made


async def sign_in(bench: Bench) -> None:
    """Agent 1001 is at his mobile."""
    body = {"number": MOBILE, "ready": True}

    async def is_in() -> bool:
        return (await bench.try_post("ctiserver", "/v1/agents/1001/sign-in", body)).is_success

    await until(is_in, 15, "signed in at his mobile")


async def test_he_is_joined_when_he_has_pressed_the_key_and_not_before(bench: Bench) -> None:
    mobile = await bench.people.far_end()
    mobile.behave(PhoneScript("", answer_after_s=0.5))
    await sign_in(bench)
    call = await bench.call_for_agent()
    await until(lambda: mobile.lines and mobile.lines[0].is_answered, 20, "his mobile is answered")
    await until(lambda: bench.ear.heard("CHANNEL_ANSWER", Call_Direction="outbound"), what="the switch heard of it")
    assert not bench.ear.heard("CHANNEL_BRIDGE", call.id)
    assert await bench.state_of("1001") != "talking"
    await mobile.lines[0].press("1")
    await bench.until_state("1001", "talking")
    await until(lambda: bench.ear.heard("CHANNEL_BRIDGE", call.id), what="they are joined")
    await call.line.hang_up()
    await until(lambda: mobile.lines[0].end is End.BYE, what="his mobile is hung up")
    await bench.until_empty()


async def test_a_voicemail_that_answers_gets_no_caller(bench: Bench) -> None:
    mobile = await bench.people.far_end()
    mobile.behave(PhoneScript("", answer_after_s=0.2))
    await sign_in(bench)
    call = await bench.call_for_agent()
    await until(lambda: mobile.lines and mobile.lines[0].is_answered, 20, "it is answered")
    await until(lambda: mobile.lines[0].end is End.BYE, 30, "it is hung up when no key was pressed")
    assert not bench.ear.heard("CHANNEL_BRIDGE", call.id)
    await bench.until_state("1001", "not_ready")
    await call.line.hang_up()
    await bench.until_empty()
