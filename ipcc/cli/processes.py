"""Each service in its own process, as in production, watched and started again when it dies, and none left when this one is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ipcc.auth.principal import Role
from ipcc.auth.tokens import issue_development_token
from ipcc.cli.plan import SERVICES, Plan, settings_of
from ipcc.cli.suite import Suite, settings_class, simulated_switch
from ipcc.clock import SystemClock
from ipcc.settings import PORTS, PREFIX, ServiceSettings, SwitchAddress, load
from ipcc.tasks import Tasks

RESTART_S = 0.5
SWITCH_PORT = 8021


@dataclass
class Child:
    """One process of the suite."""

    name: str
    command: list[str]
    environment: dict[str, str]
    process: asyncio.subprocess.Process | None = None
    starts: int = 0


@dataclass
class Family:
    """All processes; a dead one is started again."""

    children: list[Child]
    log_dir: Path
    _tasks: Tasks = field(default_factory=Tasks)
    _held_back: dict[str, asyncio.Event] = field(default_factory=dict)

    def start(self) -> None:
        """Start every child."""
        self.log_dir.mkdir(parents=True, exist_ok=True)
        for child in self.children:
            self._tasks.spawn(f"process {child.name}", lambda child=child: self._keep(child))  # type: ignore[misc]

    def add(self, child: Child) -> None:
        """One more child, started at once."""
        self.children.append(child)
        self._tasks.spawn(f"process {child.name}", lambda: self._keep(child))

    async def stop(self) -> None:
        """Ask every child to end, and wait."""
        await self._tasks.stop()
        await asyncio.gather(*(_end(child) for child in self.children))

    def child(self, name: str) -> Child:
        """The process of one service."""
        return next(child for child in self.children if child.name == name)

    def log_of(self, name: str) -> Path:
        """What one service writes."""
        return self.log_dir / f"{name}.log"

    async def kill(self, name: str) -> None:
        """End one child at once, as by a power cut; it is started again by itself."""
        process = self.child(name).process
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    def hold_back(self, name: str) -> None:
        """Do not start that child, now or after its next death, until ``let_go``."""
        self._held_back[name] = asyncio.Event()

    def let_go(self, name: str) -> None:
        """Start a child that was held back."""
        self._held_back.pop(name).set()

    async def _keep(self, child: Child) -> None:
        while True:
            if child.name in self._held_back:
                await self._held_back[child.name].wait()
            with self.log_of(child.name).open("ab") as out:
                child.process = await asyncio.create_subprocess_exec(
                    *child.command,
                    env=child.environment,
                    # held open and never written to: its end tells the child that this process is gone (ipcc.tied)
                    stdin=asyncio.subprocess.PIPE,
                    stdout=out,
                    stderr=out,
                    start_new_session=True,
                )
            child.starts += 1
            await child.process.wait()
            await asyncio.sleep(RESTART_S)


async def _end(child: Child) -> None:
    if child.process is None or child.process.returncode is not None:
        return
    child.process.terminate()
    try:
        await asyncio.wait_for(child.process.wait(), 15)
    except TimeoutError:
        with suppress(ProcessLookupError):
            child.process.send_signal(signal.SIGKILL)
        await child.process.wait()


def family_of(
    plan: Plan, switches: tuple[SwitchAddress, ...], ports: Mapping[str, int], extra: Mapping[str, str] | None = None
) -> Family:
    """The processes of ``plan``, not yet started. ``extra`` are further variables for all of them."""
    bank = plan.bankcore or f"http://127.0.0.1:{ports['bankcore']}"
    children = [_service_child(plan, name, switches, bank, ports[name]) for name in SERVICES]
    if not plan.bankcore:
        environment = {
            f"{PREFIX}AUTH_MODE": "none",
            f"{PREFIX}VAR_DIR": str(plan.var),
            f"{PREFIX}BANKCORE__HTTP_PORT": str(ports["bankcore"]),
            f"{PREFIX}LOG_LEVEL": plan.log_level,
        }
        children.insert(0, Child("bankcore", tied("bankcore"), environment))
    for child in children:
        child.environment = {**_bare_environment(), **child.environment, **(extra or {})}
    return Family(children, plan.var / "log")


def _service_child(plan: Plan, name: str, switches: tuple[SwitchAddress, ...], bank: str, port: int) -> Child:
    given = {**settings_of(plan, name, switches, bank), "http_port": port}
    return Child(name, tied(f"services.{name}"), _variables(settings_class(name), given))


def tied(module: str, *arguments: str) -> list[str]:
    """The command that runs ``module`` in a process that ends with this one."""
    return [sys.executable, "-m", "ipcc.tied", module, *arguments]


def _bare_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def _variables(cls: type[ServiceSettings], given: dict[str, Any]) -> dict[str, str]:
    found = {}
    for name, value in given.items():
        shared = name in ServiceSettings.model_fields and name != "http_port"
        variable = PREFIX + ("" if shared else f"{cls.service.upper()}__") + name.upper()
        if name == "switches":
            value = ",".join(f"{s.node_id}={s.host}:{s.port}" for s in value)
        if value not in (None, ""):
            found[variable] = str(value)
    return found


def choose_ports(plan: Plan) -> dict[str, int]:
    """Where each process listens: the address plan of one machine, or ports that are free now."""
    if not plan.any_ports:
        return dict(PORTS)
    with ExitStack() as held:
        sockets = {name: held.enter_context(socket.socket()) for name in PORTS}
        for one in sockets.values():
            one.bind(("127.0.0.1", 0))
        return {name: int(one.getsockname()[1]) for name, one in sockets.items()}


@asynccontextmanager
async def running_family(
    plan: Plan, extra: Mapping[str, str] | None = None, hold_back: Iterable[str] = ()
) -> AsyncIterator[tuple[Suite, Family]]:
    """Every service in a process of its own; the simulated switch, when there is one, stays in this process.

    ``extra`` are further variables for all of them; those named by ``hold_back`` are not started before they are let go.
    """
    async with AsyncExitStack() as stack:
        suite = Suite(plan, switches=plan.switches)
        if not plan.switches:
            port = 0 if plan.any_ports else SWITCH_PORT
            suite.sim, address, password = await stack.enter_async_context(simulated_switch(plan, port=port))
            suite.switches = (address,)
            plan = suite.plan = replace(plan, esl_password=password)
        plan.spool_dir.mkdir(parents=True, exist_ok=True)
        ports = choose_ports(plan)
        family = family_of(plan, suite.switches, ports, extra)
        suite.urls = {child.name: f"http://127.0.0.1:{ports[child.name]}" for child in family.children}
        suite.urls["bankcore"] = plan.bankcore or suite.urls["bankcore"]
        if plan.auth == "dev":
            # made before the children start, so that they all find the one key
            told = load(settings_class("admin"), **settings_of(plan, "admin", suite.switches, suite.urls["bankcore"]))
            suite.token = issue_development_token(told, SystemClock(), "local", list(Role))
        for name in hold_back:
            family.hold_back(name)
        family.start()
        stack.push_async_callback(family.stop)
        yield suite, family
