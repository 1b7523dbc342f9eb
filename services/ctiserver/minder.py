"""Looks after those whom a hang-up in the middle of something left behind, and keeps the safety net away from those who wait."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from ipcc.errors import IpccError, NotNow, SwitchRefused
from ipcc.esl.commands import SchedDel, SchedTransfer
from ipcc.ids import LegId
from services.ctiserver.core.minding import Case, Remedy, find_cases
from services.ctiserver.steering import Steering

log = structlog.get_logger(__name__)

NET_S = 300
"""The net under a customer who waits is put so far ahead,"""
PUSH_EVERY = timedelta(seconds=100)
"""and so often."""


class Minder:
    """Serves the nodes this replica is the ear of. ``is_busy`` tells whether a verb is at work on a call."""

    def __init__(self, steering: Steering, is_busy: Callable[[str], bool], every_s: float) -> None:
        self._steering = steering
        self._is_busy = is_busy
        self._every_s = every_s
        self._seen: dict[Case, datetime] = {}
        self._pushed: dict[LegId, datetime] = {}

    async def run(self) -> None:
        """Look and act, for ever."""
        while True:
            await self._steering.clock.sleep(self._every_s)
            await self.look()

    async def look(self) -> None:
        """Once: what was so at the last look too, and is nobody's work, is remedied."""
        now = self._steering.clock.now()
        settled = timedelta(seconds=self._every_s)
        cases = self._cases()
        self._seen = {case: self._seen.get(case, now) for case in cases}
        for case in cases:
            if now - self._seen[case] >= settled:
                del self._seen[case]
                await self._remedy(case)
        await self._push_nets(now)

    def _cases(self) -> list[Case]:
        ear = self._steering.ear
        found: list[Case] = []
        for node_id, held in ear.held.items():
            if ear.listens_to(held) and held.node.is_up:
                found += find_cases(ear.book, node_id)
        return [case for case in found if not self._is_busy(ear.book.legs[case.leg_id].call_id)]

    async def _remedy(self, case: Case) -> None:
        steering, leg = self._steering, self._steering.ear.book.leg(case.leg_id)
        if leg is None or not leg.is_live:
            return
        log.info("left_behind", leg_id=leg.leg_id, role=leg.role.value, remedy=case.remedy.value)
        try:
            if case.remedy is Remedy.JOIN and case.other_leg_id:
                await steering.join_for_good(leg, steering.leg(case.other_leg_id))
                steering.retrieve(steering.leg(leg.leg_id))
            elif case.remedy is Remedy.NET:
                await steering.to_net(leg)
            else:
                await steering.end(leg)
        except IpccError as error:
            log.warning("remedy_failed", leg_id=leg.leg_id, remedy=case.remedy.value, reason=str(error))

    async def _push_nets(self, now: datetime) -> None:
        ear = self._steering.ear
        waiting = {
            leg.leg_id: leg
            for node_id, held in ear.held.items()
            if held.node.is_up
            for leg in ear.book.live_legs(node_id)
            if leg.is_waiting and (leg.waits_for or leg.in_flow)
        }
        self._pushed = {leg_id: self._pushed.get(leg_id, now) for leg_id in waiting}
        for leg_id, leg in waiting.items():
            if now - self._pushed[leg_id] >= PUSH_EVERY:
                self._pushed[leg_id] = now
                with contextlib.suppress(SwitchRefused, NotNow):
                    await self._steering.api(leg, SchedDel(leg_id))
                    await self._steering.api(leg, SchedTransfer(NET_S, leg_id, "fallback", "safety"))
