"""Long-lived tasks: references kept, deaths reported, health red when one died, stopped in reverse order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import structlog

log = structlog.get_logger(__name__)


@dataclass
class Tasks:
    """The long-lived tasks of one service, by name.

    A task that ends by an exception is logged with its name and restarted after ``restart_delay_s`` if it was spawned with
    a factory; until it runs again ``dead`` names it and the service's health is red.
    """

    restart_delay_s: float = 1.0
    dead: dict[str, str] = field(default_factory=dict)
    _running: list[tuple[str, asyncio.Task[None]]] = field(default_factory=list)

    def spawn(self, name: str, factory: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        """Run ``factory()`` for as long as the service lives; started again when it fails."""
        task = asyncio.create_task(self._guard(name, factory), name=name)
        self._running.append((name, task))
        return task

    def once(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run ``work`` one time in the background; a failure is logged, the reference kept until it ends."""
        task = asyncio.create_task(self._log_failure(name, work), name=name)
        entry = (name, task)
        self._running.append(entry)
        task.add_done_callback(lambda _: self._forget(entry))
        # one cancelled before its first step would leave ``work`` never awaited
        task.add_done_callback(lambda _: work.close())
        return task

    async def stop(self) -> None:
        """Cancel all, the last spawned first, and wait until each has ended; whoever is cancelled meanwhile hears of it then."""
        cancelled: asyncio.CancelledError | None = None
        for _, task in reversed(list(self._running)):
            task.cancel()
            while not task.done():
                try:
                    await asyncio.wait([task])
                except asyncio.CancelledError as ours:
                    cancelled = ours
        self._running.clear()
        if cancelled is not None:
            raise cancelled

    def _forget(self, entry: tuple[str, asyncio.Task[None]]) -> None:
        if entry in self._running:
            self._running.remove(entry)

    async def _guard(self, name: str, factory: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            try:
                await factory()
            except asyncio.CancelledError:
                raise
            except Exception as error:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    # it failed while it was being stopped: whoever stops it waits for its end, not for a new start
                    log.exception("task_failed_while_stopping", task=name)
                    return
                self.dead[name] = repr(error)
                log.exception("task_died", task=name)
                await asyncio.sleep(self.restart_delay_s)
                self.dead.pop(name, None)
            else:
                return

    @staticmethod
    async def _log_failure(name: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("task_failed", task=name)
