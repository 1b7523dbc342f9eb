"""Everything running in this process: simulated switch, stand-in bank core and the eight services, each where the plan says so."""

from __future__ import annotations

import importlib
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import yaml

from bankcore.app import build as build_bankcore
from bankcore.settings import BankSettings
from ipcc.auth.principal import Role
from ipcc.auth.tokens import issue_development_token
from ipcc.cli.plan import ROOT, SERVICES, Plan, settings_of
from ipcc.clock import SystemClock
from ipcc.http.server import serving
from ipcc.http.service import Service
from ipcc.ids import NodeId
from ipcc.parts import Parts
from ipcc.settings import ServiceSettings, SwitchAddress, load
from ipcc.sim.esl_server import EslServer, ServerSettings
from ipcc.sim.site import Site, engine_settings, make_spool
from ipcc.sim.switch import SimSwitch

SIMULATED_NODE = NodeId("sim1")


def module_of(service: str, name: str) -> Any:
    """A module of a service, by name: the one way in which ``ipcc`` knows a service."""
    return importlib.import_module(f"services.{service}.{name}")


@dataclass
class Suite:
    """What runs, and the ways to it. ``sim`` is None when a real switch is used."""

    plan: Plan
    urls: dict[str, str] = field(default_factory=dict)
    token: str = ""
    sim: SimSwitch | None = None
    switches: tuple[SwitchAddress, ...] = ()
    services: list[Service] = field(default_factory=list)
    parts: Parts = field(default_factory=Parts)

    def client(self) -> httpx.AsyncClient:
        """An HTTP client that is let in everywhere."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return httpx.AsyncClient(headers=headers, timeout=10)

    def token_of(self, user: str, *roles: Role) -> str:
        """What lets one user in; empty where nobody needs any."""
        if not self.token:
            return ""
        return issue_development_token(self.services[0].settings, SystemClock(), user, roles)

    @property
    def wallboard(self) -> str:
        """The address of the wallboard, token included."""
        return f"{self.urls['monitor']}/wallboard" + (f"#token={self.token}" if self.token else "")


def simulated_site(plan: Plan) -> Site:
    """The site of the simulated switch."""
    return Site(
        conf=ROOT / "freeswitch" / "conf",
        prompts=ROOT / "freeswitch" / "sounds" / "prompts.yaml",
        spool=plan.spool_dir,
        sounds=(plan.var / "sounds").resolve(),
        phones=tuple(sorted({*Site.phones, *_phones_of(plan.organisation)})),
    )


def _phones_of(organisation: Path) -> list[str]:
    """The phones of the organisation, which its switch lets register; none when it cannot be read: admin says why."""
    try:
        document = yaml.safe_load(organisation.read_text(encoding="utf-8"))
        return [str(phone["id"]) for phone in document.get("phones") or []]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, TypeError, KeyError):
        return []


@asynccontextmanager
async def simulated_switch(
    plan: Plan, host: str = "127.0.0.1", port: int = 0, password: str = ""
) -> AsyncIterator[tuple[SimSwitch, SwitchAddress, str]]:
    """A simulated switch and its event socket: the switch, its address, its password."""
    password = password or secrets.token_hex(12)
    site = simulated_site(plan)
    make_spool(site)
    # uuids of its own, as every start of a real switch has: what a bus or a database remembers must meet no namesake
    switch = SimSwitch(replace(engine_settings(site), seed=secrets.randbits(64)))
    server = EslServer(switch, ServerSettings(password=password))
    await server.start(host, port)
    await switch.start()
    try:
        found_host, found_port = server.address
        yield switch, SwitchAddress(node_id=SIMULATED_NODE, host=found_host, port=found_port), password
    finally:
        await switch.stop()
        await server.close()


@asynccontextmanager
async def running_suite(plan: Plan) -> AsyncIterator[Suite]:
    """Everything of ``plan``, started in order and stopped in reverse. Raises Invalid naming what is wrong."""
    clock = SystemClock()
    parts = Parts(clock)
    plan.var.mkdir(parents=True, exist_ok=True)
    plan.spool_dir.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        stack.callback(parts.close)
        suite = Suite(plan, switches=plan.switches, parts=parts)
        if not plan.switches:
            switch, address, password = await stack.enter_async_context(simulated_switch(plan))
            suite.sim, suite.switches = switch, (address,)
            plan = suite.plan = replace(plan, esl_password=password)
        bank = plan.bankcore or await _start_bank(stack, plan)
        suite.urls["bankcore"] = bank
        suite.services = [_build(plan, name, suite.switches, bank, parts) for name in SERVICES]
        for running in await stack.enter_async_context(serving(suite.services)):
            suite.urls[running.service.name] = running.url
        if plan.auth == "dev":
            suite.token = issue_development_token(suite.services[0].settings, clock, "local", list(Role))
        yield suite


async def _start_bank(stack: AsyncExitStack, plan: Plan) -> str:
    given: dict[str, Any] = {"auth_mode": "none", "var_dir": plan.var}
    if plan.any_ports:
        given["http_port"] = 0
    running = await stack.enter_async_context(serving([build_bankcore(load(BankSettings, **given))]))
    return running[0].url


def _build(plan: Plan, name: str, switches: tuple[SwitchAddress, ...], bank: str, parts: Parts) -> Service:
    # by name: shared code never imports a service (import contract); only this command knows that they exist
    cls = settings_class(name)
    app = importlib.import_module(f"services.{name}.app")
    made = app.build(load(cls, **settings_of(plan, name, switches, bank)), parts)
    if not isinstance(made, Service):
        raise TypeError(f"services.{name}.app.build made no Service")
    return made


def settings_class(name: str) -> type[ServiceSettings]:
    """The settings of one service."""
    module = importlib.import_module(f"services.{name}.settings")
    for found in vars(module).values():
        if isinstance(found, type) and issubclass(found, ServiceSettings) and found.service == name:
            return found
    raise TypeError(f"services.{name}.settings has no settings of {name}")
