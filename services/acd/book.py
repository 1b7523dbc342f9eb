"""What the owner of a domain has in hand: the state, the place in every topic, the right to write; deciding and storing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from ipcc.bus.port import Record
from ipcc.clock import Clock
from ipcc.contracts.acd import AcdCommand, AgentChanged, EntryEnded, EntryOutcome, InputRef, OfferEnded
from ipcc.contracts.config import ConfigChanged
from ipcc.errors import Bug, InvalidMessage, IpccError, Refused
from ipcc.metrics import (
    ACD_DECISION_DURATION,
    ACD_INPUTS,
    ACD_INPUTS_UNRECORDED,
    ACD_OFFERS,
    ACD_WAITS_FORETOLD,
    Metrics,
)
from services.acd.consumers import Input, place_of
from services.acd.core.decision import Decision, advance
from services.acd.core.effects import Effect
from services.acd.core.learning import learn
from services.acd.core.state import State
from services.acd.journal import REFUSED, Journal, digest_of
from services.acd.log import Fact, LogWriter
from services.acd.replies import ReplyTo, is_expired

log = structlog.get_logger(__name__)


@dataclass
class Page:
    """What came of a few inputs: stored together, carried out together."""

    facts: list[Fact] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    answers: list[tuple[ReplyTo, dict[str, Any] | IpccError]] = field(default_factory=list)
    buried: list[tuple[Record, str]] = field(default_factory=list)

    @property
    def is_urgent(self) -> bool:
        """Whether something is to be done once the events are stored."""
        return bool(self.effects or self.answers or self.buried)


@dataclass
class Book:
    """One tenure's state. ``positions``: per ``topic/partition`` the next offset to be decided."""

    state: State
    writer: LogWriter
    clock: Clock
    metrics: Metrics
    positions: dict[str, int] = field(default_factory=dict)
    since_snapshot: int = 0
    deciding: InputRef | None = None
    poison: InputRef | None = None
    journal: Journal | None = None

    def learn(self, given: object, now: datetime) -> None:
        """Take what others say into the state without deciding anything."""
        learn(self.state, given, now)
        if self.journal is not None:
            self.journal.learnt(given, now)

    def decide(self, item: Input, page: Page, at: datetime | None = None) -> None:
        """Decide one input and note on ``page`` what follows; the state is ahead of the log until the page is stored.

        ``at``: when it came in, where nobody was there to decide it then.
        """
        now = at or self.clock.now()
        try:
            if self._is_to_be_skipped(item, page):
                return
            self.deciding = item.cause
            with self.metrics.timed(ACD_DECISION_DURATION):
                decision = self._advance(item, now)
            self.deciding = None
            self.metrics.count(ACD_INPUTS, kind=type(item.given).__name__)
        except Refused as refused:
            self.deciding = None
            if item.reply is not None:
                page.answers.append((item.reply, refused))
            return
        except (Bug, InvalidMessage) as fault:
            # one broken input must not stop a domain; nothing of it was kept
            self.deciding = None
            log.error("input_not_decided", kind=type(item.given).__name__, reason=str(fault))
            if item.record is not None:
                page.buried.append((item.record, str(fault)))
            return
        finally:
            self._pass(item.cause)
        page.facts += [Fact(now, event) for event in decision.events]
        self._warn(item.given)
        self._note(decision, item, page)

    def _advance(self, item: Input, now: datetime) -> Decision:
        if self.journal is None:
            return advance(self.state, item.given, now, item.cause)
        if self.journal.trouble:
            self.metrics.count(ACD_INPUTS_UNRECORDED)
        try:
            decision = advance(self.state, item.given, now, item.cause)
        except (Refused, Bug, InvalidMessage):
            self.journal.decided(item.given, now, item.cause, REFUSED)
            raise
        self.journal.decided(item.given, now, item.cause, digest_of(decision.events))
        return decision

    def is_snapshot_due(self, every: int) -> bool:
        """Whether enough was stored since the last: the larger the state, the more, so that snapshots stay the smaller part."""
        return self.since_snapshot >= max(every, self.state.row_count)

    async def store(self, page: Page) -> None:
        """Append the page's events. Raises Fenced and BusDown."""
        if self.journal is not None:
            self.journal.flush()
        if not page.facts:
            return
        await self.writer.append(page.facts)
        self.since_snapshot += len(page.facts)

    async def snapshot(self) -> None:
        """Store the whole state. Raises Fenced and BusDown."""
        await self.writer.snapshot(self.state, dict(self.positions), self.clock.now())
        self.since_snapshot = 0

    def _is_to_be_skipped(self, item: Input, page: Page) -> bool:
        if item.cause is None or item.record is None:
            return False
        if item.cause.offset < self.positions.get(place_of(item.cause.topic, item.cause.partition), 0):
            return True  # decided before
        if item.cause == self.poison:
            page.buried.append((item.record, "deciding it brought the service down"))
            return True
        if isinstance(item.given, AcdCommand) and is_expired(item.record, self.clock.now()):
            log.info("command_expired", kind=type(item.given).__name__)
            return True
        return False

    def _pass(self, cause: InputRef | None) -> None:
        if cause is not None:
            place = place_of(cause.topic, cause.partition)
            self.positions[place] = max(cause.offset + 1, self.positions.get(place, 0))

    def _judge(self, ended: EntryEnded) -> None:
        """Count whether the wait of an answered contact was as foretold."""
        past = self.state.past.get(ended.entry_id)
        if ended.outcome is not EntryOutcome.ANSWERED or past is None or past.expected is None:
            return
        waited, foretold = ended.wait_ms / 1000, past.expected
        was = "shorter" if waited < foretold[0] else "longer" if waited > foretold[1] else "inside"
        self.metrics.count(ACD_WAITS_FORETOLD, queue=ended.queue_id, was=was)

    def _warn(self, given: object) -> None:
        if not isinstance(given, ConfigChanged) or given.object is None:
            return
        key = given.object_id if given.kind == "queue" else given.key()
        problem = self.state.broken.get(key)
        if problem:
            log.error("rules_broken", object=given.key(), reason=problem, kept="its last good rules")

    def _note(self, decision: Decision, item: Input, page: Page) -> None:
        page.effects += decision.effects
        if item.reply is not None:
            page.answers.append((item.reply, decision.result))
        for event in decision.events:
            if isinstance(event, AgentChanged):
                log.info(
                    "agent_moved",
                    agent_id=event.agent_id,
                    state=event.state.value,
                    reason=event.reason,
                    call_id=event.call_id,
                )
            elif isinstance(event, EntryEnded):
                self._judge(event)
            elif isinstance(event, OfferEnded):
                self.metrics.count(ACD_OFFERS, queue=event.queue_id, outcome=event.outcome.value)
