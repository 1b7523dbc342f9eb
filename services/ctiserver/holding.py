"""Which switches this replica is the ear of: decided by lease, taken over without telling anything twice."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from ipcc.bus import Lease, Tenure, View
from ipcc.bus.port import partition_of
from ipcc.bus.standstill import Standstill
from ipcc.clock import Clock
from ipcc.contracts.topics import NODE_LEASE
from ipcc.errors import Unavailable
from ipcc.esl.port import Switches, SwitchNode
from ipcc.ids import NodeId
from ipcc.metrics import CTI_NODES_HELD, Metrics
from ipcc.tasks import Tasks
from services.ctiserver.journal import Journal
from services.ctiserver.looks import Looker, LookTimes
from services.ctiserver.publishing import Outgoing
from services.ctiserver.switch import Ear

log = structlog.get_logger(__name__)

RETRY_S = 1.0
ASK_EVERY_S = 0.1
SETTLE = timedelta(seconds=3)
"""A replica that has no node by then is there to take over from another."""
LATE_LOOKS = 4
"""A held node not looked at for so many rounds makes the service red."""


@dataclass
class _Post:
    """One node and the tasks that serve it."""

    node: SwitchNode
    task: asyncio.Task[None]
    looker: Looker | None = None


class Holding:
    """Told by the lease which nodes are ours; keeps an ear on each and looks at it."""

    def __init__(
        self, ear: Ear, outgoing: Outgoing, journal: Journal, switches: Switches, phones: View, times: LookTimes
    ) -> None:
        self._ear = ear
        self._outgoing = outgoing
        self._journal = journal
        self._switches = switches
        self._phones = phones
        self._times = times
        self._posts: dict[NodeId, _Post] = {}
        self._tenures: dict[int, Tenure] = {}
        self._lease: Lease | None = None
        self._over = asyncio.Event()
        self._is_leaving = False
        switches.on_up(self._link_up)
        journal.begin = lambda _: ear.start_over()

    def start(self, tasks: Tasks, clock: Clock, metrics: Metrics) -> None:
        """Serve for as long as ``tasks`` run."""
        self._tasks, self._clock, self._metrics = tasks, clock, metrics
        self._started_at = clock.now()
        for node in self._switches.nodes():
            self._ear.stand_by(node)
        tasks.spawn("keep the book", self._keep_book)

    def prove_by(self, lease: Lease, standstill: Standstill) -> None:
        """After this process stood still nothing is told before the group of ``lease`` says that our nodes are still ours."""
        self._lease, self._standstill, self._proved = lease, standstill, 0
        self._ear.is_in_doubt = lambda: standstill.count != self._proved
        self._tasks.spawn("notice standing still", standstill.run)
        self._tasks.spawn("ask whose the nodes are", self._keep_sure)

    @property
    def nodes(self) -> list[NodeId]:
        """The nodes this replica is the ear of."""
        return sorted(self._posts)

    def start_over(self) -> None:
        """The book is ahead of what was told: read back what was, then look at the switches for the rest."""
        self._outgoing.close()
        self._ear.start_over()
        self._over.set()

    def leave(self) -> None:
        """The service ends: what the switches say from now on is the next holder's to tell; what was told is sent."""
        self._is_leaving = True
        for node_id, post in self._posts.items():
            post.task.cancel()
            self._ear.release(node_id)

    async def acquired(self, tenure: Tenure) -> None:
        """The lease says that the nodes of one partition are ours."""
        if self._is_leaving:
            return
        self._tenures[tenure.partition] = tenure
        for node in self._nodes_of(tenure):
            if node.node_id not in self._posts:
                log.info("node_acquired", node=node.node_id, epoch=tenure.epoch)
                self._posts[node.node_id] = _Post(
                    node,
                    self._tasks.spawn(f"hold {node.node_id}", lambda node=node: self._hold(node)),  # type: ignore[misc]
                )
        self._report()

    async def lost(self, tenure: Tenure) -> None:
        """The nodes of one partition are somebody else's now."""
        self._tenures.pop(tenure.partition, None)
        for node in self._nodes_of(tenure):
            post = self._posts.pop(node.node_id, None)
            if post is not None:
                log.info("node_lost", node=node.node_id, epoch=tenure.epoch)
                post.task.cancel()
                self._ear.release(node.node_id)
                if not self._is_leaving:
                    # what was decided and not told is the new holder's to tell
                    self.start_over()
        self._report()

    def problem(self) -> str | None:
        """What is wrong with what we hold, for people."""
        if not self._ear.is_attentive:
            return "the call topic has not been read back yet"
        now = self._clock.now()
        if not self._posts and now - self._started_at < SETTLE:
            return "which switches are ours is not decided yet"
        found = [f"{node_id}: {why}" for node_id, post in self._posts.items() if (why := self._why_late(post, now))]
        return "; ".join(found) or None

    def _why_late(self, post: _Post, now: datetime) -> str:
        looker = post.looker
        if looker is None or looker.last_look_at is None:
            return looker.last_error if looker else "being taken over"
        late = timedelta(seconds=LATE_LOOKS * self._times.every_s + self._times.timeout_s)
        return "" if now - looker.last_look_at < late else looker.last_error or "not looked at"

    async def _keep_book(self) -> None:
        """Complete the book at start, and again after every ``start_over``."""
        while True:
            await self._phones.ready()
            await self._journal.ready()
            self._outgoing.open()
            self._ear.attend()
            await self._over.wait()
            self._over.clear()
            log.warning("book_starts_over")
            await self._outgoing.idle()
            self._journal.reload()

    async def _keep_sure(self) -> None:
        """Who stood still asks for each of his tenures; one that the group does not confirm is given up, and claimed anew if ours."""
        while True:
            stood_still = self._standstill.count
            if stood_still != self._proved and self._lease is not None:
                tenures = list(self._tenures.values())
                try:
                    lost = [tenure for tenure in tenures if not await self._lease.confirms(tenure)]
                except Unavailable as error:
                    log.warning("nodes_in_doubt", reason=str(error))
                else:
                    for tenure in lost:
                        self._lease.renounce(tenure)
                    if not lost:
                        self._proved = stood_still
                        self._ear.settle()
            await self._clock.sleep(ASK_EVERY_S)

    async def _hold(self, node: SwitchNode) -> None:
        held = self._ear.hold(node)
        looker = Looker(self._ear, held, self._clock, self._metrics, self._times)
        self._posts[node.node_id].looker = looker
        while not held.is_ready:
            try:
                await self._journal.catch_up()
                self._ear.begin(held)
            except Unavailable as error:
                log.warning("takeover_waits", node=node.node_id, reason=str(error))
                await self._clock.sleep(RETRY_S)
        await looker.run()

    def _link_up(self, node: SwitchNode) -> None:
        post = self._posts.get(node.node_id)
        if post and post.looker:
            post.looker.look_now()

    def _nodes_of(self, tenure: Tenure) -> list[SwitchNode]:
        return [
            node
            for node in self._switches.nodes()
            if partition_of(node.node_id, NODE_LEASE.partitions) == tenure.partition
        ]

    def _report(self) -> None:
        self._metrics.put(CTI_NODES_HELD, len(self._posts))
