"""Sees to it that whoever was sent to a flow comes out of it: when ivr says that it is over, or when it lasts too long."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog

from ipcc.call.model import Leg
from ipcc.contracts.envelope import Event
from ipcc.contracts.ivr import FlowReturned
from ipcc.errors import IpccError
from ipcc.ids import LegId, NodeId
from ipcc.tasks import Tasks
from services.ctiserver.flows import OVERDUE, Back, Flows

log = structlog.get_logger(__name__)

MOST_RETURNS = 5_000
LOOK_EVERY_S = 0.5


class FlowKeeper:
    """Serves the nodes this replica is the ear of, by what the book says: a walk begun by a replica that died is finished, too.

    After ``limit_s`` in a flow ivr is ordered to let go; ``grace_s`` later he is taken back all the same.
    """

    def __init__(self, flows: Flows, limit_s: float, grace_s: float) -> None:
        self._flows = flows
        self._limit = timedelta(seconds=limit_s)
        self._grace = timedelta(seconds=grace_s)
        self._returned: OrderedDict[str, FlowReturned] = OrderedDict()
        self._working: set[LegId] = set()
        self._stopped: set[str] = set()
        self._woken = asyncio.Event()

    def take(self, event: Event) -> None:
        """Perhaps ivr's word that a flow is over."""
        if isinstance(event.data, FlowReturned):
            self._returned[event.data.session_id] = event.data
            if len(self._returned) > MOST_RETURNS:
                self._returned.popitem(last=False)
            self._woken.set()

    async def run(self) -> None:
        """Look whenever a flow is over, and every half second; for ever."""
        tasks = self._flows.tasks
        while True:
            self.look(tasks)
            self._woken.clear()
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._woken.wait()
            except TimeoutError:
                continue

    def look(self, tasks: Tasks) -> None:
        """Bring back whoever is to be."""
        now = self._flows.steering.clock.now()
        for leg, back in list(self._due(now)):
            self._working.add(leg.leg_id)
            tasks.once(f"back from flow {leg.leg_id}", self._bring_back(leg, back))
        for leg in self._walking():
            stay = leg.in_flow
            if stay and now - stay.since >= self._limit and stay.session_id not in self._stopped:
                self._stopped.add(stay.session_id)
                tasks.once(f"stop flow {stay.session_id}", self._flows.stop(leg))

    def _due(self, now: datetime) -> Iterator[tuple[Leg, Back]]:
        book = self._flows.steering.ear.book
        for session_id, returned in self._returned.items():
            leg = book.leg(returned.leg_id)
            if leg and leg.in_flow and leg.in_flow.session_id == session_id and self._is_ours(leg):
                yield leg, Back(session_id, returned.outcome, returned.results)
        for leg in self._walking():
            stay = leg.in_flow
            is_over = stay is not None and stay.session_id in self._returned
            if stay and not is_over and now - stay.since >= self._limit + self._grace and self._is_ours(leg):
                yield leg, Back(stay.session_id, OVERDUE)

    def _walking(self) -> list[Leg]:
        ear = self._flows.steering.ear
        return [leg for node_id in ear.held for leg in ear.book.live_legs(node_id) if leg.in_flow]

    def _is_ours(self, leg: Leg) -> bool:
        ear = self._flows.steering.ear
        held = ear.held.get(NodeId(leg.node_id))
        return held is not None and ear.listens_to(held) and held.node.is_up and leg.leg_id not in self._working

    async def _bring_back(self, leg: Leg, back: Back) -> None:
        try:
            await self._flows.bring_back(leg, back)
        except IpccError as error:
            # he waits, and his agent can retrieve him; one without an agent is minded
            log.warning("not_joined_after_flow", leg_id=leg.leg_id, reason=str(error))
        finally:
            self._working.discard(leg.leg_id)
            self._stopped.discard(back.session_id)
