"""Telling what people and systems did to what is live, so that admin can keep it: with the outcome, refused or done.

    async with audit.act(who.subject, "pull", "entry", entry_id, agent_id=to.agent_id): ...

An act is not undone, nor its answer held up, because the broker is away for a moment: what could not be told waits and is told later.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from ipcc.bus.events import Publisher
from ipcc.clock import Clock
from ipcc.contracts.audit import ActDone
from ipcc.contracts.envelope import Event
from ipcc.errors import IpccError, NotFound, Unavailable

log = structlog.get_logger(__name__)

DONE = "done"
FAILED = "failed"
RETRY_S = 1.0
MOST_UNTOLD = 10_000
# of each detail so much is kept
LONGEST = 200


@dataclass
class Act:
    """One act while it goes on. ``object_id`` may be found out on the way; "" was never found out."""

    object_id: str
    details: dict[str, str]


@dataclass
class Audit:
    """Run it by ``tasks.spawn(name, audit.run)``; ``problem`` is a complaint for health."""

    publisher: Publisher
    clock: Clock
    most_untold: int = MOST_UNTOLD
    lost: int = 0
    _untold: deque[Event] = field(default_factory=deque)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def act(self, actor: str, act: str, kind: str, object_id: str, /, **details: object) -> AsyncIterator[Act]:
        """What happens inside is told with its outcome; whatever it raises is raised."""
        said = {name: str(value)[:LONGEST] for name, value in details.items() if value is not None and value != ""}
        going_on, outcome = Act(object_id, said), FAILED
        try:
            yield going_on
            outcome = DONE
        except IpccError as error:
            outcome = error.code
            raise
        finally:
            told = ActDone(
                actor=actor,
                act=act,
                kind=kind,
                object_id=going_on.object_id,
                outcome=outcome,
                details=going_on.details,
            )
            log.info("act_done", **told.model_dump())
            self._put(self.publisher.event(told))

    def problem(self) -> str | None:
        """What is wrong with telling; None when all was told."""
        if self.lost:
            return f"{self.lost} acts were never told and stand in the log alone"
        return f"{len(self._untold)} acts wait to be told" if self._untold else None

    async def run(self) -> None:
        """Tell what waits, in its order, for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._untold:
                try:
                    await self.publisher.send(self._untold[0])
                except (Unavailable, NotFound) as error:
                    log.warning("acts_wait", waiting=len(self._untold), reason=str(error))
                    await self.clock.sleep(RETRY_S)
                else:
                    self._untold.popleft()

    def _put(self, event: Event) -> None:
        if len(self._untold) >= self.most_untold:
            self.lost += 1
            log.error("act_not_told", act_id=event.id)
            return
        self._untold.append(event)
        self._news.set()
