"""What a run of the whole suite costs, process by process, and how late its board is. Reads /proc: Linux only."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from websockets.asyncio.client import connect

from ipcc.cli.processes import Family
from ipcc.cli.suite import Suite
from ipcc.sim.outputs import Output, SimEvent
from ipcc.tasks import Tasks

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
LONGEST_BOARD = 1 << 24


@dataclass(frozen=True)
class Cost:
    """Of one process: processor seconds since the beginning, resident megabytes then and now."""

    name: str
    busy_s: float
    mb_before: float
    mb_after: float


@dataclass(frozen=True)
class Costs:
    """All processes as they were when the run began."""

    pids: dict[str, int]
    busy_s: dict[str, float]
    mb: dict[str, float]

    @classmethod
    def of(cls, family: Family | None) -> Costs:
        """Of this process and all of ``family``."""
        pids = {"this process": os.getpid()}
        for child in family.children if family else ():
            if child.process is not None:
                pids[child.name] = child.process.pid
        return cls(pids, {name: _busy_s(p) for name, p in pids.items()}, {name: _mb(p) for name, p in pids.items()})

    def since(self) -> list[Cost]:
        """What each has used since; one that has died in between is left out."""
        alive = {name: pid for name, pid in self.pids.items() if Path(f"/proc/{pid}").exists()}
        return [Cost(name, _busy_s(pid) - self.busy_s[name], self.mb[name], _mb(pid)) for name, pid in alive.items()]


@dataclass
class BoardDelay:
    """When the switch had joined the so-many-th caller to an agent, and when the board had counted him as answered."""

    joined: list[float] = field(default_factory=list)
    counted: list[float] = field(default_factory=list)

    def milliseconds(self) -> list[float]:
        """Sorted; of the callers that both have told."""
        return sorted((seen - at) * 1000 for at, seen in zip(self.joined, self.counted, strict=False))


@asynccontextmanager
async def counted_on_board(suite: Suite) -> AsyncIterator[BoardDelay]:
    """Follow the board as a wallboard does, and the simulated switch from within."""
    found, sim, loop = BoardDelay(), suite.sim, asyncio.get_running_loop()
    assert sim is not None
    calls: set[str] = set()

    def hear(output: Output) -> None:
        if not isinstance(output, SimEvent) or output.name != "CHANNEL_BRIDGE":
            return
        call = str(output.headers.get("variable_ipcc_call_id", ""))
        if call not in calls:
            calls.add(call)
            found.joined.append(loop.time())

    async def follow() -> None:
        address = suite.urls["monitor"].replace("http", "ws", 1) + "/v1/board/events"
        token = {"Authorization": f"Bearer {suite.token}"}
        async with connect(address, additional_headers=token, max_size=LONGEST_BOARD) as socket:
            async for text in socket:
                told = orjson.loads(text)
                if told["type"] == "board":
                    answered = told["data"]["totals"]["answered"]
                    found.counted += [loop.time()] * (answered - len(found.counted))

    tasks = Tasks()
    tasks.once("board", follow())
    sim.add_listener(hear)
    try:
        yield found
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await tasks.stop()


def _busy_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * _PAGE / 2**20
