"""How one command finds the suite another started: a file under var, readable by its owner only."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from ipcc.clock import SystemClock
from ipcc.errors import Invalid, SwitchDown
from ipcc.esl.green import GreenLinks
from ipcc.esl.nodes import Nodes
from ipcc.esl.port import NodeAddress, SubscriptionPlan, SwitchNode
from ipcc.ids import NodeId
from ipcc.tasks import Tasks

FILE = "up.json"
CONNECT_S = 5.0


@dataclass(frozen=True)
class Running:
    """A suite that is up: where its parts are and what lets one in."""

    urls: dict[str, str]
    node_id: str
    host: str
    port: int
    is_simulated: bool
    token: str = field(default="", repr=False)
    esl_password: str = field(default="", repr=False)

    def client(self) -> httpx.AsyncClient:
        """An HTTP client that is let in."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return httpx.AsyncClient(headers=headers, timeout=10)

    def address(self) -> NodeAddress:
        """Its switch."""
        return NodeAddress(NodeId(self.node_id), self.host, self.port, self.esl_password)


def write(var: Path, running: Running) -> Path:
    """Leave word of a suite that is up; only its owner can read it."""
    path = var / FILE
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(running.__dict__, out)
    return path


def read(var: Path) -> Running:
    """The suite that is up. Raises Invalid."""
    path = var / FILE
    try:
        return Running(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise Invalid(
            "remote.absent", f"nothing is up: there is no {path}. Start `ipcc up`, or name its folder with --var"
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise Invalid("remote.unreadable", f"cannot read {path}: {error}") from error


@dataclass(frozen=True)
class Simulated:
    """A command only the simulated switch has; its argument is JSON or digits of our own making."""

    name: str
    argument: str = field(repr=False)

    def render(self) -> str:
        return f"{self.name} {self.argument}".strip()


@asynccontextmanager
async def connected(address: NodeAddress) -> AsyncIterator[SwitchNode]:
    """One switch, reached. Raises SwitchDown naming why not."""
    links, tasks, clock = GreenLinks(), Tasks(), SystemClock()
    nodes = Nodes([address], SubscriptionPlan(), links.connect, clock)
    nodes.start(tasks)
    node = nodes.node(address.node_id)
    try:
        for _ in range(int(CONNECT_S / 0.05)):
            if node.is_up:
                break
            await clock.sleep(0.05)
        else:
            raise SwitchDown("switch.down", node.state.last_error or f"{address.host}:{address.port} does not answer")
        yield node
    finally:
        await tasks.stop()
        links.stop()
