"""Which routing domains are decided here: by lease, one owner for each in the whole cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import structlog

from ipcc.bus.lease import Lease, Tenure
from ipcc.bus.port import partition_of
from ipcc.contracts.topics import ACD_LEASE
from ipcc.esl.port import SwitchNode
from ipcc.metrics import ACD_OWNED
from ipcc.tasks import Tasks
from services.acd.owner import Owner
from services.acd.surroundings import Surroundings, Title

log = structlog.get_logger(__name__)


class Ownership:
    """Starts an owner for every domain whose lease comes, and stops it when the lease goes. Run ``run`` as a task."""

    def __init__(self, domains: Sequence[str], around: Surroundings, instance: str) -> None:
        self.owners: dict[str, Owner] = {}
        self.lease = Lease(around.bus, ACD_LEASE, instance, self, around.clock)
        self._domains = domains
        self._around = around
        self._tasks: dict[str, Tasks] = {}
        around.switches.on_up(self._node_up)
        around.switches.on_down(self._node_down)

    async def run(self) -> None:
        """Take part until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._around.standstill.run())
            group.create_task(self.lease.run())

    async def acquired(self, tenure: Tenure) -> None:
        """Called by the lease."""
        for domain in self._domains_of(tenure):
            title = Title(self._around.standstill, partial(self.lease.confirms, tenure), self._around.standstill.count)
            owner = self.owners[domain] = Owner(domain, self._around, title)
            tasks = self._tasks[domain] = Tasks()
            tasks.spawn(f"own {domain}", partial(self._own, owner, tenure))
        self._count()

    async def lost(self, tenure: Tenure) -> None:
        """Called by the lease: nothing is decided here any more once this returns."""
        for domain in self._domains_of(tenure):
            self.owners.pop(domain, None)
            tasks = self._tasks.pop(domain, None)
            if tasks is not None:
                await tasks.stop()
        self._count()

    def problem(self) -> str | None:
        """Why health is red: a domain that is ours and cannot be decided. A replica that owns nothing is well."""
        found = [f"{domain}: {owner.trouble}" for domain, owner in self.owners.items() if not owner.is_open]
        dead = [f"{name}: {why}" for tasks in self._tasks.values() for name, why in tasks.dead.items()]
        return "; ".join(found + dead) or None

    def complaint(self) -> str | None:
        """What is wrong in our domains and stops nobody from being routed."""
        found = [f"{domain}: {owner.complaint()}" for domain, owner in self.owners.items() if owner.complaint()]
        return "; ".join(found) or None

    async def _own(self, owner: Owner, tenure: Tenure) -> None:
        await owner.run()
        # it ended by itself: somebody newer writes, or has the lease
        self.lease.renounce(tenure)

    def _domains_of(self, tenure: Tenure) -> list[str]:
        return [d for d in self._domains if partition_of(d, ACD_LEASE.partitions) == tenure.partition]

    def _count(self) -> None:
        self._around.metrics.put(ACD_OWNED, len(self.owners))

    def _node_up(self, node: SwitchNode) -> None:
        for owner in self.owners.values():
            owner.node_up(node)

    def _node_down(self, node: SwitchNode) -> None:
        for owner in self.owners.values():
            owner.node_down(node)
