"""start everything: in this process with no servers installed, or with real parts where the options name them"""

from __future__ import annotations

import argparse
import asyncio

from rich.console import Console
from rich.table import Table

from ipcc.cli.folder import claimed
from ipcc.cli.plan import Plan, add_options, plan_of
from ipcc.cli.processes import running_family
from ipcc.cli.remote import Running, write
from ipcc.cli.suite import Suite, running_suite
from ipcc.http.server import wait_for_signal
from ipcc.logging import configure_logging


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    add_options(parser)


def run(given: argparse.Namespace) -> int:
    """Run until interrupted."""
    plan = plan_of(given)
    configure_logging(plan.log_level, "auto")
    with claimed(plan.var):
        return asyncio.run(_run_processes(plan) if plan.processes else _run(plan))


async def _run(plan: Plan) -> int:
    console = Console()
    async with running_suite(plan) as suite:
        leave_word(suite)
        print_addresses(console, suite)
        console.print("Press Ctrl-C to stop.")
        await wait_for_signal()
        console.print("Stopping …")
    return 0


async def _run_processes(plan: Plan) -> int:
    console = Console()
    async with running_family(plan) as (suite, family):
        leave_word(suite)
        print_addresses(console, suite)
        console.print(f"{len(family.children)} processes; their logs are in {family.log_dir}. Press Ctrl-C to stop.")
        await wait_for_signal()
        console.print("Stopping …")
    return 0


def leave_word(suite: Suite) -> None:
    """Let ``ipcc call``, ``ipcc agent`` and ``ipcc doctor`` find the suite."""
    address = suite.switches[0]
    running = Running(
        urls=suite.urls,
        node_id=address.node_id,
        host=address.host,
        port=address.port,
        is_simulated=suite.sim is not None,
        token=suite.token,
        esl_password=suite.plan.esl_password,
    )
    write(suite.plan.var, running)


def print_addresses(console: Console, suite: Suite) -> None:
    """Where everything is."""
    table = Table(title="ipcc is up", show_edge=False, pad_edge=False)
    table.add_column("part")
    table.add_column("address", overflow="fold")
    for address in suite.switches:
        kind = "simulated switch" if suite.sim else "switch"
        table.add_row(f"{kind} {address.node_id}", f"event socket {address.host}:{address.port}")
    for name, url in suite.urls.items():
        table.add_row(name, url)
    console.print(table)
    # outside the table and unwrapped: it must be copied whole
    console.print(f"[bold]wallboard[/] {suite.wallboard}", soft_wrap=True, highlight=False)
    if suite.token:
        console.print("APIs ask for a token; this one is valid on this machine today:")
        console.print(suite.token, style="dim", soft_wrap=True)
    else:
        console.print("No token is asked for (--auth none): never do this beyond one machine.", style="bold red")
