"""Looks at a held switch: at link up, after a takeover, and every few seconds; what differs from the book is repaired."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from ipcc.call.fold import CallFold, Ending
from ipcc.call.resync import Findings, Reconciliation
from ipcc.clock import Clock
from ipcc.contracts.tags import line_place
from ipcc.errors import SwitchDown, SwitchRefused
from ipcc.esl.commands import ShowRegistrations, UuidDump, UuidKill
from ipcc.esl.headers import HangupCause, q850_of
from ipcc.esl.listing import dump_from_json, registrations_from_json
from ipcc.esl.meaning import RegistrationRow
from ipcc.esl.wire import WireError
from ipcc.ids import LegId
from ipcc.metrics import CTI_GHOSTS, CTI_LOOK_DURATION, Metrics
from services.ctiserver.switch import Ear, Held

log = structlog.get_logger(__name__)

AT_ONCE = 8
"""So many questions about single legs are under way at a time: the command link is shared with those who act."""


@dataclass(frozen=True)
class LookTimes:
    """How often and how long; see CtiSettings."""

    every_s: float = 5.0
    again_s: float = 1.0
    timeout_s: float = 10.0
    ghost_after_s: float = 10.0
    node_lost_after_s: float = 120.0


class Looker:
    """Looks at one node for as long as it is held."""

    def __init__(self, ear: Ear, held: Held, clock: Clock, metrics: Metrics, times: LookTimes) -> None:
        self._ear = ear
        self._held = held
        self._node = held.node
        self._clock = clock
        self._metrics = metrics
        self._times = times
        self._reconciliation = Reconciliation(held.node.node_id)
        self._ghosts: dict[LegId, datetime] = {}
        self._woken = asyncio.Event()
        self._due = clock.now()
        self._down_since: datetime | None = None
        self._is_given_up = False
        self.last_look_at: datetime | None = None
        self.last_error = "no look yet"
        held.wake = self._woken.set

    def look_now(self) -> None:
        """The link is up: whatever happened before it must be found."""
        self._due = self._clock.now()
        self._woken.set()

    async def run(self) -> None:
        """Look, repair, rest; for ever."""
        while True:
            self._woken.clear()
            can_look = self._node.is_up and self._ear.listens_to(self._held)
            self._miss()
            if can_look:
                await self._do_what_is_due()
            await self._rest(can_look)

    def _miss(self) -> None:
        """A node that is not reached for too long has lost its calls: nothing stays open for ever."""
        now, limit = self._clock.now(), timedelta(seconds=self._times.node_lost_after_s)
        if self._node.is_up:
            self._down_since, self._is_given_up = None, False
            return
        self._down_since = self._down_since or now
        is_over = bool(limit) and now - self._down_since >= limit
        if is_over and not self._is_given_up and self._ear.listens_to(self._held):
            self._is_given_up = True
            legs = self._ear.give_up(self._held, now)
            log.error("node_given_up", node=self._node.node_id, legs=legs, since=self._down_since.isoformat())

    async def _do_what_is_due(self) -> None:
        try:
            await self._adopt(self._wanted())
            if self._clock.now() < self._due:
                return
            with self._metrics.timed(CTI_LOOK_DURATION, node=self._node.node_id):
                doubts = await self.look()
        except (SwitchDown, SwitchRefused, WireError) as error:
            self.last_error = str(error)
            log.warning("look_failed", node=self._node.node_id, reason=str(error))
            doubts = 1
        self._due = self._clock.now() + timedelta(seconds=self._times.again_s if doubts else self._times.every_s)

    async def look(self) -> int:
        """Compare once and repair; how many differences wait for a second look. Raises SwitchDown, SwitchRefused, WireError."""
        fold = self._ear.fold
        mark = fold.facts_taken
        rows = await self._node.channels()
        if fold is not self._ear.fold or not self._ear.listens_to(self._held):
            # the book was started over meanwhile
            return 1
        found = self._reconciliation.compare(fold, rows, mark, self._clock.now())
        self._ear.tell(found.told)
        await self._adopt(found.unknown)
        await self._make_sure(found.missing)
        await self._lay(found)
        phones = await self._look_at_phones()
        self.last_look_at, self.last_error = self._clock.now(), ""
        self._ear.report()
        return found.doubts + phones

    async def _look_at_phones(self) -> int:
        text = await self._node.api(ShowRegistrations(), timeout=self._times.timeout_s)
        places = map(line_place, self._ear.fold.carriers.lines_at(self._node.node_id))
        lines = [RegistrationRow(place, "", registration=place) for place in places]
        changes = self._ear.phone_fold.compare(self._node.node_id, [*registrations_from_json(text), *lines])
        self._ear.tell_phones(changes, self._clock.now())
        return int(self._ear.phone_fold.has_doubts(self._node.node_id))

    def _wanted(self) -> list[LegId]:
        return [leg for leg, node_id in self._ear.fold.wanted.items() if node_id == self._node.node_id]

    async def _adopt(self, legs: Iterable[LegId]) -> None:
        """Look at single legs and tell what was found."""
        for batch in _batches(list(dict.fromkeys(legs))):
            await asyncio.gather(*(self._adopt_one(leg) for leg in batch))

    async def _adopt_one(self, leg: LegId) -> None:
        fold = self._ear.fold
        try:
            text = await self._node.api(UuidDump(leg), timeout=self._times.timeout_s)
        except SwitchRefused:
            # gone meanwhile: its end is told by its own event, or by the next look
            fold.wanted.pop(leg, None)
            return
        if fold is self._ear.fold and self._ear.listens_to(self._held):
            fold.wanted.pop(leg, None)
            self._ear.tell(fold.adopt(self._node.node_id, dump_from_json(text), self._clock.now()))

    async def _make_sure(self, missing: Iterable[LegId]) -> None:
        """End the legs that the switch really does not have."""
        cause = HangupCause.NETWORK_OUT_OF_ORDER if self._held.lost_core else HangupCause.NORMAL_UNSPECIFIED
        for batch in _batches(list(missing)):
            await asyncio.gather(*(self._make_sure_of(leg, cause) for leg in batch))
        self._held.lost_core = False

    async def _make_sure_of(self, leg: LegId, cause: HangupCause) -> None:
        fold: CallFold = self._ear.fold
        if await self._node.exists(leg) or fold is not self._ear.fold or not self._ear.listens_to(self._held):
            return
        told = fold.lose(leg, Ending(self._clock.now(), cause.name, q850_of(cause.name)))
        log.warning("leg_lost", node=self._node.node_id, leg_id=leg, cause=cause.name)
        self._ear.tell(told)

    async def _lay(self, found: Findings) -> None:
        """Hang up ghosts that their owner has left alone for long enough."""
        now = self._clock.now()
        self._ghosts = {leg: self._ghosts.get(leg, now) for leg in found.ghosts}
        if not self._times.ghost_after_s:
            return
        for leg, since in self._ghosts.items():
            if now - since >= timedelta(seconds=self._times.ghost_after_s):
                log.warning("ghost_hung_up", node=self._node.node_id, leg_id=leg)
                self._metrics.count(CTI_GHOSTS, node=self._node.node_id)
                with contextlib.suppress(SwitchRefused):
                    await self._node.api(UuidKill(leg, HangupCause.NORMAL_CLEARING), timeout=self._times.timeout_s)

    async def _rest(self, can_look: bool) -> None:
        """Until the next look is due, or somebody wakes us: a leg is wanted, the link is up, the book is complete."""
        seconds = max(0.05, (self._due - self._clock.now()).total_seconds()) if can_look else self._times.again_s
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return


def _batches(legs: list[LegId]) -> Iterable[list[LegId]]:
    return (legs[start : start + AT_ONCE] for start in range(0, len(legs), AT_ONCE))
