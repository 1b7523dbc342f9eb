"""what is reachable, which versions run, and what is wrong with the configuration"""

from __future__ import annotations

import argparse
import asyncio
import platform
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from ipcc.bus.kafka import KafkaBus
from ipcc.bus.kafka_link import KafkaSettings
from ipcc.cli.plan import ROOT, SERVICES, Plan, add_options, plan_of
from ipcc.cli.remote import connected, read
from ipcc.cli.suite import settings_class, simulated_site
from ipcc.clock import SystemClock
from ipcc.db.database import Database
from ipcc.errors import IpccError
from ipcc.esl.commands import Words
from ipcc.esl.port import NodeAddress
from ipcc.logging import configure_logging
from ipcc.settings import load
from ipcc.sim.site import engine_settings

PACKAGES = ("fastapi", "pydantic", "sqlalchemy", "aiokafka", "greenswitch", "gevent", "uvicorn")
KAFKA_S = 5.0


@dataclass(frozen=True)
class Finding:
    """One line of the answer; ``fault`` says what is wrong and what to do, empty when all is well."""

    what: str
    found: str = ""
    fault: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    add_options(parser)


def run(given: argparse.Namespace) -> int:
    """Look at everything; exit code 1 when something is wrong."""
    configure_logging("ERROR", "auto")
    findings = asyncio.run(_look(plan_of(given)))
    console, table = Console(), Table(show_edge=False, pad_edge=False)
    table.add_column("what")
    table.add_column("found", overflow="fold")
    for finding in findings:
        table.add_row(finding.what, f"[red]{finding.fault}[/]" if finding.fault else finding.found)
    console.print(table)
    return 1 if any(finding.fault for finding in findings) else 0


async def _look(plan: Plan) -> list[Finding]:
    findings = [*_versions(), *_settings(), await _guarded("switch configuration", lambda: _switch_conf(plan))]
    findings.append(await _guarded("flows", _flows))
    findings += [await _guarded(f"switch {s.node_id}", lambda s=s: _switch(plan, s)) for s in plan.switches]  # type: ignore[misc]
    if plan.kafka:
        findings.append(await _guarded("kafka", lambda: _kafka(plan.kafka or "")))
    if plan.database:
        findings.append(await _guarded("database", lambda: _database(plan.database or "")))
    if plan.bankcore:
        findings.append(await _guarded("bank core", lambda: _url(f"{plan.bankcore}/v1/keys")))
    return findings + await _running(plan.var)


def _versions() -> list[Finding]:
    found = [Finding("Python", platform.python_version())]
    for name in PACKAGES:
        try:
            found.append(Finding(name, version(name)))
        except PackageNotFoundError:
            found.append(Finding(name, fault="not installed: run make setup"))
    voice = shutil.which("espeak-ng")
    return [*found, Finding("espeak-ng", voice or "not installed: prompts will be tones")]


def _settings() -> list[Finding]:
    found = []
    for name in SERVICES:
        try:
            load(settings_class(name))
        except IpccError as error:
            found.append(Finding(f"settings of {name}", fault=error.message))
    return found or [Finding("settings", "the IPCC_ variables are understood by all services")]


async def _guarded(what: str, look: Callable[[], Awaitable[str]]) -> Finding:
    try:
        return Finding(what, await look())
    except IpccError as error:
        return Finding(what, fault=error.message)
    except (httpx.HTTPError, OSError) as error:
        return Finding(what, fault=str(error) or type(error).__name__)


async def _switch_conf(plan: Plan) -> str:
    settings = engine_settings(simulated_site(plan))
    return f"{len(settings.dialplan.contexts)} contexts, {len(settings.users)} phones"


async def _flows() -> str:
    names = sorted(path.name for path in (ROOT / "flows").glob("*.json"))
    return ", ".join(names) or "none"


async def _switch(plan: Plan, address: object) -> str:
    node = NodeAddress(address.node_id, address.host, address.port, plan.esl_password)  # type: ignore[attr-defined]
    async with connected(node) as switch:
        return (await switch.api(Words("version"))).strip()


async def _kafka(servers: str) -> str:
    bus = KafkaBus(KafkaSettings(servers), SystemClock())
    await bus.start()
    try:
        for _ in range(int(KAFKA_S / 0.1)):
            if bus.health.is_up:
                return "answers"
            await asyncio.sleep(0.1)
        raise OSError(bus.health.last_error)
    finally:
        await bus.stop()


async def _database(url: str) -> str:
    database = Database(url.replace("postgresql://", "postgresql+asyncpg://", 1), "doctor")
    database.mark_ready()
    try:
        return await database.check() or "answers"
    finally:
        await database.close()


async def _url(address: str) -> str:
    async with httpx.AsyncClient(timeout=5) as client:
        answer = await client.get(address)
    return f"answers {answer.status_code}"


async def _running(var: Path) -> list[Finding]:
    try:
        running = read(var)
    except IpccError as error:
        return [Finding("suite", error.message)]
    found = []
    async with running.client() as client:
        for name, url in running.urls.items():
            try:
                answer = await client.get(f"{url}/health/ready")
            except httpx.HTTPError:
                found.append(Finding(name, fault=f"{url} does not answer"))
                continue
            parts = answer.json().get("components", {})
            red = "; ".join(f"{part}: {state['reason']}" for part, state in parts.items() if state.get("reason"))
            found.append(Finding(name, f"{url} ready", fault=red))
    return found
