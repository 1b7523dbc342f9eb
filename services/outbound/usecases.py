"""From an ordered notification to its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog

from ipcc.bus.events import Received
from ipcc.bus.outbox import Relay
from ipcc.clock import Clock
from ipcc.contracts.outbound import AttemptOutcome, OrderNotification
from ipcc.errors import NotFound, NotNow, StoreDown, SwitchDown, SwitchRefused
from ipcc.ids import new_id
from ipcc.metrics import OUTBOUND_ATTEMPTS, Metrics
from ipcc.tasks import Tasks
from services.outbound.core.attempts import RetryRule, check, next_attempt, outcome_of, outcome_of_playing
from services.outbound.store import Attempt, Ending, Notification, OutboundStore
from services.outbound.switch import Dialler

log = structlog.get_logger(__name__)

LOOK_S = 0.5
SETTLE_EVERY = timedelta(seconds=10)


@dataclass
class Notifications:
    """The use cases of outbound."""

    store: OutboundStore
    dialler: Dialler
    relay: Relay
    clock: Clock
    tasks: Tasks
    metrics: Metrics
    rule: RetryRule
    instance: str
    most_at_once: int
    dialling: set[str] = field(default_factory=set)

    async def order(self, wanted: OrderNotification) -> Notification:
        """Take an order. Raises Invalid, NotNow, StoreDown."""
        now = self.clock.now()
        check(wanted, now)
        try:
            found = await self.store.order(wanted, now)
        except NotNow as error:
            if error.code != "store.conflict":
                raise
            # another replica took the same order at this moment
            found = await self.store.order(wanted, now)
        self.relay.wake()
        return found

    async def ordered(self, data: OrderNotification, received: Received) -> Mapping[str, Any]:
        """The same over the bus."""
        found = await self.order(data)
        return {"notification_id": found.notification_id, "state": found.state, "outcome": found.outcome}

    async def read(self, notification_id: str) -> Notification:
        """One notification. Raises NotFound."""
        found = await self.store.find(notification_id)
        if found is None:
            raise NotFound("notification.unknown", f"there is no notification {notification_id}")
        return found

    async def work(self) -> None:
        """Dial what is due, and settle what former lives and dead replicas left behind, for ever."""
        settle_at = self.clock.now()
        while True:
            try:
                if self.clock.now() >= settle_at:
                    settle_at = self.clock.now() + SETTLE_EVERY
                    await self._settle_unfinished()
                attempt = await self._next()
            except StoreDown as error:
                log.warning("dialling_waits", reason=str(error))
                attempt = None
            if attempt is None:
                await self.clock.sleep(LOOK_S)
                continue
            self.dialling.add(attempt.attempt_id)
            self.tasks.once(f"attempt {attempt.attempt_id}", self._carry_out(attempt))

    async def _next(self) -> Attempt | None:
        node_id = self.dialler.free_node()
        if node_id is None or len(self.dialling) >= self.most_at_once:
            return None
        return await self.store.claim(new_id(), node_id, self.instance, self.clock.now())

    async def _carry_out(self, attempt: Attempt) -> None:
        try:
            await self._end(attempt, *await self._attempt(attempt))
            await self.dialler.forget(attempt)
        finally:
            self.dialling.discard(attempt.attempt_id)

    async def _settle(self, attempt: Attempt) -> None:
        try:
            await self._end(attempt, *await self._look_up(attempt))
        finally:
            self.dialling.discard(attempt.attempt_id)

    async def _attempt(self, attempt: Attempt) -> tuple[AttemptOutcome, str, int]:
        self.relay.wake()
        try:
            await self.dialler.prepare(attempt)
        except (SwitchDown, NotFound) as error:
            # not a word of it has reached the switch: he may be dialled again
            return AttemptOutcome.UNREACHABLE, error.code, 0
        try:
            await self.dialler.dial(attempt)
            played = await self.dialler.play(attempt)
        except SwitchRefused as error:
            return outcome_of(error.cause or ""), error.cause or error.message, 0
        except SwitchDown as error:
            log.warning("attempt_lost", attempt_id=attempt.attempt_id, error=str(error))
            return await self._look_up(attempt)
        return outcome_of_playing(is_played=played.is_complete), "", played.ms

    async def _look_up(self, attempt: Attempt) -> tuple[AttemptOutcome, str, int]:
        """What became of an attempt we lost sight of: nobody knows what the customer heard, so it is not repeated."""
        while True:
            try:
                if await self.dialler.exists(attempt):
                    await self.dialler.hang_up(attempt)
            except SwitchDown:
                await self.clock.sleep(1.0)
            except NotFound:
                return AttemptOutcome.UNKNOWN, "its switch is configured no more", 0
            else:
                return AttemptOutcome.UNKNOWN, "lost sight of", 0

    async def _end(self, attempt: Attempt, outcome: AttemptOutcome, cause: str, played_ms: int) -> None:
        self.metrics.count(OUTBOUND_ATTEMPTS, outcome=outcome.value)
        while True:
            now = self.clock.now()
            at = next_attempt(outcome, attempt.number, now, self.rule, attempt.notification.not_after)
            try:
                await self.store.end(attempt, Ending(outcome, cause, played_ms, at), now)
            except StoreDown as error:
                log.warning("attempt_end_waits", attempt_id=attempt.attempt_id, reason=str(error))
                await self.clock.sleep(1.0)
            else:
                self.relay.wake()
                return

    async def _settle_unfinished(self) -> None:
        before = self.clock.now() - self.dialler.longest
        for attempt in await self.store.unfinished(self.instance, before):
            if attempt.attempt_id not in self.dialling:
                self.dialling.add(attempt.attempt_id)
                self.tasks.once(f"settle {attempt.attempt_id}", self._settle(attempt))
