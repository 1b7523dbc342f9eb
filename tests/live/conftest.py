"""Every scenario runs against the simulated switch, and against a real one when ``IPCC_LIVE_SWITCH`` names it: see ``real.py``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ipcc.cli.plan import ROOT, Plan
from ipcc.ids import NodeId
from ipcc.settings import SwitchAddress
from ipcc.sim.esl_server import EslServer, ServerSettings
from ipcc.sim.site import Site, engine_settings, make_spool, trunk
from ipcc.sim.switch import SimSwitch, SwitchOptions
from tests.live.bench import Bench
from tests.live.by_sip import SipPeople
from tests.live.ear import Ear
from tests.live.real import real_switch, site_of
from tests.live.simulated import SimPeople

SWITCHES = ("simulated", pytest.param("real", marks=pytest.mark.live))
PASSWORD = "a-password-of-tests"


@pytest.fixture(params=SWITCHES)
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """The switch with the suite serving it."""
    async with stand(request.param, tmp_path) as made, made.served():
        yield made


@pytest.fixture(params=SWITCHES)
async def unserved(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """The switch with no suite, its time passing ten times as fast where it can."""
    async with stand(request.param, tmp_path, speed=10) as made:
        yield made


@asynccontextmanager
async def stand(name: str, folder: Path, speed: float = 1.0) -> AsyncIterator[Bench]:
    """The switch of that name, its people and a witness; nothing is left on it afterwards."""
    made = _real(folder) if name == "real" else _simulated(folder, speed)
    async with made as bench:
        try:
            yield bench
        finally:
            await bench.people.close()
            await bench.until_empty()


@asynccontextmanager
async def _simulated(folder: Path, speed: float) -> AsyncIterator[Bench]:
    site = Site(
        conf=ROOT / "freeswitch" / "conf",
        prompts=ROOT / "freeswitch" / "sounds" / "prompts.yaml",
        spool=folder / "spool",
        sounds=folder / "sounds",
    )
    make_spool(site)
    switch = SimSwitch(engine_settings(site), SwitchOptions(speed=speed))
    server = EslServer(switch, ServerSettings(password=PASSWORD))
    await server.start("127.0.0.1", 0)
    await switch.start()
    host, port = server.address
    address = SwitchAddress(node_id=NodeId("sim1"), host=host, port=port)
    plan = Plan(folder, (address,), PASSWORD, spool=site.spool, sounds=str(site.sounds), any_ports=True)
    ear = Ear()
    try:
        await ear.open(address, PASSWORD)
        yield Bench("simulated", plan, SimPeople(switch, trunk(site)), ear)
    finally:
        await ear.close()
        await switch.stop()
        await server.close()


@asynccontextmanager
async def _real(folder: Path) -> AsyncIterator[Bench]:
    found = real_switch()
    if found is None:
        pytest.skip("IPCC_LIVE_SWITCH names no real switch")
    plan = Plan(folder, (found.address,), found.password, spool=found.spool, sounds=found.sounds, any_ports=True)
    ear = Ear()
    try:
        await ear.open(found.address, found.password)
        yield Bench("real", plan, SipPeople(await site_of(ear, found.phone_passwords)), ear)
    finally:
        await ear.close()
