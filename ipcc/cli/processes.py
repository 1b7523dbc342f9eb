"""Each service in its own process, as in production, watched and started again when it dies."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from ipcc.cli.plan import SERVICES, Plan, settings_of
from ipcc.cli.suite import settings_class, simulated_switch
from ipcc.http.server import wait_for_signal
from ipcc.settings import PREFIX, ServiceSettings
from ipcc.tasks import Tasks

RESTART_S = 0.5


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

    def start(self) -> None:
        """Start every child."""
        self.log_dir.mkdir(parents=True, exist_ok=True)
        for child in self.children:
            self._tasks.spawn(f"process {child.name}", lambda child=child: self._keep(child))  # type: ignore[misc]

    async def stop(self) -> None:
        """Ask every child to end, and wait."""
        await self._tasks.stop()
        for child in self.children:
            await _end(child)

    async def _keep(self, child: Child) -> None:
        while True:
            with (self.log_dir / f"{child.name}.log").open("ab") as out:
                child.process = await asyncio.create_subprocess_exec(
                    *child.command, env=child.environment, stdout=out, stderr=out, start_new_session=True
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


def service_child(plan: Plan, name: str, switches: Any, bank: str) -> Child:
    """The process of one service."""
    given = settings_of(plan, name, switches, bank)
    environment = {**_bare_environment(), **_variables(settings_class(name), given)}
    return Child(name, [sys.executable, "-m", f"services.{name}"], environment)


def _bare_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def _variables(cls: type[ServiceSettings], given: dict[str, Any]) -> dict[str, str]:
    found = {}
    for name, value in given.items():
        shared = name in ServiceSettings.model_fields
        variable = PREFIX + ("" if shared else f"{cls.service.upper()}__") + name.upper()
        if name == "switches":
            value = ",".join(f"{s.node_id}={s.host}:{s.port}" for s in value)
        if value not in (None, ""):
            found[variable] = str(value)
    return found


async def run_processes(plan: Plan) -> int:
    """``ipcc up --processes``: the simulated switch stays in this process, the rest are children."""
    console = Console()
    async with AsyncExitStack() as stack:
        switches = plan.switches
        if not switches:
            _, address, password = await stack.enter_async_context(simulated_switch(plan, port=8021))
            switches = (address,)
            plan = replace(plan, esl_password=password)
        bank = plan.bankcore or "http://127.0.0.1:8190"
        children = [service_child(plan, name, switches, bank) for name in SERVICES]
        if not plan.bankcore:
            environment = {**_bare_environment(), f"{PREFIX}AUTH_MODE": "none", f"{PREFIX}VAR_DIR": str(plan.var)}
            children.insert(0, Child("bankcore", [sys.executable, "-m", "bankcore"], environment))
        family = Family(children, plan.var / "log")
        family.start()
        stack.push_async_callback(family.stop)
        console.print(f"{len(children)} processes; their logs are in {family.log_dir}. Press Ctrl-C to stop.")
        await wait_for_signal()
        console.print("Stopping …")
    return 0
