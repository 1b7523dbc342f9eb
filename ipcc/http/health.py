"""Named checks: a service is ready when all pass; each that fails says why, for people and for the orchestrator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from ipcc.errors import IpccError
from ipcc.metrics import HEALTH_STATUS, Metrics
from ipcc.tasks import Tasks

# None when all is well, else the reason in a sentence. May be async; may raise IpccError, OSError or TimeoutError.
Check = Callable[[], "str | Awaitable[str | None] | None"]


@dataclass
class Health:
    """The checks of one service."""

    timeout_s: float = 3.0
    _checks: dict[str, Check] = field(default_factory=dict)
    _complaints: dict[str, Check] = field(default_factory=dict)

    def complain(self, component: str, check: Check) -> None:
        """Like ``add``, for what is wrong and stops no work: told, counted as failed in the metric, and the service stays ready."""
        self.add(component, check)
        self._complaints[component] = self._checks.pop(component)

    def add(self, component: str, check: Check) -> None:
        """Ask ``check`` whenever somebody asks for readiness; ``component`` is unique in the service."""
        if component in self._checks or component in self._complaints:
            raise ValueError(f"two health checks are named {component}")
        self._checks[component] = check

    def add_tasks(self, tasks: Tasks) -> None:
        """Red while a background task is dead."""
        self.add("tasks", lambda: "; ".join(f"{name}: {why}" for name, why in tasks.dead.items()) or None)

    async def reasons(self, metrics: Metrics | None = None) -> dict[str, str | None]:
        """Per component None or the reason it is red; all are asked at the same time, none longer than ``timeout_s``."""
        return await self._answers(self._checks, metrics)

    async def complaints(self, metrics: Metrics | None = None) -> dict[str, str]:
        """Per component what is wrong with it though the service works; those with which nothing is wrong are left out."""
        found = await self._answers(self._complaints, metrics)
        return {name: reason for name, reason in found.items() if reason}

    async def _answers(self, checks: Mapping[str, Check], metrics: Metrics | None) -> dict[str, str | None]:
        names = list(checks)
        found = await asyncio.gather(*(self._ask(checks[name]) for name in names))
        if metrics:
            for name, reason in zip(names, found, strict=True):
                metrics.put(HEALTH_STATUS, 0 if reason else 1, check=name)
        return dict(zip(names, found, strict=True))

    async def _ask(self, check: Check) -> str | None:
        try:
            async with asyncio.timeout(self.timeout_s):
                answer = check()
                return await answer if isinstance(answer, Awaitable) else answer
        except TimeoutError:
            return f"no answer within {self.timeout_s:g} s"
        except (IpccError, OSError) as error:
            return str(error)
