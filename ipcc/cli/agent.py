"""a simulated agent: register his phone, sign him in, let him answer (or not) the calls he is offered, order for his callers"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from websockets.asyncio.client import connect

from ipcc.cli.remote import Running, Simulated, connected, read
from ipcc.errors import Invalid
from ipcc.logging import configure_logging
from ipcc.sim.people import PhoneScript

# what an agent wants to see of each event
SHOWN = ("caller_name", "caller_number", "queue_name", "state", "reason", "outcome", "cause")
BEHAVIOURS = ("answer", "ignore", "busy", "decline")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("agent", help="who, for example 1001")
    parser.add_argument("--phone", help="his phone (default: named like the agent)")
    parser.add_argument("--does", choices=BEHAVIOURS, default="answer", help="what he does when it rings")
    parser.add_argument("--after", type=float, default=1.5, metavar="S", help="seconds until he answers")
    parser.add_argument("--talk", type=float, metavar="S", help="seconds until he hangs up (default: the caller does)")
    parser.add_argument(
        "--order", metavar="FLOW", help="order this for every caller he talks to, such as agent-transfer"
    )
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a field of the order, such as amount=10050 (cents); again for more",
    )
    parser.add_argument("--var", type=Path, default=Path("var"), metavar="DIR", help="folder of the suite that is up")


def run(given: argparse.Namespace) -> int:
    """Sign in, show what happens, sign out when interrupted."""
    configure_logging("WARNING", "auto")
    return asyncio.run(_run(given))


async def _run(given: argparse.Namespace) -> int:
    running, phone, order = read(given.var), given.phone or given.agent, order_of(given.order, given.input)
    script = PhoneScript(
        phone,
        answer_after_s=None if given.does == "ignore" else given.after,
        refuse={"busy": 486, "decline": 603}.get(given.does),
        talk_s=given.talk,
    )
    if running.is_simulated:
        async with connected(running.address()) as node:
            await node.api(Simulated("sim_phone", json.dumps(asdict(script))))
            await node.api(Simulated("sim_register", phone))
    async with running.client() as client:
        await _sign_in(client, running, given.agent, phone)
        try:
            await _show(running, given.agent, order)
        finally:
            await client.post(f"{running.urls['ctiserver']}/v1/agents/{given.agent}/sign-out", json={"force": True})
    return 0


async def _sign_in(client: httpx.AsyncClient, running: Running, agent: str, phone: str) -> None:
    text = ""
    for _ in range(50):
        answer = await client.post(
            f"{running.urls['ctiserver']}/v1/agents/{agent}/sign-in", json={"phone": phone, "ready": True}
        )
        if answer.is_success:
            return
        text = answer.text
        await asyncio.sleep(0.2)
    raise Invalid("agent.sign_in", f"agent {agent} cannot sign in: {text}")


def order_of(flow: str | None, inputs: list[str]) -> dict[str, Any] | None:
    """The body of an order; None when nothing is ordered. Raises Invalid for an input that is no NAME=VALUE."""
    pairs = [text.partition("=") for text in inputs]
    wrong = next((name for name, equals, _ in pairs if not name or not equals), None)
    if wrong is not None or (inputs and not flow):
        raise Invalid("agent.order", "--input needs --order and is written NAME=VALUE, such as amount=10050")
    return {"flow": flow, "inputs": {name: value for name, _, value in pairs}} if flow else None


async def _show(running: Running, agent: str, order: dict[str, Any] | None) -> None:
    console, ordered = Console(), set[str]()
    address = running.urls["ctiserver"].replace("http", "ws", 1) + f"/v1/agents/{agent}/events"
    headers = {"Authorization": f"Bearer {running.token}"} if running.token else {}
    async with connect(address, additional_headers=headers) as socket:
        console.print(f"agent {agent} is ready. Press Ctrl-C to sign out.")
        async for text in socket:
            told = json.loads(text)
            if told["type"] not in ("ping", "hello"):
                console.print(line(told["type"], told.get("data", {})), highlight=False)
                if order is not None:
                    await _order(running, told, order, ordered, console)


async def _order(
    running: Running, told: dict[str, Any], order: dict[str, Any], ordered: set[str], console: Console
) -> None:
    """Once for each caller, when they are joined; and what came of it, when he is back."""
    legs, data = f"{running.urls['ctiserver']}/v1/legs", told.get("data", {})
    async with running.client() as client:
        if told["type"] == "call.connected" and data["leg_id"] not in ordered:
            ordered.add(data["leg_id"])
            answer = await client.post(f"{legs}/{data['leg_id']}/orders", json=order)
            if not answer.is_success:
                console.print(f"         refused: {answer.json().get('detail', answer.text)}", highlight=False)
        elif told["type"] == "call.flow_returned" and data["by_leg_id"] in ordered:
            for found in (await client.get(f"{legs}/{data['by_leg_id']}/orders")).json():
                console.print(f"         {found['flow_id']}  {found['outcome']}  {found['results']}", highlight=False)


def line(kind: str, data: dict[str, Any]) -> str:
    """One event of the desktop in one line."""
    at = str(data.get("at", ""))[11:19]
    shown = [str(data[name]) for name in SHOWN if data.get(name)]
    if data.get("flow_path"):
        shown.append("came by " + " > ".join(data["flow_path"]))
    return f"{at} {kind:<14} {'  '.join(shown)}".rstrip()
